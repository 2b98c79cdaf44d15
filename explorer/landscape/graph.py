"""Graph of the minima of a run, connected by its transition states and its hops."""

import networkx as nx

from explorer.records.hop import Hop
from explorer.records.run import RunRecord
from explorer.records.transition_states import TransitionState

ESCAPE, JUMP = "escape", "jump"  # kinds of edges: hops along a path, and hops without one
SADDLE = "saddle"  # kind of the edges that are transition states


def minima_graph(run: RunRecord, with_unknown: bool = False) -> nx.MultiGraph:
    """Return a graph whose nodes are minima and whose edges are transition states and hops.

    Nodes carry `energy` (eV), `relative_energy` (eV above the lowest conformer), `structure_class`, `visits` and
    `n_evaluations`. All edges carry `kind`, `n_hops` and `upper_bound` (eV), a height over which the two minima are
    connected.

    Every transition state between nodes is one edge of the kind `saddle`, with its `id`, `energy` (eV, also its
    `upper_bound`), `imaginary` (cm⁻¹, positive), `degenerate`, `structure_class` and `n_hops` = 0. Where it is
    degenerate, from a minimum to itself, the edge is a loop.

    Hops make at most one edge of each kind for a pair: `escape` for those along a path, `jump` for those without. Their
    `upper_bound` is the lowest of the highest potential energies along all hops between the two minima; it is not the
    energy of a saddle. That of a jump is infinite. They stay beside a transition state of the same pair, since a bound
    below it shows that a lower one exists. Hops that return to the same minimum add no edge.

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
    for state in run.transition_states:
        _add_transition_state(graph, state)
    for hop in run.hops:
        _add_hop(graph, hop)
    return graph


def _add_transition_state(graph: nx.MultiGraph, state: TransitionState) -> None:
    a, b = state.minima
    if graph.has_node(a) and graph.has_node(b):
        graph.add_edge(
            a,
            b,
            key=f"{SADDLE} {state.id}",
            kind=SADDLE,
            n_hops=0,
            upper_bound=state.energy,
            id=state.id,
            energy=state.energy,
            imaginary=state.imaginary,
            degenerate=state.is_degenerate,
            structure_class=state.structure_class,
        )


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


def saddles_only(graph: nx.MultiGraph) -> nx.MultiGraph:
    """Return the graph with transition states as its only edges.

    Args:
        graph: Graph from `minima_graph`.
    """
    return nx.restricted_view(
        graph, [], [edge[:3] for edge in graph.edges(keys=True, data="kind") if edge[3] != SADDLE]
    )
