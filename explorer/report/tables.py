"""Tables of the report: outcomes of hops, training data, reference method, settings and costs."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np

from explorer.analysis.hop_reasons import ReasonGroup, reason_groups
from explorer.analysis.run_analysis import KNOWN, NEW, RunAnalysis
from explorer.analysis.training_comparison import missed_reasons
from explorer.records.hop import Hop, Outcome
from explorer.records.moves import MOVES
from explorer.records.run import SECONDS_BEFORE_SEARCH, Costs
from explorer.topology.describe import describe
from explorer.topology.torsions import amide_conformation
from explorer.units import KCAL_PER_MOL
from explorer.wording import counted

N_LOWEST = 20  # minima that are listed without JavaScript; not tuned
MAX_REASONS = 40  # groups of reasons that are listed; not tuned
OUTCOME_MEANINGS = {
    Outcome.NEW: "a minimum that had not been found before",
    Outcome.KNOWN: "another minimum that had been found before",
    Outcome.SAME: "returned to the starting minimum",
    Outcome.CHANGED: "a structural change that is not allowed; the walker returned",
    Outcome.TOO_UNCERTAIN: "a minimum with more uncertainty than allowed; the walker returned",
    Outcome.FAILED: "no minimum was reached",
}


class Row(NamedTuple):
    """Row of a table.

    Attributes:
        cells: Values of the cells.
        structure: Index of the structure that a click on the row shows; None for no structure.
    """

    cells: tuple[Any, ...]
    structure: int | None = None


@dataclass(frozen=True)
class Table:
    """Table of a panel.

    Attributes:
        columns: Headings; none for a list of names and values.
        rows: Rows.
        title: Heading above the table.
        words: Indices of the left-aligned columns.
    """

    columns: tuple[str, ...]
    rows: list[Row]
    title: str = ""
    words: tuple[int, ...] = (0,)


@dataclass(frozen=True)
class ReportBlock:
    """Panel that consists of tables.

    Attributes:
        key: Id of its HTML element, after `panel-`.
        title: Heading.
        explanation: Short text below the heading.
        parts: Tables.
        absent: HTML text that is shown in place of missing tables.
    """

    key: str
    title: str
    explanation: str
    parts: list[Table] = field(default_factory=list)
    absent: str = ""


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


def training(analysis: RunAnalysis) -> ReportBlock:
    """Return the panel that compares the minima of the run with those to which training frames relax."""
    block = ReportBlock(
        key="training",
        title="Comparison with the training data",
        explanation="Training frames were relaxed with the model of the run; the results are the training minima. A "
        "known conformer of the run is one of them; a new conformer is not, however close its nearest frame is. "
        "Click a row of the second table to show a minimum that the run did not find.",
    )
    comparison = analysis.run.comparison
    if comparison is None:
        return replace(
            block,
            absent="This run has not been compared with training data yet. "
            "Use <code>pes-explore compare RUN --training FILE</code>."
            if analysis.is_trained
            else "The potential was not fitted to data, so there is no training data to compare with.",
        )
    rows = [
        ("training data", comparison.source),
        ("frames of this molecule", f"{comparison.n_frames:,}"),
        ("frames relaxed", f"{comparison.n_relaxed:,}"),
        ("relaxations that did not end in a conformer", f"{comparison.n_failed:,}"),
        ("training minima", f"{len(comparison.training_minima):,}"),
        ("known conformers found", f"{analysis.recognition.count(KNOWN):,}"),
        ("new conformers found", f"{analysis.recognition.count(NEW):,}"),
        ("known minima not found", f"{len(analysis.missed):,}"),
    ]
    parts = [Table((), [Row(cells) for cells in rows])]
    first = len(analysis.run.minima)
    reasons = missed_reasons(analysis)
    missed = sorted(enumerate(zip(analysis.missed, reasons, strict=True), first), key=lambda one: one[1][0].energy)
    listed = [Row((t.id, f"{float(analysis.relative(t.energy)):.2f}", t.n_frames, why), k) for k, (t, why) in missed]
    if listed:
        columns = ("training minimum", "energy (kcal/mol)", "frames that relax to it", "why it was missed")
        parts.append(Table(columns, listed, "Known minima that the run did not find", words=(3,)))
    return replace(block, parts=parts)


def lowest_minima(analysis: RunAnalysis) -> Table:
    """Return the table of the lowest minima that browsers without JavaScript show.

    Args:
        analysis: The analysed run.
    """
    minima, unit = analysis.run.minima, analysis.unit.name
    rows = [
        Row(
            (
                rank,
                int(i),
                f"{analysis.energies[i]:.2f}",
                str(minima[i].structure_class),
                analysis.hydrogen_bonds[i],
                analysis.recognition[i] or "–",
            )
        )
        for rank, i in enumerate(analysis.order[:N_LOWEST], start=1)
    ]
    return Table(
        ("rank", "minimum", f"energy ({unit})", "class", "hydrogen bonds", "training data"), rows, words=(3, 4, 5)
    )


def validation_table(analysis: RunAnalysis) -> ReportBlock | None:
    """Return the panel with every minimum that was relaxed with the reference method; None without a validation."""
    record = analysis.run.validation
    if record is None or not len(record.ids):
        return None
    model = record.energy - np.nanmin(record.energy)
    difference = (record.reference_energy - np.nanmin(record.reference_energy) - model) / KCAL_PER_MOL
    rows = [
        Row((int(i), "yes" if stayed else "no", _formatted(rmsd, ".2f"), _formatted(change, "+.2f")), int(i))
        for i, stayed, rmsd, change in zip(record.ids, record.stayed, record.rmsd, difference, strict=True)
    ]
    explanation = (
        f"{int(sum(record.stayed))} of {len(record.ids)} minima remain the same conformer when they are relaxed with "
        f"{record.reference}. The energy difference is reference minus model, each relative to its lowest minimum."
    )
    columns = ("minimum", "same conformer", "heavy-atom RMSD (Å)", "energy difference (kcal/mol)")
    return ReportBlock(
        "validation-table",
        "Comparison with the reference method by minimum",
        explanation,
        [Table(columns, rows, words=())],
    )


def _formatted(value: float, form: str) -> str:
    return format(value, form) if np.isfinite(value) else "–"


def setting_groups(analysis: RunAnalysis) -> list[dict[str, Any]]:
    """Return costs, input, provenance and settings of the run as groups of (name, value) rows."""
    run = analysis.run
    plain = {key: value for key, value in run.config.items() if not isinstance(value, dict)}
    groups = {"Costs": _costs(analysis), "Input": _input(analysis), "Provenance": run.provenance, "Settings": plain}
    groups |= {f"Settings: {key}": value for key, value in run.config.items() if isinstance(value, dict)}
    return [{"title": title, "rows": list(values.items())} for title, values in groups.items() if values]


def _input(analysis: RunAnalysis) -> dict[str, Any]:
    facts = describe(analysis.run.molecule)
    amides = {
        f"amide {name}": f"{omega:.0f}° ({amide_conformation(omega)})" for name, omega in facts.pop("amides").items()
    }
    centres = {f"stereocentre {name}": label for name, label in facts.pop("chirality").items()}
    return (
        {name.replace("n_", "number of ").replace("_", " "): value for name, value in facts.items()} | centres | amides
    )


def _costs(analysis: RunAnalysis) -> dict[str, str]:
    run = analysis.run
    calls, minima, wall, potential, idle = (
        run.rounds[-1] if run.rounds else Costs(n_evaluations=0, n_minima=0, wall_seconds=0.0, potential_seconds=0.0)
    )
    return {
        "rounds": f"{len(run.rounds):,}",
        "force calls": f"{calls:,}",
        "wall time": duration(wall),
        "preparation before the search": duration(float(run.provenance.get(SECONDS_BEFORE_SEARCH, "nan"))),
        "time for energies and forces": f"{duration(potential)} ({100 * potential / wall:.0f} %)" if wall else "–",
        "overhead": f"{1e3 * (wall - potential) / calls:.2f} ms per force call" if calls else "–",
        "device utilisation": f"{100 * calls / (calls + idle):.0f} % of the possible force calls" if calls else "–",
        "force calls per second": f"{calls / wall:,.0f}" if wall else "–",
        "force calls per distinct minimum": f"{calls / minima:,.0f}" if minima else "–",
        "state": run.finished or "not finished; it can be resumed",
    }


def duration(seconds: float | None) -> str:
    """Format a time as 42 s, 9 min 41 s or 2 h 05 min; a dash if it is unknown.

    Args:
        seconds: Time, s; None or not finite if it is unknown.

    >>> duration(581)
    '9 min 41 s'
    """
    if seconds is None or not np.isfinite(seconds):
        return "–"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"
