"""`pes-explore compare`: a run against the training data of its model."""

from pathlib import Path
from typing import Annotated

import typer

from cli import options
from cli.device import prepare_device
from cli.output import print_summary, write_results
from cli.progress import counted_progress
from explorer.errors import InputError

EXAMPLE = "Example: pes-explore compare runs/aaa --training data/training/alanine.npz --frames 500"


def compare(
    run: options.RunFolder,
    training: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Training data (that of the run's shipped model).")
    ] = None,
    frames: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Quench at most so many frames (as set in the run: 192).")
    ] = None,
) -> None:
    """Compare the minima of a run with those that the training data lead to.

    Training frames are relaxed on the surface of the run; the report then says which minima were
    found and known, found and new, known and missed, and how far (degrees of torsion) each is from the data.
    """
    from explorer.store.read import read_run

    folder = options.folder_of(run)
    record = read_run(folder)
    n_frames = record.config["training_frames"] if frames is None else frames
    prepare_device()
    from explorer.assess import compare_run

    with counted_progress("training frames") as progress:
        comparison = compare_run(folder, training, n_frames, progress)
    if comparison is None:
        raise InputError("The model's training data hold no such molecule. Name other data by --training FILE.")
    record = read_run(folder)
    print_summary(record, write_results(record, folder))
