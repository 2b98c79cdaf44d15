"""Minimax paths: connections between two minima with the lowest possible highest energy."""

from dataclasses import dataclass
from itertools import pairwise

import networkx as nx

from explorer.errors import InputError
from explorer.landscape.graph import paths_only


@dataclass(frozen=True)
class MinimaxPath:
    """Path along a sequence of hops.

    Attributes:
        ids: Minima on the path, ends included.
        upper_bound: Highest bound on the path, eV; the energy of the minimum if both ends are the same.
    """

    ids: tuple[int, ...]
    upper_bound: float


def minimax_path(graph: nx.MultiGraph, start: int, end: int) -> MinimaxPath | None:
    """Return the path whose highest `upper_bound` is lowest, or None if no hops along paths connect the minima.

    The path on a minimum spanning tree has this property. The tree decides between equal paths.

    Args:
        graph: Graph from `minima_graph`.
        start: Id of one minimum.
        end: Id of the other minimum.

    Raises:
        InputError: When the graph has no minimum with such an id.
    """
    for node in (start, end):
        if node not in graph:
            raise InputError(f"A minimum of the graph was wanted, received id {node}; ids are 0 to {len(graph) - 1}.")
    tree = nx.minimum_spanning_tree(paths_only(graph), weight="upper_bound")
    if not nx.has_path(tree, start, end):
        return None
    ids = tuple(nx.shortest_path(tree, start, end))
    bounds = [min(edge["upper_bound"] for edge in tree[a][b].values()) for a, b in pairwise(ids)]
    return MinimaxPath(ids, max(bounds, default=graph.nodes[start]["energy"]))
