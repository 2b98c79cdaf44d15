"""`pes-explore compare`: a run against the training data of its model, another run or another ensemble."""

from pathlib import Path
from typing import Annotated

import typer

from cli import options
from cli.device import prepare_device
from cli.output import print_summary, print_table, refuse_to_overwrite
from cli.progress import counted_progress
from explorer.errors import InputError
from explorer.files import write_json

EXAMPLE = "Example: pes-explore compare runs/aaa crest_conformers.xyz --window 3kcal --out compared.json"


def compare(
    run: options.RunFolder,
    other: Annotated[
        Path | None, typer.Argument(metavar="[OTHER]", help="Another run, or an XYZ, extended XYZ, SDF or PDB file.")
    ] = None,
    training: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Training data (that of the run's shipped model).")
    ] = None,
    frames: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Quench at most so many frames (as set in the run: 192).")
    ] = None,
    window: options.Window = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="For the comparison with OTHER, as JSON.")] = None,
    force: options.Force = False,
) -> None:
    """Compare the minima of a run with those that the training data lead to, or with OTHER.

    Training frames are relaxed on the surface of the run; the report then says which minima were
    found and known, found and new, known and missed, and how far (degrees of torsion) each is from the data.
    With OTHER the conformers of both are relaxed tightly on the surface of RUN and matched, whatever the order of
    atoms: recall (share of OTHER that RUN has), precision (share of RUN that OTHER has), lowest energies, ids alone.
    """
    if other is None:
        if window is not None or out is not None:
            raise typer.BadParameter("--window and --out are of a comparison with OTHER, which is missing")
        _with_training(run, training, frames)
        return
    if training is not None or frames is not None:
        raise typer.BadParameter("--training and --frames are of a comparison with training data, without OTHER")
    energy = options.energy(window) or 0.0
    if out is not None and not force:
        refuse_to_overwrite([out])
    from explorer.workflows.session import Session

    session = Session.open(run)  # a missing run is refused before the device is prepared
    prepare_device()
    from explorer.compare.overlap import comparison_as_json, comparison_rows
    from explorer.workflows.compare_ensembles import compare_runs

    with counted_progress("conformers") as progress:
        found = compare_runs(session, options.folder_of(other), energy, progress)
    print_table(comparison_rows(found), ("", found.a.name, found.b.name))
    if out is not None:
        print(write_json(comparison_as_json(found), out))


def _with_training(run: Path, training: Path | None, frames: int | None) -> None:
    from explorer.workflows.session import Session

    session = Session.open(run)
    n_frames = session.settings.training_frames if frames is None else frames
    prepare_device()
    from explorer.workflows.compare_training import compare_run
    from explorer.workflows.outputs import write_results

    with counted_progress("training frames") as progress:
        comparison = compare_run(session, training, n_frames, progress)
    if comparison is None:
        raise InputError(
            "The training data of the model do not contain the molecule. Name other data by --training FILE."
        )
    print_summary(write_results(session.record, session.folder))
