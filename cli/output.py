"""What commands print and what they refuse to overwrite."""

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from explorer.errors import ConfigError

if TYPE_CHECKING:
    from explorer.workflows.outputs import Outputs


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


def print_summary(outputs: "Outputs") -> None:
    """Print the table at the end of a run on stdout, with the path of the report."""
    print_table([*outputs.table, ("report", str(outputs.report))])


def refuse_to_overwrite(paths: Iterable[Path], advice: str = "Pass --force to replace them") -> None:
    """Raises a `ConfigError` that names the paths which exist."""
    existing = [str(path) for path in paths if path.exists()]
    if existing:
        raise ConfigError(f"{', '.join(existing)} would be overwritten. {advice}, or choose another place.")
