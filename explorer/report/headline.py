"""The numbers at the head of the page."""

from typing import Any, NamedTuple

from explorer.analysis.reliability import n_lowest_out_of_distribution
from explorer.analysis.run_analysis import RunAnalysis
from explorer.records.run import REARRANGED_TO
from explorer.report.tables import duration


class Number(NamedTuple):
    """A name, its value as text, and what it means exactly."""

    name: str
    value: str
    note: str = ""


def headline(analysis: RunAnalysis, summary: dict[str, Any]) -> list[Number]:
    """The first numbers of the page.

    Args:
        analysis: The analysed run.
        summary: Its summary.
    """
    minima, calls = summary["n_minima"], summary["n_evaluations"]
    return [
        Number("distinct minima", f"{minima:,}"),
        Number("conformers", f"{summary['n_conformers']:,}", "same bonds and stereocentres, amides cis or trans"),
        Number("force calls", f"{calls:,}"),
        Number("hops", f"{summary['n_hops']:,}"),
        Number("wall time", duration(summary["wall_seconds"])),
        Number("minima per 1000 force calls", f"{1000 * minima / calls:.2f}" if calls else "–"),
        _coverage(analysis),
        *_training(summary["comparison"]),
    ]


def _coverage(analysis: RunAnalysis) -> Number:
    whole = analysis.coverages[1]
    if not whole.n_seen:
        return Number("estimated coverage", "–", "no hop has ended in a minimum yet")
    estimate, lower, upper = whole.richness
    note = (
        f"Minima found over Chao1's estimate of how many there are, {estimate:,.0f} (95 % interval "
        f"{lower:,.0f} to {upper:,.0f}), a lower bound: the coverage is an upper bound."
    )
    return Number("estimated coverage", f"≤ {whole.share.estimate:.0%}", note)


def _training(comparison: dict[str, Any] | None) -> list[Number]:
    names = {"n_found_and_known": "found and known", "n_found_and_new": "found and new", "n_missed": "known and missed"}
    note = "conformers of the run against the minima that the training frames quench to"
    return [Number(name, "–" if comparison is None else f"{comparison[key]:,}", note) for key, name in names.items()]


def remarks(analysis: RunAnalysis) -> list[str]:
    """Lines below the numbers: what is still missing from this page."""
    lines = []
    if moved := analysis.run.provenance.get(REARRANGED_TO):
        lines.append(
            f"The given molecule is none on this surface: {moved}. What was explored is the molecule that it became."
        )
    if n := n_lowest_out_of_distribution(analysis.run):
        lines.append(
            f"The lowest {n} of the conformers {'is' if n == 1 else 'are'} outside what the network knows and may be "
            "invented, and all energies here are relative to the lowest: pes-explore validate RUN --reference gfn2 "
            "shows what they are worth, run --max-uncertainty uncertain keeps walkers away from them, and pes-explore "
            "learn RUN teaches the network what is there."
        )
    if not analysis.run.finished:
        lines.append("This run has not ended: the page shows it as of the last finished round.")
    if analysis.run.comparison is None:
        lines.append(
            "Known and new minima are not told apart yet: pes-explore compare RUN --training FILE does it."
            if analysis.is_trained
            else "The potential was not fitted to data: there are no training minima to compare with."
        )
    return lines
