"""`pes-explore bench start`: the programs that a search compiles, and the times to its first hop and results."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from cli import options
from cli.output import print_table, refuse_to_overwrite

EXAMPLE = "Example: pes-explore bench start ac-ala3-nhme --out bench"
DEFAULT = "ac-ala3-nhme"
_HEADER = ("program", "tracing, s", "lowering, s", "compiling, s", "times", "kB")


def start(
    input: options.BenchInput = None,
    potential: options.Potential = None,
    max_evaluations: Annotated[int, typer.Option(metavar="N", help="Force calls of each run.", min=1)] = 600,
    out: options.BenchOut = Path("bench"),
    force: options.Force = False,
) -> None:
    """Measure the start of a search in fresh processes: first with an empty cache of programs, then with a full one.

    Times of tracing, lowering and compiling are those of each program; programs are compiled at the same time.
    """
    if not force:
        refuse_to_overwrite([out / "start.json"])
    from cli.progress import staged_progress
    from explorer.bench.start import measure, rows, write

    arguments = [
        input or DEFAULT,
        "--max-evaluations",
        str(max_evaluations),
        *(["--potential", potential] if potential else []),
    ]
    with staged_progress() as progress:
        result = measure(arguments, progress)
    print_table(rows(result), _HEADER)
    print(write(result, out))


def run_logged() -> None:
    """Run the command line of this process, and write what it compiled to the file that the environment names."""
    from cli.device import prepare_device

    prepare_device()  # restarts the process before JAX is imported
    from cli.main import app
    from explorer.bench.start import LOG_VARIABLE
    from explorer.compilation import CompilationLog
    from explorer.files import write_json

    with CompilationLog() as log:
        app(args=sys.argv[1:], standalone_mode=False)
    write_json(log.by_program(), Path(os.environ[LOG_VARIABLE]))
