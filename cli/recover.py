"""`pes-explore recover`: the intact part of a damaged run as a new run."""

from pathlib import Path
from typing import Annotated

import typer

from cli import options
from cli.output import print_summary, refuse_to_overwrite, say

EXAMPLE = "Example: pes-explore recover runs/aaa --out runs/recovered"


def recover(
    run: options.RunFolder,
    out: Annotated[Path, typer.Option(metavar="DIR", help="New folder for what is intact.")],
) -> None:
    """Save what is intact in a damaged run: every row has a checksum, and those that fit it become a new run.

    Writes the same files as pes-explore run to DIR, and leaves RUN as it is. The new run can be resumed if no minimum,
    hop, round or state of a walker is damaged. Where a minimum is lost, the others get new ids, and results that were
    computed from the minima must be computed again.
    """
    from cli.search import OUTPUTS
    from explorer.workflows.outputs import write_results
    from explorer.workflows.recover import recover_run

    refuse_to_overwrite((out / name for name in OUTPUTS), "A recovered run needs a new folder")
    session, damage = recover_run(run, out)
    say(f"Damaged: {damage.described()}.", f"Saved: {damage.saved()}.")
    print_summary(write_results(session.record, session.folder))
