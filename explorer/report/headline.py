"""Key numbers and remarks at the head of the report."""

from typing import Any, NamedTuple

from explorer.analysis.conformers import count_conformers
from explorer.analysis.coverage import within
from explorer.analysis.reliability import n_lowest_out_of_distribution
from explorer.analysis.run_analysis import RunAnalysis
from explorer.landscape.coverage import Estimate
from explorer.records.run import REARRANGED_TO
from explorer.report.settings_tables import duration


class Number(NamedTuple):
    """One key number.

    Attributes:
        name: Its name.
        value: Its value as text.
        note: Definition, shown as a tooltip.
    """

    name: str
    value: str
    note: str = ""


def headline(analysis: RunAnalysis, summary: dict[str, Any]) -> list[Number]:
    """Return the key numbers of the run.

    Args:
        analysis: The analysed run.
        summary: Its summary.
    """
    minima, calls = summary["n_minima"] - summary["n_unknown"], summary["n_evaluations"]
    return [
        *_coverage(analysis),
        *_conformers(analysis),
        Number("distinct minima", f"{minima:,}", "results of all structure classes: minima that the model knows"),
        *_unknown(summary),
        Number("force calls", f"{calls:,}", "evaluations of energy and forces of one structure"),
        Number("hops", f"{summary['n_hops']:,}", "one hop is an escape from a minimum and a relaxation"),
        Number("wall time", duration(summary["wall_seconds"])),
        Number("minima per 1000 force calls", f"{1000 * minima / calls:.2f}" if calls else "–"),
        *([] if analysis.is_cluster else _training(summary["comparison"])),
    ]


def _conformers(analysis: RunAnalysis) -> list[Number]:
    if analysis.is_cluster:
        return []
    counts = count_conformers(m.structure_class for m in analysis.run.conformers)
    given = "Results with the bonds and stereocentres of the input, whose secondary amides are cis or trans as there."
    numbers = [Number("conformers", f"{counts.as_given:,}", given)]
    if counts.flipped:
        note = "Results with the bonds and stereocentres of the input, but a secondary amide on the other side."
        numbers.append(Number(counts.flipped_text, f"{counts.flipped:,}", note))
    return numbers


def _unknown(summary: dict[str, Any]) -> list[Number]:
    if not summary["n_unknown"]:
        return []
    note = (
        "Minima that the model does not know. They are no results and are listed apart. Hops from or to them took "
        f"{summary['unknown_share']:.1%} of the force calls."
    )
    return [Number("unknown to the model", f"{summary['n_unknown']:,}", note)]


def _coverage(analysis: RunAnalysis) -> list[Number]:
    near = analysis.coverages[0]
    where = within(near.window, analysis.unit) or "at all energies"
    if not near.n_seen:
        return [Number(f"found {where}", "–", "No hop has ended in a minimum yet.")]
    estimate, lower, upper = near.richness
    note = (
        f"Minima {where} of the lowest in which hops have ended, out of their estimated number: {estimate:,.0f} (95 % "
        f"interval {lower:,.0f} to {upper:,.0f}, Chao1). Structures that walkers may not explore do not count."
    )
    return [Number(f"found {where}", f"{near.n_seen:,} of {_about(near.richness)}", note)]


def _about(richness: Estimate) -> str:
    if round(richness.upper) == round(richness.lower):
        return f"{richness.lower:,.0f}"
    return f"{richness.lower:,.0f}–{richness.upper:,.0f}"


def _training(comparison: dict[str, Any] | None) -> list[Number]:
    numbers = (
        ("n_found_and_known", "known conformers", "Conformers of the run that a training frame relaxes to."),
        ("n_found_and_new", "new conformers", "Conformers of the run that no training frame relaxes to."),
        ("n_missed", "known, not found", "Minima that training frames relax to and the run did not find."),
    )
    if comparison is None:
        return [Number(name, "–", note) for _, name, note in numbers]
    shown = [Number(name, f"{comparison[key]:,}", note) for key, name, note in numbers]
    as_given = comparison["as_given"]["n_missed"]
    if flipped := comparison["n_missed"] - as_given:
        shown[-1] = shown[-1]._replace(value=f"{as_given:,}", note=f"{shown[-1].note} Amides are those of the input.")
        note = "The same, with an amide on the other side. A search flips amides with --allow cis-amide only."
        shown.append(Number("not found, amide flipped", f"{flipped:,}", note))
    return shown


def remarks(analysis: RunAnalysis) -> list[str]:
    """Return the remarks below the key numbers: warnings, and analyses that are still missing."""
    lines = []
    if moved := analysis.run.provenance.get(REARRANGED_TO):
        lines.append(
            f"The input is not a minimum of this potential: it rearranges ({moved}). The run explores the rearranged "
            "molecule."
        )
    if n := n_lowest_out_of_distribution(analysis.run):
        lines.append(
            f"The lowest {f'{n} conformers are' if n > 1 else 'conformer is'} out of distribution for the model and "
            "may be artefacts. All energies on this page are relative to the lowest conformer. "
            "pes-explore validate RUN --reference gfn2 relaxes them with a reference method. "
            "pes-explore run --max-uncertainty uncertain stores such structures apart from the results. "
            "pes-explore learn RUN retrains the model on them."
        )
    if not analysis.run.finished:
        lines.append("The run has not ended. This page shows its state after the last finished round.")
    if analysis.run.comparison is None:
        lines.append(
            "The run has not been compared with training data yet. Use pes-explore compare RUN --training FILE."
            if analysis.is_trained
            else "The potential was not fitted to data, so there are no training minima to compare with."
        )
    return lines
