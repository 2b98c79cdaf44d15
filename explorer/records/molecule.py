"""Record of the input molecule: atoms, positions, bonds and charges."""

from dataclasses import dataclass

import numpy as np
from ase.data import atomic_masses
from jaxtyping import Float, Int


@dataclass(frozen=True, kw_only=True, eq=False)
class Molecule:
    """Input molecule.

    Attributes:
        name: Short name for titles and files.
        atomic_numbers: Atomic number of each atom.
        positions: Positions, Å.
        bonds: Index pairs i < j of bonded atoms; empty for atomic clusters.
        bond_orders: 1, 1.5 (aromatic; an amide bond counts 1), 2 or 3.
        formal_charges: Formal charge of each atom, e.
        total_charge: Total charge, e.
        multiplicity: Spin multiplicity 2 S + 1.
        atom_names: Labels as in PDB files, or element symbols.
        source: Origin of the molecule: a path, a SMILES string or a sequence.
        isotopes: Mass number of each atom, 0 for the natural mixture; None if no atom has one.
        remarks: How the input was understood where it left a choice, one sentence each.
    """

    name: str
    atomic_numbers: Int[np.ndarray, "N"]
    positions: Float[np.ndarray, "N 3"]
    bonds: Int[np.ndarray, "n_bonds 2"]
    bond_orders: Float[np.ndarray, "n_bonds"]
    formal_charges: Int[np.ndarray, "N"]
    total_charge: int = 0
    multiplicity: int = 1
    atom_names: tuple[str, ...] = ()
    source: str = ""
    isotopes: Int[np.ndarray, "N"] | None = None
    remarks: tuple[str, ...] = ()

    @property
    def n_atoms(self) -> int:
        """Number of atoms."""
        return len(self.atomic_numbers)

    @property
    def masses(self) -> Float[np.ndarray, "N"]:
        """Mass of each atom, amu: the mass number of an isotope, otherwise the standard atomic mass."""
        standard = atomic_masses[self.atomic_numbers]
        return standard if self.isotopes is None else np.where(self.isotopes > 0, self.isotopes, standard)
