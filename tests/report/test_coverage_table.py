"""Estimated coverage in the report."""

from dataclasses import replace

from explorer.analysis.run_analysis import RunAnalysis
from explorer.records.hop import Outcome
from explorer.report.coverage import coverage_table
from explorer.report.energy_figures import discovery


def test_coverage_is_in_the_table_and_below_the_discovery_curve(synthetic_run):
    block = coverage_table(RunAnalysis(synthetic_run))
    names = ["within 1 kcal/mol", "within 3 kcal/mol", "within 6 kcal/mol", "all"]
    assert [row.cells[0] for row in block.parts[0].rows] == names
    found = [row.cells[1] for row in block.parts[0].rows]
    assert found == sorted(found)
    observed = sum(hop.outcome in (Outcome.NEW, Outcome.KNOWN) for hop in synthetic_run.hops)
    assert block.parts[0].rows[-1].cells[2] == observed
    assert "of an estimated" in discovery(RunAnalysis(synthetic_run)).explanation
    empty = RunAnalysis(replace(synthetic_run, hops=()))
    assert coverage_table(empty).absent
    assert discovery(empty).explanation.endswith("lowest conformer so far.")
