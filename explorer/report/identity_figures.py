"""Number of distinct minima as a function of the RMSD threshold."""

from dataclasses import replace

import numpy as np

from explorer.analysis.run_analysis import RunAnalysis
from explorer.config_ranges import MAXIMA
from explorer.report.panel import MUTED, NO_MINIMA, Panel, axis, drawing, numbers
from explorer.similarity.count_by_threshold import count_distinct

RMSD_THRESHOLDS = np.linspace(0.025, 1.0, 40)  # Å; not tuned
MAX_COMPARED_MINIMA = 1000  # the number of pairs grows with the square of it; 1000 minima take seconds


def identity(analysis: RunAnalysis) -> Panel:
    """Return the panel of distinct minima against the RMSD threshold, with and without the energy window."""
    panel = Panel(
        key="identity",
        title="Distinct minima against the RMSD threshold",
        wide=True,
        explanation="Number of results that would count as distinct with another RMSD threshold, with the energy "
        "window of the run and by geometry alone. The dashed line is the threshold of the run. If a curve is flat "
        "near this line, the number of minima does not depend on the threshold. Curves cannot rise to the left of "
        "the line, because closer structures were merged during the run.",
    )
    if not len(analysis.results):
        return replace(panel, absent=NO_MINIMA)
    chosen = analysis.order[:MAX_COMPARED_MINIMA]
    if len(chosen) < len(analysis.order):
        panel = replace(
            panel, explanation=f"{panel.explanation} Only the {MAX_COMPARED_MINIMA} lowest minima are compared."
        )
    curves = [(f"energies within {analysis.identity.energy_window:.3g} eV", analysis.identity, "#0072B2")]
    if analysis.symmetry.has_bonds:  # all atoms of a cluster may be permuted: too slow without the energy criterion
        any_energy = replace(analysis.identity, energy_window=MAXIMA["identity.energy_window"])
        curves.append(("geometry alone", any_energy, "#E69F00"))
    positions = np.array([analysis.run.minima[k].positions for k in chosen])
    energies = np.array([analysis.run.minima[k].energy for k in chosen])
    structure_classes = [str(analysis.classes[k]) for k in chosen]
    traces = [
        {
            "type": "scatter",
            "mode": "lines+markers",
            "x": numbers(RMSD_THRESHOLDS),
            "name": name,
            "y": count_distinct(
                analysis.symmetry, energies, positions, structure_classes, settings, RMSD_THRESHOLDS
            ).tolist(),
            "line": {"color": colour, "width": 1.5},
            "marker": {"size": 4},
            "hovertemplate": "%{y} distinct within %{x:.3f} Å<extra></extra>",
        }
        for name, settings, colour in curves
    ]
    line = {
        "type": "line",
        "x0": analysis.identity.rmsd,
        "x1": analysis.identity.rmsd,
        "y0": 0,
        "y1": 1,
        "yref": "paper",
        "line": {"color": MUTED, "width": 1, "dash": "dash"},
    }
    axes = axis("RMSD threshold (Å)", rangemode="tozero"), axis("distinct minima", rangemode="tozero")
    return replace(panel, figure=drawing(traces, *axes, shapes=[line]))
