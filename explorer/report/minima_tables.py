"""Tables of minima: the lowest ones, those of the training data, and those relaxed with a reference method."""

from dataclasses import replace

import numpy as np

from explorer.analysis.run_analysis import KNOWN, NEW, RunAnalysis
from explorer.analysis.training_comparison import missed_reasons
from explorer.report.tables import ReportBlock, Row, Table
from explorer.units import KCAL_PER_MOL

N_LOWEST = 20  # minima that are listed without JavaScript; not tuned


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
