"""Bonds and charges of a molecule after proton transfer, such as a zwitterion that is not stable in the gas phase."""

from dataclasses import replace

import numpy as np
from jaxtyping import Float

from explorer.io.perceive import perceive
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
