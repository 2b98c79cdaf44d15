"""`pes-explore model`: import, fetch, list, describe and check models."""

from pathlib import Path
from typing import Annotated

import typer

from cli import device, options
from cli.application import Application
from cli.output import print_table, say
from cli.progress import counted_progress

EXAMPLE = "Example: pes-explore model import path/to/checkpoint --name ethanol --units kcal/mol"
app = Application(no_args_is_help=True, help="Import and download SO3krates models; list, describe and check models.")
Name = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        help="default, a name from pes-explore model list, a checkpoint folder, so3lr:FOLDER or mlff:FOLDER.",
    ),
]


@app.command("import", epilog=EXAMPLE)
def import_(
    path: Annotated[
        Path,
        typer.Argument(
            metavar="PATH", help="Folder of a training run of mlff, or of SO3LR (params.pkl and hyperparameters.json)."
        ),
    ],
    name: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Name of the model for --potential (that of the folder, or so3lr)."),
    ] = None,
    units: Annotated[
        str | None,
        typer.Option(metavar="UNIT", help="Unit of energy of a network of mlff 0.x: eV or kcal/mol."),
    ] = None,
    elements: Annotated[
        str, typer.Option(metavar="SYMBOLS", help="Elements of the training data, such as H,C,N,O (as the files tell).")
    ] = "",
    reference: Annotated[
        str, typer.Option(metavar="TEXT", help="Method of the training labels, such as PBE0+MBD.")
    ] = "",
    force: options.Force = False,
) -> None:
    """Import a SO3krates network as a checkpoint in your folder of models.

    Networks of mlff 0.2, 0.3 and 1.0, fine-tuned ones and the published SO3LR are read. No code of the files is
    executed. The folder is ~/.local/share/pes-explore/models, or PES_EXPLORE_MODELS.
    """
    from explorer.potential.catalog import import_model
    from explorer.potential.mlff import parse_elements

    folder, notes = import_model(path, name, units, parse_elements(elements), reference, force)
    say(*notes)
    print(folder)


@app.command(epilog="Example: pes-explore model fetch so3lr")
def fetch(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="so3lr, the published SO3LR model (2 MB).")],
    url: Annotated[
        str | None, typer.Option(metavar="BASE", help="Address of a mirror (the repository of the authors).")
    ] = None,
    name: Annotated[str, typer.Option(metavar="NAME", help="Name of the model for --potential.")] = "so3lr",
    force: options.Force = False,
) -> None:
    """Download the published SO3LR model from its authors and import it.

    The files are those of a fixed revision of github.com/general-molecular-simulations/so3lr, with MIT licence. Each is
    checked by its sha256, and none is executed. The same command continues an interrupted download.
    """
    from explorer.potential.catalog import fetch_so3lr
    from explorer.potential.download import DEFAULT_BASE

    if model != "so3lr":
        raise typer.BadParameter(f"so3lr was wanted, received {model}; for other models: pes-explore model import")
    with counted_progress("bytes") as progress:
        folder = fetch_so3lr(name, url or DEFAULT_BASE, force, progress)
    say(f"Licence: MIT ({folder / 'LICENSE'}). Use the model by --potential {name}.")
    print(folder)


@app.command("list", epilog="Example: pes-explore model list")
def list_() -> None:
    """List the models for --potential NAME: elements, cutoff (Å), reference method and folder."""
    from explorer.potential.checkpoint import find_checkpoint, imported_checkpoints, shipped_checkpoints

    rows = [_row(name, find_checkpoint(name)) for name in (*shipped_checkpoints(), *imported_checkpoints())]
    print_table(rows, ("model", "elements", "cutoff (Å)", "reference", "folder"))


@app.command(epilog="Example: pes-explore model info default")
def info(model: Name) -> None:
    """Describe a model: folder, digest, number of parameters and hyperparameters (Å, eV)."""
    from dataclasses import asdict

    import jax

    from explorer.potential.load import read_model

    hp, params, digest, folder = read_model(model)
    n_parameters = sum(leaf.size for leaf in jax.tree.leaves(params))
    print_table([("folder", str(folder)), ("digest", digest), ("parameters", f"{n_parameters:,}")])
    print_table([(key, _short(value)) for key, value in asdict(hp).items() if value not in ("", ())])


@app.command(epilog="Example: pes-explore model calibrate mlff:run1,mlff:run2 held_out.extxyz")
def calibrate(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL", help="Name or folder of a model, or several with commas that form a committee."
        ),
    ],
    data: Annotated[Path, typer.Argument(metavar="DATA", help="Labelled frames that MODEL was not trained on.")],
    training: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Training data of MODEL (every other block of DATA).")
    ] = None,
    units: options.Units = None,
) -> None:
    """Fit the uncertainty of a model: expected force errors (eV/Å) and trust levels.

    The spread of a committee and the distance of structures from the training data predict the error. Runs with the
    same MODEL use the calibration. It is written to the folder of the model, and for a committee to the folder of
    imported models.
    """
    device.prepare_device()
    from cli.progress import staged_progress
    from explorer.workflows.calibrate import calibrate_model

    with staged_progress() as progress:
        made = calibrate_model(model, data, training, units, progress)
    say(*made.notes)
    law = made.calibration
    rows = [
        ("members", str(made.n_members)),
        ("frames of the calibration", str(law.n_frames)),
        ("rank correlation of expected and true errors", f"{law.rank_correlation:.2f}"),
        ("trusted below (eV/Å)", f"{law.error_limits[0]:.3f}"),
        ("out of distribution above (eV/Å)", f"{law.error_limits[1]:.3f}"),
    ]
    print_table(rows)
    print(made.folder)


@app.command(epilog="Example: pes-explore model check default ac-ala-nhme")
def check(
    model: Name,
    input: Annotated[
        str,
        typer.Argument(
            metavar="INPUT", help="Test molecule: PDB, XYZ, SDF or MOL file, or the name of a shipped peptide."
        ),
    ] = "ac-ala-nhme",
) -> None:
    """Compare forces with finite differences and test the symmetries of a model in float64 (eV, eV/Å, e).

    The exit code is 1 if a deviation exceeds its limit.
    """
    from cli.shipped import find_input
    from explorer.io.source import load_molecule

    molecule = load_molecule(find_input(input))
    device.prepare_device()
    from explorer.errors import CheckpointError
    from explorer.potential.verify import check_model

    checks = check_model(model, molecule)
    rows = [(c.claim, f"{c.deviation:.1e}", f"{c.limit:.1e}", c.unit, "yes" if c.passed else "NO") for c in checks]
    print_table(rows, ("test", "deviation", "limit", "unit", "passed"))
    failed = [c.claim for c in checks if not c.passed]
    if failed:
        raise CheckpointError(f"{model} fails on {molecule.name}: {'; '.join(failed)}. Do not explore with it.")


def _short(value: object) -> str:
    """Text of a hyperparameter; of a long table, how many numbers it has."""
    return f"{len(value)} numbers" if isinstance(value, tuple) and len(value) > 20 else str(value)


def _row(name: str, folder: Path) -> tuple[str, ...]:
    from ase.data import chemical_symbols

    from explorer.potential.hyperparameters import read_hyperparameters

    hp = read_hyperparameters(folder / "hyperparameters.json")
    return name, " ".join(chemical_symbols[z] for z in hp.trained_elements), f"{hp.cutoff:g}", hp.reference, str(folder)
