"""Bonds and charges of a molecule at other positions, such as after a proton transfer or a broken bond."""

from dataclasses import replace

import numpy as np
from jaxtyping import Float

from explorer.io.perceive import bonded_pairs, perceive
from explorer.records.molecule import Molecule


def with_moved_protons(molecule: Molecule, positions: Float[np.ndarray, "N 3"]) -> Molecule | None:
    """Return the molecule with the bonds and formal charges of other positions.

    Args:
        molecule: Input molecule.
        positions: Positions in which only hydrogens have changed their bonds, Å.

    Returns:
        The new molecule, or None if the positions have no valid valences or another total charge.
    """
    perceived = perceive(molecule.atomic_numbers, positions)
    if perceived.unsaturated or perceived.charges.sum() != molecule.total_charge:
        return None
    return replace(
        molecule,
        positions=positions,
        bonds=perceived.bonds,
        bond_orders=perceived.orders,
        formal_charges=perceived.charges,
    )


def with_bonds_of(molecule: Molecule, positions: Float[np.ndarray, "N 3"]) -> Molecule:
    """Return the molecule with the bonds of any positions.

    Where they are no complete molecule of the same charge, bonds of the molecule keep their orders, new bonds are
    single, and formal charges stay. A broken bond then leaves unpaired electrons.

    Args:
        molecule: Molecule; an atomic cluster keeps having no bonds.
        positions: Å.
    """
    moved = replace(molecule, positions=positions)
    if not len(molecule.bonds):
        return moved
    bonds = bonded_pairs(molecule.atomic_numbers, positions)
    if np.array_equal(bonds, molecule.bonds):
        return moved
    settled = with_moved_protons(molecule, positions)
    if settled is not None:
        return settled
    orders = {tuple(bond): order for bond, order in zip(molecule.bonds.tolist(), molecule.bond_orders, strict=True)}
    kept = np.array([orders.get(tuple(bond), 1.0) for bond in bonds.tolist()], dtype=float)
    return replace(moved, bonds=bonds, bond_orders=kept)
