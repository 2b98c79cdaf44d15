"""Output of the commands: messages, tables, and protection of existing files."""

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
    """Print messages to stderr; stdout is for results."""
    for line in lines:
        print(line, file=sys.stderr)


def print_table(rows: Iterable[Sequence[str]], header: Sequence[str] = ()) -> None:
    """Print a table to stdout.

    Args:
        rows: Cells of each row.
        header: Headings of the columns, if any.
    """
    table = Table(*header, show_header=bool(header), box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for row in rows:
        table.add_row(*row)
    console = Console(markup=False, highlight=False)
    if not console.is_terminal:
        console.width = 200  # lines in a pipe must not be wrapped
    console.print(table)


def print_summary(outputs: "Outputs") -> None:
    """Print the table at the end of a run to stdout, with the path of the report."""
    print_table([*outputs.table, ("report", str(outputs.report))])


def refuse_to_overwrite(paths: Iterable[Path], advice: str = "Pass --force to replace them") -> None:
    """Check that files do not exist.

    Args:
        paths: Files that would be written.
        advice: What the user can do, for the error message.

    Raises:
        ConfigError: If a file exists; it lists the existing files.
    """
    existing = [str(path) for path in paths if path.exists()]
    if existing:
        raise ConfigError(f"{', '.join(existing)} would be overwritten. {advice}, or choose another place.")
