"""`pes-explore compare`: comparison of a run with training data, another run or another ensemble."""

from pathlib import Path
from typing import Annotated

import typer

from cli import options
from cli.device import prepare_device
from cli.output import print_summary, print_table, refuse_to_overwrite, say
from cli.progress import counted_progress
from explorer.errors import InputError
from explorer.files import write_json

EXAMPLE = "Example: pes-explore compare runs/aaa crest_conformers.xyz --window 3kcal --out compared.json"


def compare(
    run: options.RunFolder,
    other: Annotated[
        Path | None,
        typer.Argument(metavar="[OTHER]", help="Another run, or a file with conformers."),
    ] = None,
    training: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Training data (those of the shipped model of the run).")
    ] = None,
    units: options.Units = None,
    frames: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="Maximum number of training frames to relax (that of the run: 192)."),
    ] = None,
    window: options.Window = None,
    charge: options.Charge = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="JSON file for the comparison with OTHER.")] = None,
    force: options.Force = False,
) -> None:
    """Compare the minima of a run with the training data of its model, or with OTHER.

    Without OTHER, training frames are relaxed with the model of the run. The report then shows which conformers are
    known, new, or known but not found, and the torsional distance (degrees) of each to the nearest frame.
    With OTHER, the conformers of both are relaxed tightly with the model of RUN and matched in any atom order. The
    command prints recall (share of OTHER in RUN), precision (share of RUN in OTHER), the lowest energies, and the ids
    of conformers without a match.
    """
    if other is None:
        if window is not None or out is not None or charge is not None:
            raise typer.BadParameter("--window, --charge and --out need OTHER, which is missing")
        if units is not None and training is None:
            raise typer.BadParameter("--units belongs to --training, which is missing")
        _with_training(run, training, frames, units)
        return
    if training is not None or frames is not None or units is not None:
        raise typer.BadParameter("--training, --frames and --units cannot be used with OTHER")
    energy = options.energy(window) or 0.0
    if out is not None and not force:
        refuse_to_overwrite([out])
    from explorer.workflows.session import Session

    session = Session.open(run)  # fails for a missing run before the device is prepared
    prepare_device()
    from explorer.comparison.overlap import comparison_as_json, comparison_rows
    from explorer.workflows.compare_ensembles import compare_runs

    with counted_progress("conformers") as progress:
        comparison = compare_runs(session, options.folder_of(other), energy, progress, charge)
    say(*comparison.remarks)
    print_table(comparison_rows(comparison), ("", comparison.a.name, comparison.b.name))
    if out is not None:
        print(write_json(comparison_as_json(comparison), out))


def _with_training(run: Path, training: Path | None, frames: int | None, units: str | None) -> None:
    from explorer.workflows.session import Session

    session = Session.open(run)
    n_frames = session.settings.training_frames if frames is None else frames
    prepare_device()
    from explorer.workflows.compare_training import compare_run
    from explorer.workflows.outputs import write_results

    with counted_progress("training frames") as progress:
        comparison = compare_run(session, training, n_frames, progress, units)
    if comparison is None:
        raise InputError(
            "The training data of the model do not contain the molecule. Use other data with --training FILE."
        )
    print_summary(write_results(session.record, session.folder))
