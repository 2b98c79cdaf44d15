"""Hydrogens that changed their heavy atom, and what that makes of the charges."""

import networkx as nx
import numpy as np
from jaxtyping import Bool, Int

from explorer.topology.bonds import Topology

ACIDIC = (7, 8, 16)


def moved_hydrogens(
    topology: Topology, given: Bool[np.ndarray, "N N"], found: Bool[np.ndarray, "N N"]
) -> Int[np.ndarray, "n_moved 3"]:
    """Hydrogen, the heavy atom that it left and the one that it reached, one row each.

    Args:
        topology: of the given molecule.
        given: its bond matrix.
        found: that of the structure.
    """
    hydrogen = topology.atomic_numbers == 1
    hydrogens = np.flatnonzero(hydrogen)
    before, after = (bonds[hydrogens] & ~hydrogen for bonds in (given, found))
    donors, acceptors = before.argmax(axis=1), after.argmax(axis=1)
    has_moved = before.any(axis=1) & after.any(axis=1) & (donors != acceptors)
    return np.stack([hydrogens, donors, acceptors], axis=1)[has_moved]


def describe_transfers(topology: Topology, moved: Int[np.ndarray, "n_moved 3"]) -> list[str]:
    """A text per hydrogen, the last one with what became of the charges, such as `zwitterion to neutral`.

    Charges are only counted where all moved between N, O and S: from or to a carbon it need not be a proton.
    """
    if not len(moved):
        return []
    names, charges = topology.atom_names, topology.formal_charges.copy()
    for _, donor, acceptor in moved:
        charges[donor] -= 1
        charges[acceptor] += 1
    before, after = charge_state(topology, topology.formal_charges), charge_state(topology, charges)
    texts = [f"{names[h]} moved from {names[donor]} to {names[acceptor]}" for h, donor, acceptor in moved]
    if before != after and np.isin(topology.atomic_numbers[moved[:, 1:]], ACIDIC).all():
        texts[-1] += f" ({before} to {after})"
    return texts


def charge_state(topology: Topology, charges: Int[np.ndarray, "N"]) -> str:
    """Neutral, zwitterion, cation or anion, by the charges of groups.

    Charged atoms that are bonded or share a neighbour are one group: a proton on either oxygen
    neutralises a carboxylate, on either side of its Kekulé structure.

    Args:
        topology: of the given molecule.
        charges: formal charge of each atom, e.
    """
    bonded = np.eye(len(charges), dtype=int)
    bonded[tuple(topology.bonds.T)] = bonded[tuple(topology.bonds.T[::-1])] = 1
    charged = np.flatnonzero(charges)
    groups = nx.from_edgelist(np.argwhere(bonded[charged] @ bonded[:, charged]).tolist())
    signs = {int(np.sign(charges[charged[list(group)]].sum())) for group in nx.connected_components(groups)} - {0}
    if signs == {1, -1}:
        return "zwitterion"
    return "cation" if 1 in signs else "anion" if -1 in signs else "neutral"
