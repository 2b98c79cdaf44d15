"""A molecule of two fragments."""

import numpy as np

from explorer.io.build import from_smiles
from explorer.records.molecule import Molecule


def two_waters() -> Molecule:
    """Two water molecules that form a hydrogen bond."""
    water = from_smiles("O")
    return Molecule(
        name="water dimer",
        atomic_numbers=np.tile(water.atomic_numbers, 2),
        positions=np.concatenate([water.positions, water.positions @ np.diag([1, -1, -1]) + [0.3, 0.2, 2.9]]),
        bonds=np.concatenate([water.bonds, water.bonds + 3]),
        bond_orders=np.tile(water.bond_orders, 2),
        formal_charges=np.zeros(6, int),
    )
