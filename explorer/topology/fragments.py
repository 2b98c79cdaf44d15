"""Fragments of a dissociated structure, and whether they are in contact."""

from typing import NamedTuple

import networkx as nx
import numpy as np
from jaxtyping import Bool, Float

from explorer.topology.bonds import Topology
from explorer.topology.contacts import contact_distance, squared_distances

_CONTACT_DISTANCE = 4.5  # Å between nearest atoms; carbons in van der Waals contact have 3.4; not tuned
# Distance over the median of the nearest neighbours, within which atoms without bonds belong together. A Lennard-Jones
# pair has 3 % of its binding energy left there; the largest gap in minima and saddles of LJ7 and LJ8 is 1.1. Not tuned.
_CLUSTER_CONTACT = 2.0


class Fragments(NamedTuple):
    """Connected fragments of a structure.

    Attributes:
        count: Number of fragments; 1 for an intact molecule.
        text: Atoms of the smallest fragment and the distance between fragments, for messages.
        are_apart: Whether a fragment is in contact with no other. Its position is then arbitrary, so such a
            structure is not explored.
    """

    count: int
    text: str
    are_apart: bool


def fragments_of(topology: Topology, positions: Float[np.ndarray, "N 3"], bonded: Bool[np.ndarray, "N N"]) -> Fragments:
    """Find the connected fragments of a structure.

    Args:
        topology: Topology of the input molecule.
        positions: Positions, Å.
        bonded: Bond matrix of the structure.
    """
    graph = nx.from_edgelist(np.argwhere(bonded).tolist())
    graph.add_nodes_from(range(len(bonded)))
    fragments = [sorted(fragment) for fragment in nx.connected_components(graph)]
    if len(fragments) == 1:
        return Fragments(1, "", False)
    smallest = min(fragments, key=len)
    names = topology.atom_names or [f"atom {i + 1}" for i in range(len(bonded))]
    lost = " ".join(names[i] for i in smallest[:5]) + (" ..." if len(smallest) > 5 else "")
    distance = max(_distance_to_others(positions, fragment) for fragment in fragments)
    return Fragments(
        count=len(fragments),
        text=f"{len(fragments)} fragments, {distance:.1f} Å apart; {lost} split off",
        are_apart=distance > _CONTACT_DISTANCE,
    )


def fragments_of_cluster(topology: Topology, positions: Float[np.ndarray, "N 3"]) -> Fragments:
    """Find the parts of a cluster without bonds; parts are always apart.

    Args:
        topology: Topology of the cluster.
        positions: Positions, Å or the unit of length of the potential.
    """
    reach = _CLUSTER_CONTACT * contact_distance(positions)
    fragments = fragments_of(topology, positions, squared_distances(positions, positions) <= reach**2)
    return fragments._replace(are_apart=fragments.count > 1)


def _distance_to_others(positions: Float[np.ndarray, "N 3"], fragment: list[int]) -> float:
    inside = np.isin(np.arange(len(positions)), fragment)
    return float(np.linalg.norm(positions[inside, None] - positions[~inside], axis=-1).min())
