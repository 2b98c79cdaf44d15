"""Network of minima from the saddles and hops of a run."""

from dataclasses import replace

import networkx as nx
import numpy as np

from explorer.analysis.run_analysis import RunAnalysis
from explorer.landscape.graph import minima_graph
from explorer.report.network_layout import spring_layout
from explorer.report.panel import (
    CLASS_COLOURS,
    NO_MINIMA,
    RECOGNITION_SYMBOLS,
    Panel,
    drawing,
    panel_label,
    point_size,
    points,
    segments,
)

MAX_DRAWN_EDGES = 2000  # more lines merge into a grey area; not tuned
NO_HOP = "No hop between two different minima has been recorded yet, so there are no connections to show."


def minima_network(analysis: RunAnalysis) -> Panel:
    """Return the panel with minima as nodes and hops as edges, in a spring layout."""
    panel = Panel(
        key="network",
        title="Network of minima",
        explanation="Each point is a minimum; larger points were visited more often. A line joins two minima if a "
        "saddle lies between them or a hop led from one to the other. The positions follow from the connections alone "
        "and have no unit.",
    )
    if not len(analysis.results):
        return replace(panel, absent=NO_MINIMA)
    graph = connections(analysis)
    if not graph.number_of_edges():
        return replace(panel, absent=NO_HOP)
    total = graph.number_of_edges()
    graph = sparsified(graph, MAX_DRAWN_EDGES)
    row = {node: k for k, node in enumerate(graph)}
    places = np.full((len(analysis.energies), 2), np.nan)  # of every minimum by id
    places[list(graph)] = spring_layout(len(row), np.array([(row[a], row[b]) for a, b in graph.edges]))
    lines = [(places[[a, b], 0], places[[a, b], 1]) for a, b in graph.edges]
    title = "connections" if len(lines) == total else f"{len(lines):,} of {total:,} connections"
    traces = [segments(lines, title, width=0.7, color="#b4bec7")]
    visits = np.array([analysis.run.visits.get(m.id, 1) for m in analysis.run.minima])
    sizes = point_size(len(visits)) * (0.7 + np.sqrt(visits / max(1, visits.max())))
    for structure_class, recognition, ids in analysis.groups():
        traces.append(
            points(
                ids,
                places[ids, 0],
                places[ids, 1],
                panel_label(structure_class, recognition),
                "minimum %{customdata}",
                color=CLASS_COLOURS[structure_class],
                symbol=RECOGNITION_SYMBOLS[recognition],
                size=[round(float(s), 1) for s in sizes[ids]],
            )
        )
    hidden, margin = {"visible": False}, {"l": 6, "r": 6, "t": 12, "b": 6}
    return replace(panel, figure=drawing(traces, hidden, hidden, margin=margin))


def connections(analysis: RunAnalysis) -> nx.Graph:
    """Return the graph of the results with one edge for each pair of them that is joined by saddles or hops.

    An edge has the number of hops and the lowest saddle or upper bound of the barrier, kcal/mol.
    """
    graph = nx.Graph()
    graph.add_nodes_from(analysis.results.tolist())
    for a, b, bond in minima_graph(analysis.run).edges(data=True):
        if a != b:
            pair = graph.get_edge_data(a, b, {"count": 0, "bound": np.inf})
            bound = float(analysis.relative(bond["upper_bound"]))
            graph.add_edge(a, b, count=pair["count"] + bond["n_hops"], bound=min(pair["bound"], bound))
    return graph


def sparsified(graph: nx.Graph, limit: int) -> nx.Graph:
    """Reduce a graph to the minimum spanning forest of the bounds and the edges with the most hops.

    Args:
        graph: Graph from `connections`.
        limit: Maximum number of edges.
    """
    if graph.number_of_edges() <= limit:
        return graph
    kept = nx.minimum_spanning_tree(graph, weight="bound")
    rest = sorted((e for e in graph.edges if not kept.has_edge(*e)), key=lambda e: -graph.edges[e]["count"])
    kept.add_edges_from(rest[: max(0, limit - kept.number_of_edges())])
    return kept
