"""Boltzmann populations of minima."""

import numpy as np
from jaxtyping import Float

from explorer.units import BOLTZMANN


def populations(
    energies: Float[np.ndarray, "n"], temperature: float, degeneracies: Float[np.ndarray, "n"] | None = None
) -> Float[np.ndarray, "n"]:
    """Return Boltzmann populations p_i = g_i exp(-E_i / kT) / Σ_j g_j exp(-E_j / kT).

    Populations from potential energies neglect vibrations, that is the zero-point energy and the entropy of a minimum.

    Args:
        energies: Potential or free energies, eV.
        temperature: Temperature, K.
        degeneracies: g_i, the number of equivalent minima that each one represents (mirror images, rotamers). It is 1
            by default.
    """
    energies = np.asarray(energies, dtype=float)
    if not len(energies):
        return energies
    weights = np.exp(-(energies - energies.min()) / (BOLTZMANN * temperature))
    if degeneracies is not None:
        weights = weights * degeneracies
    return weights / weights.sum()
