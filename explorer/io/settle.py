"""The molecule that a structure has become when protons moved: a zwitterion, as a rule, is none without water."""

from dataclasses import replace

import numpy as np
from jaxtyping import Float

from explorer.io.perceive import perceive
from explorer.records.molecule import Molecule


def with_moved_protons(molecule: Molecule, positions: Float[np.ndarray, "N 3"]) -> Molecule | None:
    """The same atoms with the bonds and formal charges of other positions; None where these make no molecule.

    Args:
        molecule: as it was given.
        positions: Å, where only hydrogens have changed their partners.
    """
    seen = perceive(molecule.atomic_numbers, positions)
    if seen.lacking or seen.charges.sum() != molecule.total_charge:
        return None
    return replace(
        molecule, positions=positions, bonds=seen.bonds, bond_orders=seen.orders, formal_charges=seen.charges
    )
