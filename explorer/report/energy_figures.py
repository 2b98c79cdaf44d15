"""Energy spectrum and discovery curve."""

from dataclasses import replace
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from explorer.analysis.run_analysis import KNOWN, RunAnalysis
from explorer.records.structure_class import StructureClass
from explorer.report.coverage import coverage_explanation
from explorer.report.panel import (
    CLASS_COLOURS,
    MUTED,
    NO_MINIMA,
    RECOGNITION_SYMBOLS,
    Panel,
    axis,
    class_name,
    drawing,
    energy_label,
    numbers,
    panel_label,
    point_size,
    points,
)

MIN_ENERGY_MARGIN = 5.0  # kcal/mol around the conformers; not tuned


def spectrum(analysis: RunAnalysis) -> Panel:
    """Return the panel of all energies: a histogram above, and below it one point per minimum in a row per class."""
    panel = Panel(
        key="spectrum",
        title="Energy spectrum",
        wide=True,
        explanation="Energies of all results relative to the lowest conformer. Top: number of minima per bin. "
        "Bottom: one point per minimum, in one row per structure class. The height within a row has no meaning.",
    )
    if not len(analysis.results):
        return replace(panel, absent=NO_MINIMA)
    energies = analysis.energies[analysis.results]
    shown = shown_energies(energies, np.array([m.is_conformer for m in analysis.run.results]))
    inside = (energies >= shown[0]) & (energies <= shown[1])
    classes = [analysis.classes[i] for i in analysis.results[inside]]
    rows = [c for c in StructureClass if c in classes]  # a class without a minimum in the range has no row
    edges = np.histogram_bin_edges(energies[inside], bins=min(48, max(6, len(energies) // 4)))
    traces = [_histogram(analysis, c, edges) for c in rows]
    for structure_class, recognition, ids in analysis.groups():
        if structure_class not in rows:
            continue
        row = len(rows) - 1 - rows.index(structure_class)
        traces.append(
            points(
                ids,
                analysis.energies[ids],
                [row + _spread(i) for i in ids],
                panel_label(analysis, structure_class, recognition),
                f"minimum %{{customdata}}<br>%{{x:.2f}} {analysis.unit.name}",
                color=CLASS_COLOURS[structure_class],
                symbol=RECOGNITION_SYMBOLS[recognition],
                size=point_size(len(energies)),
                opacity=0.8,
            )
            | {"yaxis": "y2"}
        )
    names = {"tickvals": list(range(len(rows))), "ticktext": [class_name(analysis, c) for c in reversed(rows)]}
    strips = axis("", **names, domain=[0, 0.46], range=[-0.55, len(rows) - 0.45], showgrid=False, ticks="")
    counts = axis("minima per bin", domain=[0.54, 1])
    energy, height = axis(energy_label(analysis), anchor="y2"), 420 + 20 * len(rows)
    if not inside.all():
        pad = 0.03 * (shown[1] - shown[0])
        energy["range"] = [shown[0] - pad, shown[1] + pad]
        beyond = (
            f" {int((~inside).sum())} minima that are not conformers lie outside the range shown, at up to "
            f"{float(energies.max()):.0f} {analysis.unit.name}; they are in the table of minima."
        )
        panel = replace(panel, explanation=panel.explanation + beyond)
    return replace(panel, figure=drawing(traces, energy, counts, height, yaxis2=strips, barmode="stack"))


def shown_energies(energies: Float[np.ndarray, "n"], is_conformer: Bool[np.ndarray, "n"]) -> tuple[float, float]:
    """Return the energy range of the spectrum: that of the conformers, extended by half its width on both sides.

    It is extended by at least 5 kcal/mol, but not beyond the lowest and the highest minimum. A spurious minimum of the
    model, such as a fragmented molecule, may lie a hundred times farther away.

    Args:
        energies: Relative energies, kcal/mol.
        is_conformer: Whether each minimum is a conformer.

    Returns:
        The lowest and the highest energy to show, kcal/mol.
    """
    main = energies[is_conformer] if is_conformer.any() else energies
    margin = max(0.5 * float(main.max() - main.min()), MIN_ENERGY_MARGIN)
    return max(float(energies.min()), main.min() - margin), min(float(energies.max()), main.max() + margin)


def _histogram(analysis: RunAnalysis, structure_class: Any, edges: Float[np.ndarray, "k"]) -> dict[str, Any]:
    mine = analysis.energies[[m.id for m in analysis.run.results if m.structure_class == structure_class]]
    heights, _ = np.histogram(mine, bins=edges)
    return {
        "type": "bar",
        "x": numbers((edges[:-1] + edges[1:]) / 2),
        "y": [int(h) for h in heights],
        "width": round(float(edges[1] - edges[0]) * 0.96, 4),
        "name": f"{class_name(analysis, structure_class)}, number",
        "showlegend": False,
        "marker": {"color": CLASS_COLOURS[structure_class], "opacity": 0.75},
        "hovertemplate": f"%{{y}} minima of this class around %{{x:.1f}} {analysis.unit.name}<extra></extra>",
    }


def _spread(index: int) -> float:
    """Return a height in (-0.36, 0.36): multiples of the golden ratio modulo 1 fill a row evenly."""
    return ((index * 0.6180339887498949) % 1.0 - 0.5) * 0.72


def discovery(analysis: RunAnalysis) -> Panel:
    """Return the panel of distinct minima against force calls; each point is a minimum when it was first found."""
    panel = Panel(
        key="discovery",
        title="Discovery curve",
        explanation="Number of results and of conformers"
        + ("" if analysis.run.comparison is None else ", and of minima known from the training data")
        + ", against the number of force calls, those of connect at the end. While a curve rises steeply, many minima "
        "have not been found yet. The grey line on the right axis is the energy of the lowest conformer so far."
        + coverage_explanation(analysis),
    )
    if not len(analysis.results):
        return replace(panel, absent=NO_MINIMA)
    found = np.array([m.n_evaluations for m in analysis.run.results])
    end = max(int(found.max()), analysis.run.rounds[-1][0] if analysis.run.rounds else 0)
    conformer = np.array([m.is_conformer for m in analysis.run.results])
    known = np.array([analysis.recognition[k] == KNOWN for k in analysis.results])
    curves = [("conformers", conformer, "#009E73", "solid")]
    if analysis.run.comparison is not None:
        curves.append(("known from training data", known, "#CC79A7", "dot"))
    traces = [_curve(found[chosen], end, name, colour, dash) for name, chosen, colour, dash in curves]
    order = np.argsort(found, kind="stable")
    hover = "minimum %{customdata}<br>minimum no. %{y} after %{x:,} force calls"
    all_minima = points(
        analysis.results[order],
        found[order],
        np.arange(1, len(order) + 1),
        "all results",
        hover,
        color="#0072B2",
        size=5,
        line={"width": 0},
    )
    all_minima |= {"mode": "lines+markers", "line": {"shape": "hv", "width": 1.5, "color": "#0072B2"}}
    axes = axis("force calls", rangemode="tozero"), axis("distinct minima", rangemode="tozero")
    lowest = _lowest_so_far(analysis, end)
    if lowest is None:
        return replace(panel, figure=drawing([all_minima, *traces], *axes))
    right = axis(
        f"lowest conformer ({analysis.unit.name})", overlaying="y", side="right", showgrid=False, tickmode="auto"
    )
    return replace(panel, figure=drawing([all_minima, *traces, lowest], *axes, yaxis2=right | {"rangemode": "tozero"}))


def _lowest_so_far(analysis: RunAnalysis, end: int) -> dict[str, Any] | None:
    """Return the curve of the lowest energy of a conformer against force calls; None without conformers."""
    found = sorted(analysis.run.conformers, key=lambda minimum: minimum.n_evaluations)
    if not found:
        return None
    lowest = np.minimum.accumulate(analysis.energies[[minimum.id for minimum in found]])
    return {
        "type": "scatter",
        "mode": "lines",
        "x": [*(minimum.n_evaluations for minimum in found), end],
        "y": numbers([*lowest, lowest[-1]], 2),
        "name": "lowest conformer",
        "yaxis": "y2",
        "hovertemplate": f"%{{y:.2f}} {analysis.unit.name} after %{{x:,}} force calls<extra></extra>",
        "line": {"shape": "hv", "width": 1.5, "color": MUTED},
    }


def _curve(found: np.ndarray, end: int, name: str, colour: str, dash: str) -> dict[str, Any]:
    steps = [0, *sorted(int(f) for f in found), end]
    counts = [0, *range(1, len(found) + 1), len(found)]
    return {
        "type": "scatter",
        "mode": "lines",
        "x": steps,
        "y": counts,
        "name": name,
        "hoverinfo": "skip",
        "line": {"shape": "hv", "width": 2, "color": colour, "dash": dash},
    }
