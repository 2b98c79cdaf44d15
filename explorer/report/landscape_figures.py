"""Disconnectivity graph from saddles and upper bounds, and the profile of a path."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import networkx as nx
import numpy as np

from explorer.analysis.kinetic_model import KineticModel, kinetic_model
from explorer.analysis.profile import PointKind, Profile, lowest_barrier_profile
from explorer.analysis.run_analysis import RunAnalysis
from explorer.landscape.disconnectivity import clipped, disconnectivity, layout, within_window
from explorer.landscape.graph import SADDLE, minima_graph, saddles_only
from explorer.landscape.paths import minimax_path
from explorer.report.panel import (
    CLASS_COLOURS,
    INK,
    MUTED,
    NO_MINIMA,
    RECOGNITION_SYMBOLS,
    Panel,
    axis,
    drawing,
    energy_label,
    numbers,
    panel_label,
    point_size,
    points,
    segments,
)
from explorer.units import BOLTZMANN

NO_CONNECTION = (
    "No hop between two different minima has been recorded yet, and no saddle, so there are no connections to show. "
    "Use <code>pes-explore connect RUN</code>."
)
MORE_PATHS = (
    "The graph is drawn when paths join a fifth of them. Saddles are paths: use <code>pes-explore connect RUN</code>. "
    "So are hops of the move <code>hopping</code>."
)
LEAST_JOINED_SHARE = 0.2  # of the conformers, below which nearly all lines would only reach the top; not tuned
MAX_LEAVES = 600  # more lines merge into a grey area; not tuned


def disconnectivity_panel(analysis: RunAnalysis) -> Panel:
    """Return the panel with the disconnectivity graph of the conformers, of energies and, if known, free energies."""
    panel = Panel(
        key="disconnectivity",
        title="Disconnectivity graph",
        wide=True,
        explanation="The lower end of each line is a conformer. Two lines meet at the lowest energy over which their "
        "conformers are connected. Solid: the energy of a saddle. Dashed: only an upper bound is known, the highest "
        "point of a hop. Lines that reach the top have not been connected below it.",
    )
    conformers = [m.id for m in analysis.run.conformers]
    if not conformers:
        return replace(panel, absent=NO_MINIMA)
    whole = minima_graph(analysis.run)
    graph = whole.subgraph(conformers)
    if all(a == b for a, b in graph.edges()):
        return replace(panel, absent=NO_CONNECTION)
    said, is_comb = paths_sentence(graph)
    if is_comb:
        return replace(panel, absent=f"{said} {MORE_PATHS}")
    panel = replace(panel, explanation=f"{panel.explanation} {said}")
    heights = {i: float(analysis.energies[i]) for i in conformers}
    traces = _drawn(analysis, graph, heights, analysis.zero, analysis.unit.size)
    order = axis("conformers", showticklabels=False, ticks="", showgrid=False)
    model = kinetic_model(analysis)
    if not len(model.certified.saddle_ids):
        return replace(panel, figure=drawing(traces, order, axis(energy_label(analysis)), 560))
    free, free_heights = free_energy_graph(model, set(conformers))
    scale = BOLTZMANN * model.temperature / analysis.unit.size
    more = _drawn(analysis, free, {i: g * scale for i, g in free_heights.items()}, 0.0, 1 / scale)
    for trace in more:
        trace["visible"] = False
    switch = _switch(
        len(traces), len(more), energy_label(analysis), f"free energy, {model.temperature:g} K ({analysis.unit.name})"
    )
    return replace(
        panel, figure=drawing([*traces, *more], order, axis(energy_label(analysis)), 560, updatemenus=[switch])
    )


def paths_sentence(graph: nx.MultiGraph) -> tuple[str, bool]:
    """Return how many connections have a path and how many conformers they join, and whether these are too few to draw.

    Args:
        graph: Conformers with saddles and hops; jumps have infinite bounds.
    """
    between = [(a, b, bound) for a, b, bound in graph.edges(data="upper_bound") if a != b]
    paths = [(a, b) for a, b, bound in between if np.isfinite(bound)]
    joined = {node for pair in paths for node in pair}
    have = "has" if len(paths) == 1 else "have"
    said = (
        f"{len(paths):,} of {len(between):,} connections {have} a path, and paths join {len(joined):,} of "
        f"{len(graph):,} conformers."
    )
    return said, len(joined) < LEAST_JOINED_SHARE * len(graph)


def free_energy_graph(model: KineticModel, chosen: set[int]) -> tuple[nx.MultiGraph, dict[int, float]]:
    """Return the network of certified saddles with free energies in kT, for `disconnectivity`, and those of its minima.

    Args:
        model: Network of the run.
        chosen: Ids of the minima to keep.
    """
    network = model.certified
    heights = {int(i): float(g) for i, g in zip(network.ids, network.free_energies, strict=True) if int(i) in chosen}
    graph = nx.MultiGraph()
    graph.add_nodes_from((i, {"energy": g}) for i, g in heights.items())
    for (a, b), g in zip(network.ids[network.ends].tolist(), network.saddle_free_energies.tolist(), strict=True):
        if a in heights and b in heights:
            # on a free-energy surface a saddle can lie below a minimum beside it; they then join at that minimum
            graph.add_edge(a, b, kind=SADDLE, upper_bound=max(g, heights[a], heights[b]))
    return graph, heights


def _drawn(
    analysis: RunAnalysis, graph: nx.MultiGraph, heights: dict[int, float], zero: float, unit: float
) -> list[dict[str, Any]]:
    """Return the traces of a disconnectivity graph: lines, and a point at the end of each.

    Args:
        analysis: The analysed run.
        graph: Minima with `energy` and edges with `upper_bound`.
        heights: Energy of each minimum on the axis.
        zero: Zero of the axis in units of the graph.
        unit: Unit of the axis in units of the graph.
    """
    tree = disconnectivity(graph)
    merges = [v["energy"] for _, v in tree.nodes(data=True) if v.get("certified")]
    if merges:
        tree = clipped(tree, max(merges))
    if len(heights) > MAX_LEAVES:
        limit = sorted(nx.get_node_attributes(graph, "energy").values())[MAX_LEAVES - 1]
        tree = within_window(tree, limit)
    branches = layout(tree)
    x, y = branches.segments[:, [0, 2]], (branches.segments[:, [1, 3]] - zero) / unit
    traces = []
    for chosen, name, style in (
        (branches.certified, "saddles", {"color": INK}),
        (~branches.certified, "upper bounds, or not connected", {"dash": "4px,2px", "color": MUTED}),
    ):
        if chosen.any():
            traces.append(segments(zip(x[chosen], y[chosen], strict=True), name, width=1, **style))
    for structure_class, recognition, ids in analysis.groups():
        shown = [i for i in ids if i in branches.leaves]
        if structure_class.is_conformer and shown:
            traces.append(
                points(
                    shown,
                    [branches.leaves[i] for i in shown],
                    [heights[i] for i in shown],
                    panel_label(analysis, structure_class, recognition),
                    f"minimum %{{customdata}}<br>%{{y:.2f}} {analysis.unit.name}",
                    color=CLASS_COLOURS[structure_class],
                    symbol=RECOGNITION_SYMBOLS[recognition],
                    size=min(6, point_size(len(branches.leaves))),
                )
            )
    return traces


def _switch(n_energy: int, n_free: int, energy_title: str, free_title: str) -> dict[str, Any]:
    """Return the buttons that change between energies and free energies."""
    buttons = [
        {
            "label": label,
            "method": "update",
            "args": [
                {"visible": n_energy * [not is_free] + n_free * [is_free]},
                {"yaxis.title.text": title, "xaxis.autorange": True, "yaxis.autorange": True},
            ],
        }
        for label, title, is_free in (("energy", energy_title, False), ("free energy", free_title, True))
    ]
    return {"type": "buttons", "direction": "right", "x": 1, "xanchor": "right", "y": 1.1, "buttons": buttons}


def profile_panel(analysis: RunAnalysis) -> Panel | None:
    """Return the panel with the lowest path from the lowest conformer to the one behind the highest barrier.

    It looks at conformers in the low-energy window that saddles connect; None without any.
    """
    ends = _hardest_exchange(analysis)
    profile = None if ends is None else lowest_barrier_profile(analysis, [ends[0]], [ends[1]])
    if profile is None:
        return None
    start, end = profile.points[0].id, profile.points[-1].id
    return Panel(
        key="profile",
        title=f"Path of lowest barrier from minimum {start} to minimum {end}",
        explanation="Of the low conformers that saddles connect, these two are separated by the highest barrier from "
        "the lowest one. Its highest point is a certified saddle. The lines between the points only guide the eye. "
        "pes-explore path RUN A B shows other paths and writes their frames.",
        figure=drawing(_profile_traces(analysis, profile), axis("step"), axis(energy_label(analysis))),
    )


def _hardest_exchange(analysis: RunAnalysis) -> tuple[int, int] | None:
    graph = saddles_only(minima_graph(analysis.run))
    conformers = sorted(analysis.run.conformers, key=lambda m: m.energy)
    low = [m.id for m in conformers if m.energy - analysis.zero <= analysis.window]
    if not low:
        return None
    lowest = low[0]
    reached = nx.node_connected_component(graph, lowest)
    paths = {i: minimax_path(graph, lowest, i) for i in low[1:] if i in reached}
    barriers = {i: path.upper_bound - graph.nodes[i]["energy"] for i, path in paths.items() if path is not None}
    return (lowest, max(barriers, key=lambda i: (barriers[i], -i))) if barriers else None


def _profile_traces(analysis: RunAnalysis, profile: Profile) -> list[dict[str, Any]]:
    energies = [float(analysis.relative(point.energy)) for point in profile.points]
    line = {
        "type": "scatter",
        "mode": "lines",
        "x": list(range(len(energies))),
        "y": numbers(energies),
        "name": "path",
        "hoverinfo": "skip",
        "line": {"color": MUTED, "width": 1.5, "shape": "spline", "smoothing": 0.6},
    }
    return [line, *_stationary_points(analysis, profile.points, np.array(energies))]


def _stationary_points(analysis: RunAnalysis, path: Sequence[Any], energies: np.ndarray) -> list[dict[str, Any]]:
    minima = [k for k, point in enumerate(path) if point.kind == PointKind.MINIMUM]
    traces = [
        points(
            [path[k].id for k in minima],
            minima,
            energies[minima],
            "minima",
            f"minimum %{{customdata}}<br>%{{y:.2f}} {analysis.unit.name}",
            color=CLASS_COLOURS[analysis.classes[path[0].id]],
        )
    ]
    saddles = [k for k, point in enumerate(path) if point.kind == PointKind.SADDLE]
    if saddles:
        traces.append(
            {
                "type": "scatter",
                "mode": "markers",
                "x": saddles,
                "y": numbers(energies[saddles]),
                "name": "saddles",
                "text": [f"saddle {path[k].id}" for k in saddles],
                "hovertemplate": f"%{{text}}<br>%{{y:.2f}} {analysis.unit.name}<extra></extra>",
                "marker": {"size": 8, "symbol": "x", "color": INK},
            }
        )
    return traces
