"""The way between two minima whose highest point is as low as the graph allows."""

from dataclasses import dataclass
from itertools import pairwise

import networkx as nx

from explorer.errors import InputError
from explorer.landscape.graph import paths_only


@dataclass(frozen=True)
class MinimaxPath:
    """A chain of hops.

    Attributes:
        ids: minima on the way, ends included.
        upper_bound: the highest bound on the way, eV; the energy of the minimum itself where both ends are one.
    """

    ids: tuple[int, ...]
    upper_bound: float


def minimax_path(graph: nx.MultiGraph, start: int, end: int) -> MinimaxPath | None:
    """The path with the lowest highest `upper_bound`; None where no chain of hops connects the two.

    The unique path on a minimum spanning tree is such a path. Ties are broken by the tree.

    Raises:
        InputError: when there is no such minimum.
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
