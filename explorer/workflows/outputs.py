"""Output files of a run: `summary.json` and the report."""

from pathlib import Path
from typing import Any, NamedTuple

from explorer.analysis.run_analysis import RunAnalysis
from explorer.analysis.summary import summarise, summary_table
from explorer.files import write_json
from explorer.records.run import RunRecord
from explorer.report.html import write_report


class Outputs(NamedTuple):
    """The results of a run as they were written.

    Attributes:
        analysis: The analysed run.
        summary: Content of `summary.json`.
        report: The HTML file.
    """

    analysis: RunAnalysis
    summary: dict[str, Any]
    report: Path

    @property
    def table(self) -> list[tuple[str, str]]:
        """Name and value of the numbers that are printed at the end of a run."""
        return summary_table(self.analysis, self.summary)


def write_results(record: RunRecord, folder: Path, temperature: float = 0.0, report: Path | None = None) -> Outputs:
    """Write the report of a run, and its summary where the report goes into its folder; no potential is needed.

    Args:
        record: The run.
        folder: Folder of the run.
        temperature: Temperature of populations and free energies, K; 0 for that of the run.
        report: HTML file to write in place of `index.html`; the summary is not written then.

    Returns:
        What was written.
    """
    analysis = RunAnalysis(record, temperature)
    summary = summarise(analysis)
    if report is None:
        write_json(summary, folder / "summary.json")
    path = write_report(analysis, summary, report or folder / "index.html")
    return Outputs(analysis, summary, path)
