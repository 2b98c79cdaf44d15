"""`pes-explore merge`: several runs of one molecule merged into one."""

from pathlib import Path
from typing import Annotated

import typer

from cli import options
from cli.device import prepare_device
from cli.output import print_summary, refuse_to_overwrite, say

EXAMPLE = "Example: pes-explore merge runs/seed1 runs/seed2 --out runs/both"


def merge(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN1 RUN2 ...", help="Folders of two or more runs.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="New folder for the merged run.")],
) -> None:
    """Merge runs of one molecule with one model: minima (energies in eV), hops, visits and force calls.

    Writes the same files as pes-explore run to DIR. The merged run cannot be resumed. Certificates and validations are
    not merged; use certify and validate with DIR.
    """
    from cli.search import OUTPUTS
    from explorer.workflows.merge import merge_folders

    if len(runs) < 2:
        raise typer.BadParameter("two or more runs are required: pes-explore merge RUN1 RUN2 --out DIR")
    refuse_to_overwrite((out / name for name in OUTPUTS), "A merged run needs a new folder")
    prepare_device()  # it may restart the process, so nothing may be written before
    merge_folders([options.folder_of(run) for run in runs], out)
    from explorer.workflows.results import write_outputs
    from explorer.workflows.session import Session

    say("Comparing with the training data and writing the report.")
    with Session.open(out, writing=True) as session:
        print_summary(write_outputs(session))
