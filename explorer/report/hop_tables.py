"""Panel with the outcomes of the hops, the efficiency of the moves, and the reasons of hops that were given up."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from explorer.analysis.hop_reasons import ReasonGroup, reason_groups
from explorer.analysis.run_analysis import RunAnalysis
from explorer.records.hop import Hop, Outcome
from explorer.records.moves import MOVES
from explorer.report.tables import ReportBlock, Row, Table
from explorer.wording import counted

MAX_REASONS = 40  # groups of reasons that are listed; not tuned
OUTCOME_MEANINGS = {
    Outcome.NEW: "a minimum that had not been found before",
    Outcome.KNOWN: "another minimum that had been found before",
    Outcome.SAME: "returned to the starting minimum",
    Outcome.CHANGED: "a structural change that is not allowed; the walker returned",
    Outcome.TOO_UNCERTAIN: "a minimum with more uncertainty than allowed; the walker returned",
    Outcome.FAILED: "no minimum was reached",
}


def outcomes(analysis: RunAnalysis) -> ReportBlock:
    """Return the panel with the outcomes of the hops, and the reasons of changed, too uncertain and failed ones."""
    block = ReportBlock(
        key="outcomes",
        title="Outcomes of the hops",
        explanation="Every hop has exactly one outcome. Changed, too uncertain and failed hops have a reason.",
    )
    hops = analysis.run.hops
    if not hops:
        return replace(block, absent="No hop has finished yet.")
    counts = Counter(h.outcome for h in hops)
    calls = {o: sum(h.n_evaluations for h in hops if h.outcome == o) for o in OUTCOME_MEANINGS}
    total = max(1, sum(calls.values()))
    rows = [
        Row((str(o), meaning, f"{counts[o]:,}", f"{counts[o] / len(hops):.1%}", f"{calls[o] / total:.1%}"))
        for o, meaning in OUTCOME_MEANINGS.items()
    ]
    parts = [Table(("outcome", "meaning", "hops", "share of hops", "share of force calls"), rows, words=(0, 1))]
    parts.append(moves(hops))
    if groups := reason_groups(hops):
        parts.append(_reasons(groups))
    return replace(block, parts=parts)


def _reasons(groups: Sequence[ReasonGroup]) -> Table:
    rows = [Row((one.outcome.value, one.reason, f"{one.n_hops:,}", one.example)) for one in groups[:MAX_REASONS]]
    if rest := groups[MAX_REASONS:]:
        text = f"{counted(len(rest), 'other reason')} (pes-explore export: hops.csv)"
        rows.append(Row(("", text, f"{sum(one.n_hops for one in rest):,}", "")))
    columns = ("outcome", "reason", "hops", "most frequent of several texts")
    if not any(row.cells[3] for row in rows):
        rows, columns = [Row(row.cells[:3]) for row in rows], columns[:3]
    return Table(columns, rows, "Changed, too uncertain and failed hops", words=(0, 1, 3))


def moves(hops: Sequence[Hop]) -> Table:
    """Return the table with the costs and the new minima of each move.

    Args:
        hops: Hops of a run.
    """
    rows = []
    for move in MOVES:
        made = [h for h in hops if h.move == move and h.start >= 0]
        if made:
            new = sum(h.outcome == Outcome.NEW for h in made)
            calls = sum(h.n_evaluations for h in made)
            each = f"{calls / new:,.0f}" if new else ""
            rows.append(Row((str(move), f"{len(made):,}", f"{new:,}", f"{calls:,}", f"{calls / len(made):.0f}", each)))
    columns = ("move", "hops", "new minima", "force calls", "force calls per hop", "force calls per new minimum")
    return Table(columns, rows, "Efficiency of the moves", words=(0,))
