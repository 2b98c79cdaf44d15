"""Ramachandran plot, and map of the landscape with minima, hops, energies and training data."""

from dataclasses import replace
from typing import Any

import numpy as np

from explorer.analysis.run_analysis import RunAnalysis
from explorer.landscape.projection import Projection, project
from explorer.report.graph_figures import connections, sparsified
from explorer.report.panel import (
    FRAMES,
    MUTED,
    NO_MINIMA,
    RECOGNITION_SYMBOLS,
    SERIES_COLOURS,
    Panel,
    axis,
    drawing,
    energy_colours,
    legend_entry,
    numbers,
    point_size,
    points,
    segments,
)
from explorer.topology.torsions import backbone_torsions

MAX_CONNECTIONS = 400  # lines across the map beyond which points are hard to see; not tuned
CONNECTION = "#dfe5ea"
_SYMBOLS = (
    "Circles are known from the training data, diamonds are new. Squares are training minima, crosses those that the "
    "run missed. "
)
MAX_DRAWN_FRAMES = 3000  # SVG points that a browser draws without delay; not tuned


def ramachandran(analysis: RunAnalysis) -> Panel:
    """Return the panel with the torsions φ and ψ of every residue of every minimum, and of the training frames."""
    panel = Panel(
        key="ramachandran",
        title="Ramachandran plot",
        explanation="Backbone torsions φ and ψ of every residue of every minimum, coloured by residue. "
        + ("" if analysis.run.comparison is None else "Training frames are grey. ")
        + "Rings mark the residues of the selected minimum.",
    )
    if not len(analysis.results):
        return replace(panel, absent=NO_MINIMA)
    n_residues = analysis.torsions.shape[1]
    if n_residues == 0:
        return replace(panel, absent="This molecule has no residue with both φ and ψ.")
    traces = _frames(analysis)
    for residue in range(n_residues):
        phi, psi = analysis.torsions[analysis.results, residue].T
        hover = f"minimum %{{customdata}}, residue {residue + 1}<br>φ %{{x:.0f}}°, ψ %{{y:.0f}}°"
        look = {"color": SERIES_COLOURS[residue % len(SERIES_COLOURS)], "size": min(6, point_size(len(phi)))}
        traces.append(points(analysis.results, phi, psi, f"residue {residue + 1}", hover, opacity=0.75, **look))
    ticks = {"range": [-180, 180], "tickvals": list(range(-180, 181, 60)), "zeroline": True, "zerolinecolor": "#d5dbe0"}
    return replace(panel, figure=drawing(traces, axis("φ (degrees)", **ticks), axis("ψ (degrees)", **ticks)))


def _frames(analysis: RunAnalysis) -> list[dict[str, Any]]:
    if analysis.run.comparison is None or not analysis.run.comparison.frames_torsions.size:
        return []
    return [background(analysis.run.comparison.frames_torsions.reshape(-1, 2), "training frames")]


def background(places: np.ndarray, name: str) -> dict[str, Any]:
    """Return a trace of small grey points without tooltips; only every n-th point is drawn if there are too many.

    Args:
        places: Coordinates of the points.
        name: Text of the legend.
    """
    shown = places[:: max(1, -(-len(places) // MAX_DRAWN_FRAMES))]
    return {
        "type": "scatter",
        "mode": "markers",
        "x": numbers(shown[:, 0]),
        "y": numbers(shown[:, 1]),
        "name": name,
        "hoverinfo": "skip",
        "marker": {"size": 4, "color": FRAMES, "opacity": 0.55},
    }


def landscape_map(analysis: RunAnalysis) -> Panel:
    """Return the panel with minima, their connections and energies, and the training data, in one plane of torsions."""
    panel = Panel(
        key="map",
        title="Map of the landscape",
        explanation="Minima projected on the first two principal components of their backbone torsions, coloured by "
        "energy. "
        + ("" if analysis.run.comparison is None else _SYMBOLS)
        + "Lines are hops between minima. The axes state the share of the variance.",
        wide=True,
    )
    if not len(analysis.results):
        return replace(panel, absent=NO_MINIMA)
    if analysis.torsions.shape[1] == 0 or len(analysis.results) < 3:
        return replace(panel, absent="The map needs at least three minima of a molecule with backbone torsions.")
    projection = project(analysis.torsions[analysis.results])
    places = projection(analysis.torsions)
    traces = [*_training_traces(analysis, projection), *_connection_traces(analysis, places)]
    recognitions = [analysis.recognition[i] for i in analysis.results]
    for recognition in dict.fromkeys(recognitions):
        ids = [i for i, r in zip(analysis.results, recognitions, strict=True) if r == recognition]
        energies = numbers(analysis.energies[ids], 2)
        hover = "minimum %{customdata}<br>%{marker.color:.2f} kcal/mol"
        name = recognition or "other structures"
        marker = {
            "symbol": RECOGNITION_SYMBOLS[recognition],
            "coloraxis": "coloraxis",
            "size": point_size(len(analysis.energies)),
        }
        x, y = places[ids].T
        traces.append(points(ids, x, y, name, hover, color=energies, **marker) | {"showlegend": False})
        traces.append(legend_entry(name, RECOGNITION_SYMBOLS[recognition]))
    shares = [f"{100 * share:.0f} %" for share in projection.share]
    first, second = axis(f"principal component 1 ({shares[0]})"), axis(f"principal component 2 ({shares[1]})")
    return replace(panel, figure=drawing(traces, first, second, 520, coloraxis=energy_colours(analysis)))


def _connection_traces(analysis: RunAnalysis, places: np.ndarray) -> list[dict[str, Any]]:
    graph = sparsified(connections(analysis), MAX_CONNECTIONS)
    lines = [(places[[a, b], 0], places[[a, b], 1]) for a, b in graph.edges]
    return [segments(lines, "hops between minima", width=0.5, color=CONNECTION)] if lines else []


def _training_traces(analysis: RunAnalysis, projection: Projection) -> list[dict[str, Any]]:
    comparison = analysis.run.comparison
    if comparison is None:
        return []
    traces = []
    if comparison.frames_torsions.size:
        traces.append(background(projection(comparison.frames_torsions), "training frames"))
    trained = comparison.training_minima
    if not trained:
        return traces
    places = projection(backbone_torsions(np.stack([t.positions for t in trained]), analysis.topology.backbone))
    structure = {t.id: len(analysis.run.minima) + k for k, t in enumerate(analysis.missed)}
    size = point_size(len(analysis.energies)) + 3
    for name, missed, symbol in (
        ("training minima", False, "square-open"),
        ("missed minima", True, "x-thin-open"),
    ):
        rows = [k for k, t in enumerate(trained) if (t.found is None) == missed]
        ids = [structure.get(trained[k].id, trained[k].found) for k in rows]
        x, y = places[rows].T
        traces.append(points(ids, x, y, name, name, symbol=symbol, size=size, color=MUTED))
    return traces
