"""Atoms without bonds for tests."""

import numpy as np

from explorer.records.molecule import Molecule


def argon_cluster(positions: np.ndarray) -> Molecule:
    """A cluster of argon atoms at these positions, Å."""
    n_atoms = len(positions)
    return Molecule(
        name="cluster",
        atomic_numbers=np.full(n_atoms, 18),
        positions=positions,
        bonds=np.empty((0, 2), int),
        bond_orders=np.empty(0),
        formal_charges=np.zeros(n_atoms, int),
    )
