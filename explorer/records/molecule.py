"""A molecule as it was given: atoms, positions, bonds and charges."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int


@dataclass(frozen=True, kw_only=True, eq=False)
class Molecule:
    """One molecule as it was given.

    Attributes:
        name: short name, used for titles and files.
        atomic_numbers: of each atom, shape (N,).
        positions: Å, shape (N, 3).
        bonds: index pairs i < j, shape (n_bonds, 2); empty for atomic clusters.
        bond_orders: 1, 1.5 (aromatic or amide is 1 here), 2 or 3, shape (n_bonds,).
        formal_charges: of each atom, e, shape (N,).
        total_charge: e.
        multiplicity: 2 S + 1.
        atom_names: PDB-like labels, or element symbols.
        source: where it came from (a path, a SMILES string, a sequence).
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

    @property
    def n_atoms(self) -> int:
        return len(self.atomic_numbers)
