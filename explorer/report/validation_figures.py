"""Validation with a reference method: relative energies, and displacements of the minima."""

from dataclasses import replace

import numpy as np

from explorer.analysis.run_analysis import RunAnalysis
from explorer.analysis.validation import energy_rank_correlation
from explorer.records.comparisons import SAME_CONFORMER, Validation
from explorer.report.panel import MUTED, Panel, axis, drawing, points
from explorer.units import KCAL_PER_MOL


def validation_panel(analysis: RunAnalysis) -> Panel:
    """Return the panel with the relative energies of the model against those of the reference method."""
    panel = Panel(
        key="validation",
        title="Validation with a reference method",
        explanation="Relative energies of minima of the model, and of the same minima after relaxation with the "
        "reference method. Both are relative to the lowest of the set. Points on the diagonal agree.",
    )
    record = analysis.run.validation
    if record is None or not len(record.ids):
        return replace(
            panel,
            wide=True,
            absent="No minimum has been relaxed with a reference method yet. "
            "Use <code>pes-explore validate RUN --reference gfn2</code>.",
        )
    model = (record.energy - np.nanmin(record.energy)) / KCAL_PER_MOL
    reference = (record.reference_energy - np.nanmin(record.reference_energy)) / KCAL_PER_MOL
    if np.isfinite(energy_rank_correlation(record)):
        text = f"{panel.explanation} Rank correlation (Spearman): {energy_rank_correlation(record):.2f}."
        panel = replace(panel, explanation=text)
    hover = "minimum %{customdata}<br>model %{x:.2f}, reference %{y:.2f} kcal/mol"
    top = max(float(np.nanmax(model)), float(np.nanmax(reference)), 0.5) * 1.06
    low = -0.04 * top
    diagonal = {
        "type": "scatter",
        "mode": "lines",
        "x": [low, top],
        "y": [low, top],
        "name": "equal energies",
        "hoverinfo": "skip",
        "line": {"color": MUTED, "width": 1, "dash": "dash"},
    }
    traces = [
        points(record.ids[chosen], model[chosen], reference[chosen], name, hover, color=colour, symbol=symbol)
        for name, chosen, colour, symbol in _groups(record)
        if chosen.any()
    ]
    model_axis = axis("model: relative energy (kcal/mol)", range=[low, top])
    reference_axis = axis(f"{record.reference}: relative energy (kcal/mol)", range=[low, top])
    return replace(panel, figure=drawing([diagonal, *traces], model_axis, reference_axis))


def rmsd_panel(analysis: RunAnalysis) -> Panel | None:
    """Return the panel with the displacement of each minimum by the reference method; None without a validation."""
    record = analysis.run.validation
    if record is None or not len(record.ids):
        return None
    model = (record.energy - np.nanmin(record.energy)) / KCAL_PER_MOL
    hover = "minimum %{customdata}<br>%{x:.2f} kcal/mol, RMSD %{y:.2f} Å"
    traces = [
        points(record.ids[chosen], model[chosen], record.rmsd[chosen], name, hover, color=colour, symbol=symbol)
        for name, chosen, colour, symbol in _groups(record)
        if chosen.any()
    ]
    line = {
        "type": "line",
        "x0": 0,
        "x1": 1,
        "xref": "paper",
        "y0": SAME_CONFORMER,
        "y1": SAME_CONFORMER,
        "line": {"color": MUTED, "width": 1, "dash": "dash"},
    }
    figure = drawing(
        traces,
        axis("model: relative energy (kcal/mol)"),
        axis("heavy-atom RMSD (Å)", rangemode="tozero"),
        shapes=[line],
    )
    explanation = (
        f"Heavy-atom RMSD between each minimum of the model and its relaxation with {record.reference}. Below the "
        f"dashed line, at {SAME_CONFORMER} Å, both are the same conformer."
    )
    return Panel("validation-rmsd", "Displacement by the reference method", explanation, figure)


def _groups(record: Validation) -> tuple[tuple[str, np.ndarray, str, str], ...]:
    stayed = np.asarray(record.stayed, dtype=bool)
    return (("same conformer", stayed, "#0072B2", "circle"), ("other conformer", ~stayed, "#D55E00", "x"))
