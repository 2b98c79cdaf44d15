"""Estimated coverage of a run in the summary, at the discovery curve and in a table of its own."""

from dataclasses import replace
from typing import Any

from explorer.landscape.coverage import Coverage, Estimate, VisitCounts
from explorer.records.run import RunRecord
from explorer.report.tables import ReportBlock, Row, Table
from explorer.report.view import View
from explorer.units import KCAL_PER_MOL

USUAL = 3 * KCAL_PER_MOL  # eV; what is populated at room temperature lies well below
SHOWN = (KCAL_PER_MOL, USUAL, 5 * KCAL_PER_MOL)  # eV


def coverages(run: RunRecord) -> tuple[Coverage, Coverage]:
    """Within the window of the run (3 kcal/mol where it has none), and of all minima."""
    sightings = VisitCounts(run.minima, run.hops)
    return sightings.coverage(run.config.get("budget", {}).get("window") or USUAL), sightings.coverage(0.0)


def as_numbers(coverage: Coverage) -> dict[str, Any]:
    """For `summary.json`: `window` in eV above the lowest minimum, None for all; intervals hold 95 %."""
    _, *richness = coverage.richness
    _, *share = coverage.share
    _, *known = coverage.next_known
    return {
        "window": coverage.window or None,
        "n_seen": coverage.n_seen,
        "n_observations": coverage.n_observations,
        "estimated_minima": coverage.richness.estimate,
        "estimated_minima_interval": richness,
        "coverage": coverage.share.estimate,
        "coverage_interval": share,
        "next_known": coverage.next_known.estimate,
        "next_known_interval": known,
    }


def coverage_sentence(coverage: Coverage) -> str:
    """The coverage in a line of a table."""
    if coverage.text == "unknown":
        return f"{coverage.text} of {coverage.where}"
    return f"{coverage.text} of about {coverage.richness.estimate:.0f} {coverage.where}"


def explanation(run: RunRecord) -> str:
    """The sentence below the title of the discovery curve; empty before the first observation."""
    near = coverages(run)[0]
    if not near.n_seen:
        return ""
    return (
        f" Of the {near.where} of the lowest {near.n_seen:,} are found, of an estimated {_number(near.richness)}; "
        f"the next hop to another of them meets a known one with probability {near.next_known}."
    )


def coverage_table(view: View) -> ReportBlock:
    """How many minima there may be within several windows of energy."""
    block = ReportBlock(
        key="coverage",
        wide=True,
        title="Estimated coverage",
        explanation="How much is found, judged by how often hops ended in each minimum (95 % intervals in brackets); "
        "hops back into the minimum that was left do not count. The number of minima is Chao1's lower bound, so the "
        "share found is an upper bound; the probability that the next observation is known weighs minima by how "
        "easily this search reaches them (Good and Turing).",
    )
    sightings = VisitCounts(view.run.minima, view.run.hops)
    own = view.run.config.get("budget", {}).get("window") or USUAL
    rows = [_row(sightings.coverage(window)) for window in (*sorted({*SHOWN, own}), 0.0)]
    if not rows[-1].cells[2]:
        return replace(block, absent="No hop has ended in a minimum yet.")
    columns = ("minima", "found", "observations", "estimated number", "share found", "next one known")
    return replace(block, parts=[Table(columns, rows)])


def _row(coverage: Coverage) -> Row:
    found = coverage.n_seen
    texts = (_number(coverage.richness), str(coverage.share), str(coverage.next_known)) if found else ("–", "–", "–")
    name = f"within {coverage.window / KCAL_PER_MOL:.3g} kcal/mol" if coverage.window else "all"
    return Row((name, found, coverage.n_observations, *texts))


def _number(richness: Estimate) -> str:
    return f"{richness.estimate:,.0f} ({richness.lower:,.0f} to {richness.upper:,.0f})"
