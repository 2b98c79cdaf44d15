"""Which share of the molecules is in which minimum."""

import numpy as np
from jaxtyping import Float

from explorer.units import BOLTZMANN


def populations(
    energies: Float[np.ndarray, "n"], temperature: float, degeneracies: Float[np.ndarray, "n"] | None = None
) -> Float[np.ndarray, "n"]:
    """Boltzmann populations p_i = g_i exp(-E_i / kT) / Σ_j g_j exp(-E_j / kT).

    From potential energies alone: vibrations, and so zero-point energy and entropy within a minimum, are left out.

    Args:
        energies: eV, or free energies where there are any.
        temperature: K.
        degeneracies: g_i, how many equal minima each one stands for (mirror images, rotamers); one by default.
    """
    energies = np.asarray(energies, dtype=float)
    if not len(energies):
        return energies
    weights = np.exp(-(energies - energies.min()) / (BOLTZMANN * temperature))
    if degeneracies is not None:
        weights = weights * degeneracies
    return weights / weights.sum()
