"""Whether the network knows the minima or guesses: a figure, a table, columns for the page's script."""

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np

from explorer.analysis.reliability import trust_counts
from explorer.analysis.run_analysis import RunAnalysis
from explorer.records.uncertainty import TrustLevel, UncertaintyEstimate
from explorer.report.panel import RELATIVE_ENERGY, Panel, axis, drawing, numbers, point_size, points
from explorer.report.tables import ReportBlock, Row, Table
from explorer.units import KCAL_PER_MOL

TRUST_COLOURS = {
    TrustLevel.TRUSTED: "#009E73",
    TrustLevel.UNCERTAIN: "#E69F00",
    TrustLevel.OUT_OF_DISTRIBUTION: "#D55E00",
}
TRUST_SYMBOLS = {TrustLevel.TRUSTED: "circle", TrustLevel.UNCERTAIN: "diamond", TrustLevel.OUT_OF_DISTRIBUTION: "x"}
TRUST_MEANINGS = {
    TrustLevel.TRUSTED: "like nine in ten frames that the model was not trained on, or better",
    TrustLevel.UNCERTAIN: "worse than these",
    TrustLevel.OUT_OF_DISTRIBUTION: "beyond 99 in 100 of these: the model guesses",
}
_KEY, _TITLE = "reliability", "Model reliability"
N_LEAST_CERTAIN = 10
_ABSENT = (
    "The model of this run does not say where it is uncertain: it has no committee and was not calibrated "
    "(<code>pes-explore train</code> does both)."
)


def payload_columns(analysis: RunAnalysis) -> dict[str, list]:
    """By id, for the page's script: verdict, and expected force error (eV/Å)."""
    doubts = [m.uncertainty for m in analysis.run.minima]
    return {
        "trust": [str(d.trust_level) if d else "" for d in doubts],
        "forceError": numbers([d.expected_error if d else np.nan for d in doubts], 3),
    }


def uncertainty_panel(analysis: RunAnalysis) -> Panel:
    """Expected force error of every minimum against its energy."""
    panel = Panel(
        key=_KEY,
        title=_TITLE,
        wide=True,
        explanation="Error of the forces to be expected at each minimum, from how the members of the model's committee "
        "disagree and how far its atoms are from the training data, calibrated on frames that were not trained on.",
    )
    known = {m.id: m.uncertainty for m in analysis.run.minima if m.uncertainty}
    if not known:
        return replace(panel, absent=_ABSENT)
    size, traces = point_size(len(known)), []
    for verdict in TrustLevel:
        ids = [i for i, one in known.items() if one.trust_level == verdict]
        if ids:
            traces.append(
                points(
                    ids,
                    analysis.energies[ids],
                    [known[i].expected_error for i in ids],
                    str(verdict),
                    "minimum %{customdata}<br>%{x:.2f} kcal/mol, %{y:.3f} eV/Å",
                    color=TRUST_COLOURS[verdict],
                    symbol=TRUST_SYMBOLS[verdict],
                    size=size,
                    opacity=0.8,
                )
            )
    error = axis("expected force error (eV/Å)", type="log", dtick="D2")
    return replace(panel, figure=drawing(traces, axis(RELATIVE_ENERGY), error))


def uncertainty_table(analysis: RunAnalysis) -> ReportBlock | None:
    """Minima and hops by verdict, and the least known minima; None where the model does not say."""
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
        "spread of forces (eV/Å)",
        "spread of energies (kcal/mol)",
        "distance",
        "verdict",
    )
    parts = [
        Table(("verdict", "meaning", "minima", "of minima", "hops that ended there"), rows, words=(0, 1)),
        Table(columns, listed, "Known least", words=(6,)),
    ]
    explanation = (
        "A minimum that the model only guesses may not exist: pes-explore validate re-relaxes minima with a reference "
        "method, and --max-uncertainty keeps a search out of such regions."
    )
    return ReportBlock(f"{_KEY}-table", f"{_TITLE}, in numbers", explanation, parts, wide=True)


def _cells(doubt: UncertaintyEstimate) -> tuple[Any, ...]:
    energy = doubt.energy_spread / KCAL_PER_MOL
    values = (doubt.expected_error, ".3f"), (doubt.force_spread, ".3f"), (energy, ".2f"), (doubt.distance, ".2f")
    return *(format(v, form) if np.isfinite(v) else "–" for v, form in values), str(doubt.trust_level)
