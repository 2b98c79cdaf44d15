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

TRAINING_FRAMES = 1000  # without --frames; not tuned
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
        str | None,
        typer.Option(
            metavar="N",
            help="Number of training frames to relax, chosen to differ most in their torsions, or all "
            f"({TRAINING_FRAMES}).",
        ),
    ] = None,
    window: options.Window = None,
    charge: options.Charge = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="JSON file for the comparison.")] = None,
    force: options.Force = False,
) -> None:
    """Compare the minima of a run with the training data of its model, or with OTHER.

    Without OTHER, training frames are relaxed with the model of the run. An interrupted call continues. The report then
    shows which conformers are known, new, or known but missed. The JSON file tells why each was missed, the distance of
    each minimum to the nearest frame (torsions in degrees, RMSD in Å, features of the network), and which regions of
    torsions no frame reaches. pes-explore run --resume RUN --start-from missed searches from the missed ones.

    With OTHER, the conformers of both are relaxed tightly with the model of RUN and matched in any atom order. The
    command prints recall (share of OTHER in RUN), precision (share of RUN in OTHER), the lowest energies, and the ids
    of conformers without a match.
    """
    if out is not None and not force:
        refuse_to_overwrite([out])
    if other is None:
        if window is not None or charge is not None:
            raise typer.BadParameter("--window and --charge need OTHER, which is missing")
        if units is not None and training is None:
            raise typer.BadParameter("--units belongs to --training, which is missing")
        _with_training(run, training, _number_of_frames(frames), units, out)
        return
    if training is not None or frames is not None or units is not None:
        raise typer.BadParameter("--training, --frames and --units cannot be used with OTHER")
    energy = options.energy(window) or 0.0
    from explorer.workflows.session import Session

    session = Session.open(run)  # fails for a missing run before the device is prepared
    prepare_device()
    from explorer.comparison.overlap_tables import comparison_as_json, comparison_rows
    from explorer.workflows.compare_ensembles import compare_runs

    with counted_progress("conformers") as progress:
        comparison = compare_runs(session, options.folder_of(other), energy, progress, charge)
    say(*comparison.remarks)
    print_table(comparison_rows(comparison), ("", comparison.a.name, comparison.b.name))
    if out is not None:
        print(write_json(comparison_as_json(comparison), out))


def _number_of_frames(frames: str | None) -> int | None:
    """Return the number that --frames asks for, None for all."""
    if frames == "all":
        return None
    if frames is not None and not (frames.isdecimal() and int(frames) > 0):
        raise typer.BadParameter(f"--frames takes a number from 1, or all; received {frames}")
    return TRAINING_FRAMES if frames is None else int(frames)


def _with_training(run: Path, training: Path | None, n_frames: int | None, units: str | None, out: Path | None) -> None:
    from explorer.workflows.session import Session

    with Session.open(run, writing=True) as session:
        prepare_device()
        from explorer.workflows.compare_training import compare_run
        from explorer.workflows.outputs import write_results

        with counted_progress("training frames") as progress:
            relaxation = compare_run(session, training, n_frames, progress, units)
        if relaxation is None:
            raise InputError(
                "The training data of the model do not contain the molecule. Use other data with --training FILE."
            )
        print_summary(write_results(session.record, session.folder))
        if out is not None:
            from explorer.workflows.training_details import detailed_comparison

            print(write_json(detailed_comparison(session, relaxation), out))
