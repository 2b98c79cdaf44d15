"""Estimated coverage in the report: a sentence below the discovery curve and a table."""

from dataclasses import replace

from explorer.analysis.run_analysis import DEFAULT_WINDOW, RunAnalysis
from explorer.landscape.coverage import Coverage, Estimate
from explorer.report.tables import ReportBlock, Row, Table
from explorer.units import KCAL_PER_MOL

TABLE_WINDOWS = (KCAL_PER_MOL, DEFAULT_WINDOW, 5 * KCAL_PER_MOL)  # eV, windows of the table


def coverage_explanation(analysis: RunAnalysis) -> str:
    """The sentence below the title of the discovery curve; empty before the first observation."""
    near = analysis.coverages[0]
    if not near.n_seen:
        return ""
    return (
        f" Of the {near.where} of the lowest {near.n_seen:,} are found, of an estimated {_number(near.richness)}; "
        f"the next hop to another of them meets a known one with probability {near.next_known}."
    )


def coverage_table(analysis: RunAnalysis) -> ReportBlock:
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
    rows = [
        _row(analysis.visit_counts.coverage(window)) for window in (*sorted({*TABLE_WINDOWS, analysis.window}), 0.0)
    ]
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
