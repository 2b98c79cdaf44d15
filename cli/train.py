"""`pes-explore train`: training of a SO3krates model on labelled data."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli import options
from cli.device import prepare_device
from cli.output import print_table, refuse_to_overwrite, say
from cli.progress import epoch_progress, staged_progress

if TYPE_CHECKING:
    from explorer.evaluate.evaluation import EvaluationErrors

EXAMPLE = "Example: pes-explore train ethanol.npz --units kcal/mol --out models/ethanol --set fit.epochs=20"
ERROR_COLUMNS = ("data", "molecule", "stage", "frames", "energy MAE (meV/atom)", "force MAE (meV/Å)")


def train(
    data: Annotated[
        Path,
        typer.Argument(
            metavar="DATA",
            help="Dataset from pes-explore label, extended XYZ, npz of sGDML, MD17, MD22 or mlff, ASE .traj or .db, "
            "HDF5 of SPICE or ANI-1x.",
        ),
    ],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Output folder of the model.")],
    held_out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Dataset of molecules that are not in DATA, for evaluation and calibration."),
    ] = None,
    begin: Annotated[
        str,
        typer.Option(
            "--from", metavar="MODEL", help="Start from the parameters of this model, by name or folder (a new model)."
        ),
    ] = "",
    units: options.Units = None,
    energy_key: Annotated[
        str | None, typer.Option(metavar="KEY", help="Name of the energies in a file with several, such as REF_energy.")
    ] = None,
    forces_key: Annotated[
        str | None, typer.Option(metavar="KEY", help="Name of the forces (those that belong to the energies).")
    ] = None,
    config: Annotated[
        Path | None, typer.Option(metavar="TOML", help="Settings file with the tables model and fit.")
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="KEY=VALUE", help="Setting, such as fit.epochs=20 or model.n_features=96. Repeatable."
        ),
    ] = None,
    force: options.Force = False,
) -> None:
    """Train a SO3krates model; interrupted training resumes automatically.

    Without settings, the numbers of epochs follow from the amount of data, and the model is a committee of eight
    members. The learning rate is constant for fit.epochs and then decays for fit.decay_epochs. DIR/training.part keeps
    the state before the decay. The same command with more epochs extends a finished training; with fewer epochs than
    are done it starts the decay. --from starts from the parameters of a model, such as the default one, and trains on
    DATA only, which may be labels of another reference method. With --set model.n_features=128 (n_channels=8,
    value_filter=true) the model is widened first.

    The data are kept in DIR, and runs with the model are compared with them. Data in another format than that of
    pes-explore label become DIR/training-data.npz, with units in eV and Å. Blocks of consecutive frames stay in one
    split. What was chosen, assumed or left out is printed.

    Writes hyperparameters.json, parameters.safetensors, learning_curve.svg, history.json, the uncertainty calibration
    (support.safetensors, calibration.json), errors.json and a model card (README.md) to DIR. The same command on a
    finished training repeats the evaluation, also with other held-out molecules. Errors are printed in meV/atom and
    meV/Å.
    """
    prepare_device()
    from cli.settings import parse_assignments
    from explorer.evaluate.model_card_tables import uncertainty_section
    from explorer.train.import_data import as_own_dataset, keep_with_model
    from explorer.train.train_model import (
        defaults_for,
        fine_tune_model,
        load_fine_tuning_config,
        load_training_config,
        small_data_warning,
        train_model,
    )
    from explorer.workflows.evaluate_model import evaluate_model, other_molecules

    if not force and not (out / "training.part").is_dir():  # an interrupted training is continued, not overwritten
        refuse_to_overwrite([out / "parameters.safetensors"])
    data, notes = as_own_dataset(data, out / "training-data.npz", units, energy_key, forces_key)
    data = keep_with_model(data, out)
    say(*notes)
    if held_out:
        held_out, notes = as_own_dataset(held_out, out / "held-out-data.npz", units, energy_key, forces_key)
        say(*notes)
        other_molecules(held_out, data)  # fails for unsuitable data before the training
    given = parse_assignments(set_)
    if begin:
        before, settings = load_fine_tuning_config(config, given, begin)
        say(*_change_of_method(before.hyperparameters.reference, data))
        make = partial(fine_tune_model, data, out, before, settings)
    else:
        hp, settings = load_training_config(config, given, *defaults_for(data))
        say(*small_data_warning(data))
        say(f"{settings.epochs} epochs and {settings.decay_epochs} of decay, {hp.n_members} members.")
        make = partial(train_model, data, out, hp, settings)
    with epoch_progress(settings.epochs + settings.decay_epochs) as report:
        make(report)
    with staged_progress() as progress:
        evaluation = evaluate_model(data, out, settings, held_out, progress)
    print_table(_rows("test split", evaluation.test) + _rows("held-out", evaluation.held_out), ERROR_COLUMNS)
    say("Uncertainty:", *uncertainty_section(evaluation)[1:])
    if not evaluation.n_calibrated:
        say("Provide more frames with --held-out FILE.")
    print(out)


def _change_of_method(old: str, data: Path) -> list[str]:
    from explorer.dataset.dataset import load_meta

    new = load_meta(data)["reference"]
    if old in ("", new):
        return []
    return [
        f"The initial network was trained on {old}. Atomic energies are fitted anew, and the model will be of {new}."
    ]


def _rows(name: str, errors: "EvaluationErrors | None") -> list[tuple[str, ...]]:
    rows = [] if errors is None else [r for r in errors.rows if "all" in (r.molecule, r.stage)]
    return [(name, r.molecule, r.stage, str(r.n_frames), f"{r.energy_mae:.2f}", f"{r.forces_mae:.1f}") for r in rows]
