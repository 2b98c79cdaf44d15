"""`pes-explore report`: HTML report of a run."""

from pathlib import Path
from typing import Annotated

import typer

from cli import options
from cli.output import print_summary, refuse_to_overwrite

EXAMPLE = "Example: pes-explore report runs/aaa --temperature 310"


def report(
    run: options.RunFolder,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="HTML file to write (index.html in the folder of the run).")
    ] = None,
    temperature: Annotated[
        float | None,
        typer.Option(
            metavar="K", min=1.0, help="Temperature of the populations and free energies, K (that of the run: 300)."
        ),
    ] = None,
    force: options.Force = False,
) -> None:
    """Write the report of a run, finished or not, as one self-contained HTML file.

    Without --out, index.html and summary.json in the folder of the run are replaced.
    """
    from explorer.workflows.outputs import write_results
    from explorer.workflows.session import Session

    session = Session.open(run)
    if out is not None and not force:
        refuse_to_overwrite([out])
    print_summary(write_results(session.record, session.folder, temperature or 0.0, out))
