"""Energy profile of the path that the conformers of a run cross least easily."""

from collections.abc import Sequence
from typing import Any

import networkx as nx
import numpy as np

from explorer.analysis.profile import PointKind, Profile, lowest_barrier_profile
from explorer.analysis.run_analysis import RunAnalysis
from explorer.landscape.graph import minima_graph, saddles_only
from explorer.landscape.paths import minimax_path
from explorer.report.panel import CLASS_COLOURS, INK, MUTED, Panel, axis, drawing, energy_label, numbers, points


def highest_barrier_profile(analysis: RunAnalysis) -> Profile | None:
    """Return the lowest path from the lowest conformer to the one behind the highest barrier.

    It looks at conformers in the low-energy window that saddles connect; None without any.
    """
    ends = _hardest_exchange(analysis)
    return None if ends is None else lowest_barrier_profile(analysis, [ends[0]], [ends[1]])


def profile_panel(analysis: RunAnalysis, profile: Profile | None) -> Panel | None:
    """Return the panel of a path from `highest_barrier_profile`; None without one."""
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
