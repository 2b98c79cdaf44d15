"""What a model says of minima beside their energy: its parts, charges and dipoles. Numpy, no JAX."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

DEBYE = 4.80320471  # D / (e Å)


@dataclass(frozen=True, kw_only=True, eq=False)
class Properties:
    """Of the minima of a run by id, as far as they were known when this was computed.

    Attributes:
        local: energy of the network's atoms, eV.
        zbl: short-range repulsion, eV.
        electrostatic: energy of the partial charges, eV.
        dispersion: eV.
        charges: partial charges, e.
        dipoles: e Å, about the origin of the positions.
    """

    local: Float[np.ndarray, "n"]
    zbl: Float[np.ndarray, "n"]
    electrostatic: Float[np.ndarray, "n"]
    dispersion: Float[np.ndarray, "n"]
    charges: Float[np.ndarray, "n N"]
    dipoles: Float[np.ndarray, "n 3"]

    def __len__(self) -> int:
        return len(self.local)

    @property
    def dipole_moments(self) -> Float[np.ndarray, "n"]:
        """Lengths of the dipoles, Debye."""
        return np.linalg.norm(self.dipoles, axis=-1) * DEBYE
