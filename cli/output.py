"""What commands print and what they refuse to overwrite."""

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from explorer.errors import ConfigError
from explorer.records.run import RunRecord


def say(*lines: str) -> None:
    """Lines for a person, on stderr: stdout is for results."""
    for line in lines:
        print(line, file=sys.stderr)


def print_table(rows: Iterable[Sequence[str]], header: Sequence[str] = ()) -> None:
    """A table on stdout; the first column names the row."""
    table = Table(*header, show_header=bool(header), box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for row in rows:
        table.add_row(*row)
    console = Console(markup=False, highlight=False)
    if not console.is_terminal:
        console.width = 200  # whoever reads the pipe wants whole lines
    console.print(table)


def write_results(record: RunRecord, folder: Path, temperature: float | None = None) -> Path:
    """The report and the summary of a run into its folder; no potential is needed.

    Args:
        record: of the run.
        folder: of the run.
        temperature: of populations and free energies, K; that of the run by default.

    Returns:
        The report.
    """
    from explorer.report.html import write_report
    from explorer.report.summary import write_summary

    write_summary(record, folder / "summary.json", temperature)
    return write_report(record, folder / "index.html", temperature or record.config["temperature"])


def print_summary(record: RunRecord, report: Path) -> None:
    """The table at the end of a run on stdout, and where the report is."""
    from explorer.report.summary import summary_table

    print_table([*summary_table(record), ("report", str(report))])


def refuse_to_overwrite(paths: Iterable[Path], advice: str = "Pass --force to replace them") -> None:
    """Raises a `ConfigError` that names the paths which exist."""
    existing = [str(path) for path in paths if path.exists()]
    if existing:
        raise ConfigError(f"{', '.join(existing)} would be overwritten. {advice}, or choose another place.")
