"""Graph of the minima of a run, connected by its hops."""

import networkx as nx

from explorer.records.hop import Hop
from explorer.records.run import RunRecord

ESCAPE, JUMP = "escape", "jump"  # kinds of edges: hops along a path, and hops without one


def minima_graph(run: RunRecord, with_unknown: bool = False) -> nx.MultiGraph:
    """Return a graph whose nodes are minima and whose edges are hops, at most one edge of each kind for a pair.

    The kinds are `escape`, for hops along a path, and `jump`, for hops without one.

    Nodes carry `energy` (eV), `relative_energy` (eV above the lowest conformer), `structure_class`, `visits` and
    `n_evaluations`. Edges carry `n_hops` and `upper_bound` (eV), the lowest of the highest potential energies along
    all hops between the two minima. It is an upper bound of the barrier and not the energy of a saddle. That of a jump
    is infinite. Hops that return to the same minimum add no edge.

    Args:
        run: Run to describe.
        with_unknown: Whether minima that the model does not know are nodes too, beside the results.
    """
    graph = nx.MultiGraph(name=run.molecule.name)
    zero = run.zero
    for minimum in run.minima if with_unknown else run.results:
        graph.add_node(
            minimum.id,
            energy=minimum.energy,
            relative_energy=minimum.energy - zero,
            structure_class=minimum.structure_class,
            visits=run.visits.get(minimum.id, 1),
            n_evaluations=minimum.n_evaluations,
        )
    for hop in run.hops:
        _add_hop(graph, hop)
    return graph


def _add_hop(graph: nx.MultiGraph, hop: Hop) -> None:
    if hop.end is None or hop.start == hop.end or not (graph.has_node(hop.start) and graph.has_node(hop.end)):
        return
    # the recorded energies of a path may miss its ends, which the path passes through
    key = ESCAPE if hop.move.has_path else JUMP
    bound = max(hop.highest_energy, graph.nodes[hop.start]["energy"], graph.nodes[hop.end]["energy"])
    if graph.has_edge(hop.start, hop.end, key=key):
        edge = graph.edges[hop.start, hop.end, key]
        edge["n_hops"] += 1
        edge["upper_bound"] = min(edge["upper_bound"], bound)
    else:
        graph.add_edge(hop.start, hop.end, key=key, kind=key, n_hops=1, upper_bound=bound)


def paths_only(graph: nx.MultiGraph) -> nx.MultiGraph:
    """Return the graph without jumps, so that every edge bounds a barrier.

    Args:
        graph: Graph from `minima_graph`.
    """
    return nx.restricted_view(graph, [], [edge for edge in graph.edges(keys=True) if edge[2] == JUMP])
