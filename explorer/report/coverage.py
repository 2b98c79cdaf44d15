"""Estimated coverage in the report: a sentence below the discovery curve, and a table."""

from dataclasses import replace

from explorer.analysis.coverage import within
from explorer.analysis.run_analysis import RunAnalysis
from explorer.landscape.coverage import Coverage, Estimate
from explorer.report.tables import ReportBlock, Row, Table
from explorer.units import COVERAGE_WINDOW, KCAL, KCAL_PER_MOL, LOW_ENERGY_WINDOW, EnergyUnit

TABLE_WINDOWS = (KCAL_PER_MOL, LOW_ENERGY_WINDOW, COVERAGE_WINDOW)  # eV, windows of the table


def coverage_explanation(analysis: RunAnalysis) -> str:
    """Return the sentences below the title of the discovery curve; empty before the first observation."""
    near = analysis.coverages[0]
    if not near.n_seen:
        return ""
    where = f"{within(near.window, analysis.unit)} of the lowest" if near.window else "at all energies"
    return (
        f" The run has found {near.n_seen:,} of an estimated {_number(near.richness)} minima {where}. With probability "
        f"{near.next_known}, the next hop into this window ends in a minimum that has already been found."
    )


def coverage_table(analysis: RunAnalysis) -> ReportBlock:
    """Return the panel with the estimated number of minima within several energy windows."""
    block = ReportBlock(
        key="coverage",
        title="Estimated coverage",
        explanation="The estimates use the number of hops that ended in each minimum; hops back into the starting "
        "minimum do not count. Brackets are 95 % intervals. The estimated number of minima is the Chao1 lower bound, "
        "so the fraction found is an upper bound. The last column is the Good-Turing probability that the next hop "
        "ends in a minimum that has already been found. It weights minima by how easily this search reaches them.",
    )
    windows = {analysis.window, *(TABLE_WINDOWS if analysis.unit == KCAL else ())} - {0.0}
    rows = [_row(analysis.visit_counts.coverage(window), analysis.unit) for window in (*sorted(windows), 0.0)]
    if not rows[-1].cells[2]:
        return replace(block, absent="No hop has ended in a minimum yet.")
    columns = (
        "energy window",
        "minima found",
        "visits",
        "estimated number",
        "fraction found",
        "probability of a known minimum",
    )
    return replace(block, parts=[Table(columns, rows)])


def _row(coverage: Coverage, unit: EnergyUnit) -> Row:
    found = coverage.n_seen
    texts = (_number(coverage.richness), str(coverage.share), str(coverage.next_known)) if found else ("–", "–", "–")
    name = within(coverage.window, unit) or "all"
    return Row((name, found, coverage.n_observations, *texts))


def _number(richness: Estimate) -> str:
    return f"{richness.estimate:,.0f} ({richness.lower:,.0f} to {richness.upper:,.0f})"
