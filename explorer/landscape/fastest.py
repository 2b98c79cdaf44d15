"""Fastest paths through a network of minima, and the saddle point that limits each."""

from itertools import islice, pairwise
from typing import NamedTuple

import networkx as nx
import numpy as np
from jaxtyping import Int

from explorer.landscape.rates import RateNetwork

_SOURCE, _SINK = -1, -2  # nodes before all starts and behind all ends


class FastestPath(NamedTuple):
    """Sequence of minima and of the saddle points between them.

    Attributes:
        minima: Ids of the minima, from a start to an end.
        saddles: Ids of the saddle points, one fewer; of parallel ones that of lowest free energy.
        log_probability: ln of the probability that a molecule in equilibrium within the starts takes exactly these
            steps, without any step back.
        limiting_saddle: Id of the saddle point of highest free energy.
    """

    minima: tuple[int, ...]
    saddles: tuple[int, ...]
    log_probability: float
    limiting_saddle: int


def fastest_paths(
    network: RateNetwork, starts: Int[np.ndarray, "a"], ends: Int[np.ndarray, "b"], k: int = 1
) -> list[FastestPath]:
    """Return the k paths whose product of branching probabilities P_ij = k_ij / Σ_j k_ij is largest.

    They are the shortest paths with steps of length -ln P_ij (Dijkstra; further ones by Yen's algorithm). A path leaves
    the starts with its first step and reaches the ends with its last one. There are fewer than k where no more exist.

    Args:
        network: Network of minima.
        starts: Positions of the minima in which it starts, with the weights of their equilibrium populations.
        ends: Positions of the minima in which it ends; none of them is a start.
        k: Number of paths.

    Source: Wales, Mol. Phys. 100, 3285 (2002), doi:10.1080/00268970210162691.
    """
    graph, over = _steps(network), _lowest_saddles(network)
    starts_, ends_ = set(map(int, starts)), set(map(int, ends))
    graph.remove_edges_from([(i, j) for i, j in graph.edges if j in starts_ or i in ends_])
    logs = network.log_populations()
    logs = logs - np.logaddexp.reduce(logs[starts])
    graph.add_edges_from((_SOURCE, i, {"length": max(0.0, -float(logs[i]))}) for i in starts_)
    graph.add_edges_from((j, _SINK, {"length": 0.0}) for j in ends_)
    if not nx.has_path(graph, _SOURCE, _SINK):
        return []
    paths = []
    for nodes in islice(nx.shortest_simple_paths(graph, _SOURCE, _SINK, weight="length"), k):
        length = sum(graph.edges[a, b]["length"] for a, b in pairwise(nodes))
        passed = [over[a, b] for a, b in pairwise(nodes[1:-1])]
        highest = max(passed, key=lambda s: network.saddle_free_energies[s])
        paths.append(
            FastestPath(
                tuple(int(network.ids[i]) for i in nodes[1:-1]),
                tuple(int(network.saddle_ids[s]) for s in passed),
                -length,
                int(network.saddle_ids[highest]),
            )
        )
    return paths


def _steps(network: RateNetwork) -> nx.DiGraph:
    """Return all steps i to j with their length -ln P_ij."""
    logs: dict[tuple[int, int], float] = {}
    for (a, b), (forward, backward) in zip(network.ends.tolist(), network.log_rates.tolist(), strict=True):
        logs[a, b] = float(np.logaddexp(logs.get((a, b), -np.inf), forward))
        logs[b, a] = float(np.logaddexp(logs.get((b, a), -np.inf), backward))
    out = np.full(len(network.ids), -np.inf)
    for (a, _), log in logs.items():
        out[a] = np.logaddexp(out[a], log)
    graph = nx.DiGraph()
    graph.add_nodes_from(range(len(network.ids)))
    # rounding can make the only step out of a minimum more probable than 1
    graph.add_edges_from((a, b, {"length": max(0.0, float(out[a] - log))}) for (a, b), log in logs.items())
    return graph


def _lowest_saddles(network: RateNetwork) -> dict[tuple[int, int], int]:
    """Return the position of the lowest of all saddle points between two minima, in both directions."""
    lowest: dict[tuple[int, int], int] = {}
    for s in np.argsort(-network.saddle_free_energies, kind="stable").tolist():
        a, b = network.ends[s].tolist()
        lowest[a, b] = lowest[b, a] = s
    return lowest
