"""How much the number of minima depends on the threshold of their identity."""

from dataclasses import replace

import numpy as np

from explorer.report.panel import MUTED, NO_MINIMA, Panel, axis, drawing, numbers
from explorer.report.view import View
from explorer.similarity.threshold import count_distinct

THRESHOLDS = np.linspace(0.025, 1.0, 40)  # Å
MAX_MINIMA = 1000  # pairs grow with the square; this many take seconds


def identity(view: View) -> Panel:
    """Distinct minima against the RMSD within which two would be one, with and without the energy window."""
    panel = Panel(
        key="identity",
        title="Distinct minima against the RMSD threshold",
        wide=True,
        explanation="How many of the stored minima a larger or smaller threshold would tell apart, with the energy "
        "window of the run and by geometry alone; flat about the dashed line, the threshold of the run, means that "
        "the count does not hang on it. Left of the line nothing rises: closer structures were merged when found.",
    )
    if not view.run.minima:
        return replace(panel, absent=NO_MINIMA)
    chosen = view.order[:MAX_MINIMA]
    if len(chosen) < len(view.order):
        panel = replace(panel, explanation=f"{panel.explanation} The {MAX_MINIMA} lowest minima are shown.")
    curves = [(f"energies within {view.identity.energy_window:.3g} eV", view.identity, "#0072B2")]
    if view.symmetry.has_bonds:  # any two atoms of a cluster may trade places: too slow without the energies
        curves.append(("geometry alone", replace(view.identity, energy_window=np.inf), "#E69F00"))
    positions = np.array([view.run.minima[k].positions for k in chosen])
    energies = np.array([view.run.minima[k].energy for k in chosen])
    kinds = [str(view.classes[k]) for k in chosen]
    traces = [
        {
            "type": "scatter",
            "mode": "lines+markers",
            "x": numbers(THRESHOLDS),
            "name": name,
            "y": count_distinct(view.symmetry, energies, positions, kinds, settings, THRESHOLDS).tolist(),
            "line": {"color": colour, "width": 1.5},
            "marker": {"size": 4},
            "hovertemplate": "%{y} distinct within %{x:.3f} Å<extra></extra>",
        }
        for name, settings, colour in curves
    ]
    line = {
        "type": "line",
        "x0": view.identity.rmsd,
        "x1": view.identity.rmsd,
        "y0": 0,
        "y1": 1,
        "yref": "paper",
        "line": {"color": MUTED, "width": 1, "dash": "dash"},
    }
    axes = axis("RMSD threshold (Å)", rangemode="tozero"), axis("distinct minima", rangemode="tozero")
    return replace(panel, figure=drawing(traces, *axes, shapes=[line]))
