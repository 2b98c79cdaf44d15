"""`pes-explore train`: a network from labelled data."""

from pathlib import Path
from typing import Annotated

import typer

from cli import options
from cli.device import prepare_device
from cli.output import print_table, refuse_to_overwrite
from cli.progress import epoch_progress

EXAMPLE = "Example: pes-explore train data/training/alanine.npz --out models/mine --set fit.epochs=60"


def train(
    data: Annotated[Path, typer.Argument(metavar="DATA", help="Dataset written by pes-explore label (.npz).")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder of the checkpoint.")],
    config: Annotated[Path | None, typer.Option(metavar="TOML", help="File with tables model and fit.")] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Such as fit.epochs=60 or model.n_features=96. Repeatable."),
    ] = None,
    force: options.Force = False,
) -> None:
    """Train a SO3krates network; a call that was killed goes on by itself.

    Leaves hyperparameters.json, parameters.safetensors, learning_curve.svg, history.json and a model card
    (README.md) in DIR. Errors are printed in meV per atom and meV/Å.
    """
    prepare_device()
    from cli.settings import parse_assignments
    from explorer.train.make import load_training_config, train_model

    if not force:
        refuse_to_overwrite([out / "parameters.safetensors"])
    hp, settings = load_training_config(config, parse_assignments(set_))
    with epoch_progress(settings.epochs) as report:
        errors = train_model(data, out, hp, settings, report)
    rows = [(r.molecule, r.stage, str(r.n_frames), f"{r.energy_mae:.2f}", f"{r.forces_mae:.1f}") for r in errors]
    print_table(rows, ("molecule", "stage", "frames", "energy MAE (meV/atom)", "force MAE (meV/Å)"))
    print(out)
