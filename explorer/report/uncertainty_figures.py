"""Reliability of the model at the minima: a figure, a table, and payload columns."""

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
from jaxtyping import Float

from explorer.analysis.reliability import trust_counts
from explorer.analysis.run_analysis import RunAnalysis
from explorer.records.uncertainty import TrustLevel, UncertaintyEstimate
from explorer.report.panel import Panel, axis, drawing, energy_label, numbers, point_size, points
from explorer.report.tables import ReportBlock, Row, Table
from explorer.units import KCAL_PER_MOL

TRUST_COLOURS = {
    TrustLevel.TRUSTED: "#009E73",
    TrustLevel.UNCERTAIN: "#E69F00",
    TrustLevel.OUT_OF_DISTRIBUTION: "#D55E00",
}
TRUST_SYMBOLS = {TrustLevel.TRUSTED: "circle", TrustLevel.UNCERTAIN: "diamond", TrustLevel.OUT_OF_DISTRIBUTION: "x"}
TRUST_MEANINGS = {
    TrustLevel.TRUSTED: "uncertainty within the range of 90 % of the frames that the model was not trained on",
    TrustLevel.UNCERTAIN: "more uncertain than 90 % of these frames",
    TrustLevel.OUT_OF_DISTRIBUTION: "beyond 99 % of these frames: the prediction is an extrapolation",
}
_KEY, _TITLE = "reliability", "Model reliability"
N_TICKS, MAX_TICKS = 3, 7  # labels that an axis has at least and at most; not tuned
N_LEAST_CERTAIN = 10  # rows of the table; not tuned
_ABSENT = (
    "The model of this run provides no uncertainty, because it has no calibrated committee. Models from "
    "<code>pes-explore train</code> have one."
)


def payload_columns(analysis: RunAnalysis) -> dict[str, list]:
    """Return the payload columns by id: trust level and expected force error (eV/Å)."""
    estimates = [m.uncertainty for m in analysis.run.minima]
    return {
        "trust": [str(one.trust_level) if one else "" for one in estimates],
        "forceError": numbers([one.expected_error if one else np.nan for one in estimates], 3),
    }


def uncertainty_panel(analysis: RunAnalysis) -> Panel:
    """Return the panel with the expected force error of every minimum against its energy."""
    panel = Panel(
        key=_KEY,
        title=_TITLE,
        explanation="Expected force error at each minimum. It is estimated from the disagreement of the committee and "
        "the distance of the atomic environments from the training data, and calibrated on frames that were not used "
        "for training.",
    )
    known = {m.id: m.uncertainty for m in analysis.run.minima if m.uncertainty}
    if not known:
        return replace(panel, absent=_ABSENT)
    size, traces = point_size(len(known)), []
    for level in TrustLevel:
        ids = [i for i, one in known.items() if one.trust_level == level]
        if ids:
            traces.append(
                points(
                    ids,
                    analysis.energies[ids],
                    [known[i].expected_error for i in ids],
                    str(level),
                    "minimum %{customdata}<br>%{x:.2f} kcal/mol, %{y:.3f} eV/Å",
                    color=TRUST_COLOURS[level],
                    symbol=TRUST_SYMBOLS[level],
                    size=size,
                    opacity=0.8,
                )
            )
    errors = np.array([one.expected_error for one in known.values()])
    error = axis("expected force error (eV/Å)", type="log", **log_ticks(errors[errors > 0]))
    return replace(panel, figure=drawing(traces, axis(energy_label(analysis)), error))


def log_ticks(values: Float[np.ndarray, "n"]) -> dict[str, Any]:
    """Return at least three ticks of a logarithmic axis, with full numbers as labels, and the range of the axis.

    Plotly labels only powers of ten and, between them, bare digits.

    Args:
        values: Positive values to show.
    """
    low, high = (float(values.min()), float(values.max())) if len(values) else (0.01, 1.0)
    low, high = low / 1.15, high * 1.15  # margins
    for digits in ((1, 2, 5), range(1, 10), np.arange(10, 100, 2) / 10, np.arange(100, 1000) / 100):
        decades = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))))
        ticks = [float(digit * 10.0**decade) for decade in decades for digit in digits]
        inside = [tick for tick in ticks if low <= tick <= high]
        if len(inside) >= N_TICKS:
            break
    inside = inside[:: -(-len(inside) // MAX_TICKS)]
    return {
        "tickvals": inside,
        "ticktext": [f"{tick:.6g}" for tick in inside],
        "range": [float(np.log10(low)), float(np.log10(high))],
    }


def uncertainty_table(analysis: RunAnalysis) -> ReportBlock | None:
    """Return the panel with minima and hops by trust level, and the least certain minima.

    It is None for a model without uncertainty.
    """
    run, by_verdict = analysis.run, trust_counts(analysis.run)
    if by_verdict is None:
        return None
    hops = Counter(h.uncertainty.trust_level for h in run.hops if h.uncertainty)
    rows = [
        Row((str(v), TRUST_MEANINGS[v], f"{by_verdict[v]:,}", f"{by_verdict[v] / len(run.minima):.1%}", f"{hops[v]:,}"))
        for v in TrustLevel
    ]
    known = [(m.id, m.uncertainty) for m in run.minima if m.uncertainty]
    least = sorted(known, key=lambda one: -one[1].expected_error)[:N_LEAST_CERTAIN]
    listed = [Row((i, f"{analysis.energies[i]:.2f}", *_cells(one)), i) for i, one in least]
    columns = (
        "minimum",
        "energy (kcal/mol)",
        "expected force error (eV/Å)",
        "committee spread of forces (eV/Å)",
        "committee spread of the energy (kcal/mol)",
        "distance from training data",
        "trust level",
    )
    parts = [
        Table(("trust level", "meaning", "minima", "share of minima", "hops ending there"), rows, words=(0, 1)),
        Table(columns, listed, "Least certain minima", words=(6,)),
    ]
    explanation = (
        "A minimum that is out of distribution may be an artefact of the model. pes-explore validate relaxes minima "
        "with a reference method. Minima that are worse than --max-uncertainty are no results and are listed apart."
    )
    return ReportBlock(f"{_KEY}-table", f"{_TITLE} in numbers", explanation, parts)


def _cells(estimate: UncertaintyEstimate) -> tuple[Any, ...]:
    energy = estimate.energy_spread / KCAL_PER_MOL
    values = (
        (estimate.expected_error, ".3f"),
        (estimate.force_spread, ".3f"),
        (energy, ".2f"),
        (estimate.distance, ".2f"),
    )
    return *(format(v, form) if np.isfinite(v) else "–" for v, form in values), str(estimate.trust_level)
