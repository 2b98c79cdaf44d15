"""Output files of a run: `summary.json` and the report."""

from pathlib import Path
from typing import Any, NamedTuple

from explorer.analysis.run_analysis import RunAnalysis
from explorer.analysis.summary import summarise, summary_table
from explorer.files import write_json
from explorer.records.run import RunRecord
from explorer.report.html import write_report

REPORT_FILE_NAME, MINIMA_FILE_NAME, SUMMARY_FILE_NAME = "index.html", "minima.extxyz", "summary.json"
CONFIG_FILE_NAME = "config.toml"


class Outputs(NamedTuple):
    """Results of a run.

    Attributes:
        analysis: The analysed run.
        summary: Content of `summary.json`.
        report: HTML file that was written.
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
    outputs = write_report_of(record, report or folder / REPORT_FILE_NAME, temperature)
    if report is None:
        write_summary(outputs.summary, folder)
    return outputs


def write_report_of(record: RunRecord, path: Path, temperature: float = 0.0) -> Outputs:
    """Summarise a run and write its report; the summary is not written.

    Args:
        record: The run.
        path: HTML file to write.
        temperature: Temperature of populations and free energies, K; 0 for that of the run.

    Returns:
        What was written, and the summary.
    """
    analysis = RunAnalysis(record, temperature)
    summary = summarise(analysis)
    return Outputs(analysis, summary, write_report(analysis, summary, path))


def write_summary(summary: dict[str, Any], folder: Path) -> None:
    """Write `summary.json` into the folder of a run.

    Args:
        summary: Content of the file.
        folder: Folder of the run.
    """
    write_json(summary, folder / SUMMARY_FILE_NAME)


def delete_outputs(folder: Path) -> None:
    """Delete the results of a run that was replaced, so that a folder never holds those of two runs.

    Args:
        folder: Folder of the run.
    """
    for name in (REPORT_FILE_NAME, MINIMA_FILE_NAME, SUMMARY_FILE_NAME):
        (folder / name).unlink(missing_ok=True)
