"""Record of properties of minima: energy components, partial charges and dipoles."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

DEBYE = 4.80320471  # D / (e Å)


@dataclass(frozen=True, kw_only=True, eq=False)
class Properties:
    """Properties of the minima of a run by id. Minima that were found after the computation have none.

    Attributes:
        local: Energy of the atoms from the network, eV.
        zbl: Short-range repulsion (Ziegler-Biersack-Littmark), eV.
        electrostatic: Energy of the partial charges, eV.
        dispersion: Dispersion energy, eV.
        charges: Partial charge of each atom, e.
        dipoles: Dipoles about the origin of the positions, e Å.

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
        """Lengths of the dipoles, D."""
        return np.linalg.norm(self.dipoles, axis=-1) * DEBYE
