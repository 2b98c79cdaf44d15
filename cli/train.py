"""`pes-explore train`: a network from labelled data."""

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

EXAMPLE = "Example: pes-explore train data/training/peptides.npz --out models/mine --set fit.epochs=20"
HEADER = ("frames of", "molecule", "stage", "frames", "energy MAE (meV/atom)", "force MAE (meV/Å)")


def train(
    data: Annotated[Path, typer.Argument(metavar="DATA", help="Dataset written by pes-explore label (.npz).")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder of the checkpoint.")],
    held_out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Dataset of molecules that are not in DATA, to measure and calibrate with."),
    ] = None,
    begin: Annotated[
        str, typer.Option("--from", metavar="MODEL", help="Train this network on, by name or folder (a new one).")
    ] = "",
    config: Annotated[Path | None, typer.Option(metavar="TOML", help="File with tables model and fit.")] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Such as fit.epochs=20 or model.n_features=96. Repeatable."),
    ] = None,
    force: options.Force = False,
) -> None:
    """Train a SO3krates network; a call that was killed goes on by itself.

    The learning rate is level for fit.epochs and then falls for fit.decay_epochs. The state before the fall stays in
    DIR/training.part: the same call with more epochs prolongs a finished training, with fewer than are done it ends it.
    --from begins with the parameters of a network, such as the default one for molecules that it knows badly; DATA
    are all it then learns from. With --set model.n_features=128 (n_channels=8, value_filter=true) it first grows.

    Leaves hyperparameters.json, parameters.safetensors, learning_curve.svg, history.json, what it knows of its own
    errors (support.safetensors, calibration.json), errors.json and a model card (README.md) in DIR. The same call on
    a finished training measures it anew, with other held-out molecules too. Errors are printed in meV per atom and
    meV/Å.
    """
    prepare_device()
    from cli.settings import parse_assignments
    from explorer.evaluate.model_card_tables import uncertainty_section
    from explorer.train.train_model import fine_tune_model, load_training_config, load_tuning_config, train_model
    from explorer.workflows.evaluate_model import evaluate_model, other_molecules

    if not force and not (out / "training.part").is_dir():  # a training is gone on with, not overwritten
        refuse_to_overwrite([out / "parameters.safetensors"])
    if held_out:
        other_molecules(held_out, data)  # what cannot be held out is refused before the training, not after it
    given = parse_assignments(set_)
    if begin:
        before, settings = load_tuning_config(config, given, begin)
        make = partial(fine_tune_model, data, out, before, settings)
    else:
        hp, settings = load_training_config(config, given)
        make = partial(train_model, data, out, hp, settings)
    with epoch_progress(settings.epochs + settings.decay_epochs) as report:
        make(report)
    with staged_progress() as progress:
        found = evaluate_model(data, out, settings, held_out, progress)
    print_table(_rows("test split", found.test) + _rows("held-out", found.held_out), HEADER)
    say("Uncertainty:", *uncertainty_section(found)[1:])
    if not found.n_calibrated:
        say("Give more of them with --held-out FILE.")
    print(out)


def _rows(name: str, errors: "EvaluationErrors | None") -> list[tuple[str, ...]]:
    rows = [] if errors is None else [r for r in errors.rows if "all" in (r.molecule, r.stage)]
    return [(name, r.molecule, r.stage, str(r.n_frames), f"{r.energy_mae:.2f}", f"{r.forces_mae:.1f}") for r in rows]
