"""Network of minima from the saddles and hops of a run."""

from dataclasses import replace
from typing import Any

import networkx as nx
import numpy as np
from jaxtyping import Float, Int

from explorer.analysis.run_analysis import KNOWN, RunAnalysis
from explorer.landscape.graph import minima_graph
from explorer.report.network_layout import spring_layout
from explorer.report.panel import (
    INK,
    NO_MINIMA,
    Panel,
    axis,
    drawing,
    energy_colours,
    energy_label,
    legend_entry,
    numbers,
    point_size,
    points,
    segments,
)

MAX_DRAWN_EDGES = 2000  # more lines merge into a grey area; not tuned
N_LABELLED = 10  # lowest minima with their number; not tuned
EDGE_WIDTHS = {0.6: (0, 2), 1.5: (2, 5), 3.0: (5, np.inf)}  # pixels, for ranges of the number of hops; not tuned
NO_HOP = "No hop between two different minima has been recorded yet, so there are no connections to show."


def minima_network(analysis: RunAnalysis) -> Panel:
    """Return the panel with minima as nodes and hops as edges, in a spring layout or by energy."""
    panel = Panel(
        key="network",
        title="Network of minima",
        wide=True,
        explanation="Each point is a minimum. A line joins two minima if a saddle lies between them or a hop led from "
        f"one to the other; it is thicker for more hops. The lowest {N_LABELLED} are labelled, and minima of the "
        "training data have a dark edge. A click shows a minimum and its neighbours. In the first layout the positions "
        "follow from the connections alone and have no unit.",
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
    figure = _network_figure(analysis, graph, places, total)
    return replace(panel, figure=figure | {"links": [[int(a), int(b)] for a, b in graph.edges]})


def _network_figure(
    analysis: RunAnalysis, graph: nx.Graph, places: Float[np.ndarray, "n 2"], total: int
) -> dict[str, Any]:
    by_energy = np.column_stack([places[:, 0], analysis.energies])
    shown = graph.number_of_edges()
    traces, other = [], []  # traces, and their heights in the layout by energy
    for width, (least, most) in EDGE_WIDTHS.items():
        pairs = [(a, b) for a, b, n in graph.edges(data="count") if least <= n < most]
        name = "connections" if shown == total else f"{shown:,} of {total:,} connections"
        traces.append(_lines(places, pairs, name, width) | {"showlegend": not traces})
        other.append(_lines(by_energy, pairs, name, width)["y"])
    size = min(10, point_size(len(graph)) + 2)
    for recognition in dict.fromkeys(r for _, r, _ in analysis.groups()):
        ids = [i for _, r, members in analysis.groups() if r == recognition for i in members]
        known = {"width": 1.6, "color": INK} if recognition == KNOWN else {"width": 0.6, "color": "#ffffff"}
        hover = f"minimum %{{customdata}}<br>%{{marker.color:.2f}} {analysis.unit.name}"
        look = {"color": numbers(analysis.energies[ids], 2), "coloraxis": "coloraxis", "size": size, "line": known}
        nodes = points(ids, places[ids, 0], places[ids, 1], recognition or "minima", hover, **look)
        traces.append(nodes | {"showlegend": False})
        other.append(numbers(analysis.energies[ids], 3))
        entry = legend_entry(recognition or "minima", "circle")
        entry["marker"] |= {"line": known}
        traces.append(entry)
        other.append([None])
    lowest = analysis.order[:N_LABELLED]
    traces.append(_labels(lowest, places))
    other.append(numbers(analysis.energies[lowest], 3))
    hidden = {"visible": False}
    energy = axis(energy_label(analysis), visible=False)
    look = {"margin": {"l": 58, "r": 6, "t": 12, "b": 6}, "coloraxis": energy_colours(analysis)}
    first = [trace["y"] for trace in traces]
    return drawing(traces, hidden, energy, 560, **look, updatemenus=[_layout_switch(first, other)])


def _lines(places: Float[np.ndarray, "n 2"], pairs: list[tuple[int, int]], name: str, width: float) -> dict[str, Any]:
    return segments(((places[[a, b], 0], places[[a, b], 1]) for a, b in pairs), name, width=width, color="#b4bec7")


def _labels(ids: Int[np.ndarray, "n"], places: Float[np.ndarray, "n 2"]) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "text",
        "x": numbers(places[ids, 0]),
        "y": numbers(places[ids, 1]),
        "text": [str(i) for i in ids],
        "textposition": "top center",
        "textfont": {"size": 12, "color": INK},
        "hoverinfo": "skip",
        "showlegend": False,
    }


def _layout_switch(by_connection: list[Any], by_energy: list[Any]) -> dict[str, Any]:
    """Return buttons that place the points by their connections alone, or at their energies."""
    buttons = [
        {
            "label": label,
            "method": "update",
            "args": [{"y": heights}, {"yaxis.visible": shown}],
        }
        for label, heights, shown in (("by connections", by_connection, False), ("by energy", by_energy, True))
    ]
    place = {"x": 1, "xanchor": "right", "y": 1.02, "yanchor": "bottom", "direction": "right", "type": "buttons"}
    return place | {"buttons": buttons, "showactive": True, "font": {"size": 11}, "pad": {"r": 70}}


def connections(analysis: RunAnalysis) -> nx.Graph:
    """Return the graph of the results with one edge for each pair of them that is joined by saddles or hops.

    An edge has the number of hops and the lowest saddle or upper bound of the barrier, in the unit of the run.
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
    kept.add_edges_from((*edge, graph.edges[edge]) for edge in rest[: max(0, limit - kept.number_of_edges())])
    return kept
