"""A potential by name that computes energy and forces of any structure; JAX is imported when one is loaded."""

from typing import TYPE_CHECKING, Any

import numpy as np
from ase import Atoms
from jaxtyping import Float

from explorer.records.molecule import Molecule

if TYPE_CHECKING:
    from explorer.potential.ase_calculator import ExplorerCalculator


class LoadedPotential:
    """A potential by name, for any molecule.

    Args:
        name: Name of the potential, as in `load_potential`.
        precision: `float32` or `float64`.
        options: Further arguments of `ExplorerCalculator`.

    Attributes:
        name: Name of the potential.
        precision: `float32` or `float64`.
    """

    def __init__(self, name: str, precision: str, **options: Any):
        from explorer.potential.ase_calculator import ExplorerCalculator

        self.name, self.precision = name, precision
        self._calculator = ExplorerCalculator(name, precision=precision, **options)

    @property
    def calculator(self) -> "ExplorerCalculator":
        """ASE calculator of the potential."""
        return self._calculator

    def energy_and_forces(self, structure: Atoms | Molecule) -> tuple[float, Float[np.ndarray, "N 3"]]:
        """Return energy (eV) and forces (eV/Å) of a structure.

        Args:
            structure: ASE atoms, with `charge` and `multiplicity` in `info` if they are not 0 and 1, or a molecule.
        """
        atoms = structure.copy() if isinstance(structure, Atoms) else atoms_at(structure, structure.positions)
        atoms.calc = self._calculator
        return float(atoms.get_potential_energy()), atoms.get_forces()


def atoms_at(molecule: Molecule, positions: Float[np.ndarray, "N 3"]) -> Atoms:
    """Return ASE atoms of a molecule, with its charge and multiplicity in `info`.

    Args:
        molecule: Molecule.
        positions: Å.
    """
    info = {"charge": molecule.total_charge, "multiplicity": molecule.multiplicity}
    return Atoms(molecule.atomic_numbers, positions, info=info)
