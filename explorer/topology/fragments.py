"""The pieces of a structure that fell apart, and whether they still touch."""

from typing import NamedTuple

import networkx as nx
import numpy as np
from jaxtyping import Bool, Float

from explorer.topology.bonds import Topology

TOUCHING = 4.5  # Å between nearest atoms; two carbons in contact have 3.4


class Fragments(NamedTuple):
    """How many pieces there are.

    Attributes:
        count: 1 for a whole molecule.
        text: what split off and how far, for the reason.
        are_apart: a piece touches no other: where it lies is arbitrary, so that there are as many such
            minima as places, and nothing to explore.
    """

    count: int
    text: str
    are_apart: bool


def fragments_of(topology: Topology, positions: Float[np.ndarray, "N 3"], bonded: Bool[np.ndarray, "N N"]) -> Fragments:
    """The connected pieces of a structure.

    Args:
        topology: of the given molecule.
        positions: Å.
        bonded: bond matrix of the structure.
    """
    graph = nx.from_edgelist(np.argwhere(bonded).tolist())
    graph.add_nodes_from(range(len(bonded)))
    pieces = [sorted(piece) for piece in nx.connected_components(graph)]
    if len(pieces) == 1:
        return Fragments(1, "", False)
    smallest = min(pieces, key=len)
    lost = " ".join(topology.atom_names[i] for i in smallest[:5]) + (" ..." if len(smallest) > 5 else "")
    distance = max(_distance_to_others(positions, piece) for piece in pieces)
    return Fragments(
        len(pieces), f"{len(pieces)} fragments, {distance:.1f} Å apart; {lost} split off", distance > TOUCHING
    )


def _distance_to_others(positions: Float[np.ndarray, "N 3"], piece: list[int]) -> float:
    inside = np.isin(np.arange(len(positions)), piece)
    return float(np.linalg.norm(positions[inside, None] - positions[~inside], axis=-1).min())
