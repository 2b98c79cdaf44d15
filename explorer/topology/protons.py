"""Hydrogens that moved to another heavy atom, and the resulting charge state."""

import networkx as nx
import numpy as np
from jaxtyping import Bool, Int

from explorer.topology.bonds import Topology

_PROTON_CARRIERS = (7, 8, 16)  # N, O, S: a hydrogen that moves between these is counted as a proton


def moved_hydrogens(
    topology: Topology, reference: Bool[np.ndarray, "N N"], bonded: Bool[np.ndarray, "N N"]
) -> Int[np.ndarray, "n_moved 3"]:
    """Find hydrogens that are bonded to another heavy atom than in the input molecule.

    Args:
        topology: Topology of the input molecule.
        reference: Bond matrix of the input molecule.
        bonded: Bond matrix of the structure.

    Returns:
        Hydrogen, donor and acceptor of each transfer, one row each.
    """
    is_hydrogen = topology.atomic_numbers == 1
    hydrogens = np.flatnonzero(is_hydrogen)
    before, after = (matrix[hydrogens] & ~is_hydrogen for matrix in (reference, bonded))
    donors, acceptors = before.argmax(axis=1), after.argmax(axis=1)
    has_moved = before.any(axis=1) & after.any(axis=1) & (donors != acceptors)
    return np.stack([hydrogens, donors, acceptors], axis=1)[has_moved]


def describe_transfers(topology: Topology, moved: Int[np.ndarray, "n_moved 3"]) -> list[str]:
    """Describe each transferred hydrogen; the last text adds the change of charge state.

    The charge state, such as `zwitterion to neutral`, is given only if all hydrogens moved between N, O and S.
    A hydrogen that leaves or reaches a carbon is not necessarily a proton.

    Args:
        topology: Topology of the input molecule.
        moved: Transfers of `moved_hydrogens`.
    """
    if not len(moved):
        return []
    names, charges = topology.atom_names, topology.formal_charges.copy()
    for _, donor, acceptor in moved:
        charges[donor] -= 1
        charges[acceptor] += 1
    before, after = charge_state(topology, topology.formal_charges), charge_state(topology, charges)
    texts = [f"{names[h]} moved from {names[donor]} to {names[acceptor]}" for h, donor, acceptor in moved]
    if before != after and np.isin(topology.atomic_numbers[moved[:, 1:]], _PROTON_CARRIERS).all():
        texts[-1] += f" ({before} to {after})"
    return texts


def charge_state(topology: Topology, charges: Int[np.ndarray, "N"]) -> str:
    """Return "neutral", "zwitterion", "cation" or "anion", based on the charges of groups.

    Charged atoms that are bonded or share a neighbour form one group. A proton on either oxygen therefore
    neutralises a carboxylate, in either Kekulé structure.

    Args:
        topology: Topology of the input molecule.
        charges: Formal charge of each atom, e.
    """
    bonded = np.eye(len(charges), dtype=int)
    bonded[tuple(topology.bonds.T)] = bonded[tuple(topology.bonds.T[::-1])] = 1
    charged = np.flatnonzero(charges)
    groups = nx.from_edgelist(np.argwhere(bonded[charged] @ bonded[:, charged]).tolist())
    signs = {int(np.sign(charges[charged[list(group)]].sum())) for group in nx.connected_components(groups)} - {0}
    if signs == {1, -1}:
        return "zwitterion"
    return "cation" if 1 in signs else "anion" if -1 in signs else "neutral"
