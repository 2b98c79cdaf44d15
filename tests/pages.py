"""Summary, table and page of a run in one call, as the commands make them."""

from pathlib import Path
from typing import Any

from explorer.analysis.run_analysis import RunAnalysis
from explorer.analysis.summary import summarise, summary_table
from explorer.records.run import RunRecord
from explorer.report.html import render, write_report


def summary_of(run: RunRecord) -> dict[str, Any]:
    """Content of `summary.json`."""
    return summarise(RunAnalysis(run))


def table_of(run: RunRecord) -> dict[str, str]:
    """The table at the end of a run."""
    analysis = RunAnalysis(run)
    return dict(summary_table(analysis, summarise(analysis)))


def page_of(run: RunRecord) -> str:
    """The report as text."""
    analysis = RunAnalysis(run)
    return render(analysis, summarise(analysis))


def write_page(run: RunRecord, path: Path) -> Path:
    """The report as a file."""
    analysis = RunAnalysis(run)
    return write_report(analysis, summarise(analysis), path)
