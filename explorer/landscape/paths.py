"""Minimax paths: connections between two minima with the lowest possible highest energy."""

from dataclasses import dataclass
from itertools import pairwise

import networkx as nx

from explorer.errors import InputError
from explorer.landscape.graph import paths_only


@dataclass(frozen=True)
class MinimaxPath:
    """Path along a sequence of transition states and hops.

    Attributes:
        ids: Minima on the path, ends included.
        upper_bound: Highest energy on the path, eV, which is exact if that is a transition state; the energy of the
            minimum if both ends are the same.
        saddles: Id of the transition state of each step; None for a step of which only an upper bound is known.
        heights: Energy of that transition state, or the upper bound, of each step, eV.
    """

    ids: tuple[int, ...]
    upper_bound: float
    saddles: tuple[int | None, ...] = ()
    heights: tuple[float, ...] = ()

    @property
    def is_certified(self) -> bool:
        """Whether every step is a transition state."""
        return None not in self.saddles


def minimax_path(graph: nx.MultiGraph, start: int, end: int) -> MinimaxPath | None:
    """Return the path whose highest `upper_bound` is lowest, or None if nothing but jumps connects the minima.

    The path on a minimum spanning tree has this property, for each part of it as well. The tree decides between equal
    paths.

    Args:
        graph: Graph from `minima_graph`; of `saddles_only` for a path over transition states alone.
        start: Id of one minimum.
        end: Id of the other minimum.

    Raises:
        InputError: When the graph has no minimum with such an id.
    """
    for node in (start, end):
        if node not in graph:
            raise InputError(f"A minimum of the graph was wanted, received id {node}; ids are 0 to {len(graph) - 1}.")
    connected = paths_only(graph)
    tree = nx.minimum_spanning_tree(connected, weight="upper_bound")
    if not nx.has_path(tree, start, end):
        return None
    ids = tuple(nx.shortest_path(tree, start, end))
    # an exact energy comes before a bound of the same height
    steps = [min(connected[a][b].values(), key=lambda e: (e["upper_bound"], "id" not in e)) for a, b in pairwise(ids)]
    heights = tuple(float(step["upper_bound"]) for step in steps)
    highest = max(heights, default=graph.nodes[start]["energy"])
    return MinimaxPath(ids, highest, tuple(step.get("id") for step in steps), heights)
