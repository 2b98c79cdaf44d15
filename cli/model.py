"""`pes-explore model`: import, list, describe and check models."""

from pathlib import Path
from typing import Annotated

import typer

from cli import device, options
from cli.output import print_table

EXAMPLE = "Example: pes-explore model import path/to/so3lr --name so3lr"
app = typer.Typer(no_args_is_help=True, help="Import the published SO3LR model; list, describe and check models.")
Name = Annotated[
    str,
    typer.Argument(
        metavar="MODEL", help="default, a name from pes-explore model list, a checkpoint folder, or so3lr:FOLDER."
    ),
]


@app.command("import", epilog=EXAMPLE)
def import_(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="Folder with params.pkl and hyperparameters.json.")],
    name: Annotated[str, typer.Option(metavar="NAME", help="Name of the model for --potential.")] = "so3lr",
    force: options.Force = False,
) -> None:
    """Import the published SO3LR model as a checkpoint in your folder of models.

    No code of the files is executed. The folder is ~/.local/share/pes-explore/models, or PES_EXPLORE_MODELS.
    """
    from explorer.potential.catalog import import_so3lr

    print(import_so3lr(path, name, force))


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
    print_table([(key, str(value)) for key, value in asdict(hp).items() if value not in ("", ())])


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


def _row(name: str, folder: Path) -> tuple[str, ...]:
    from ase.data import chemical_symbols

    from explorer.potential.hyperparameters import read_hyperparameters

    hp = read_hyperparameters(folder / "hyperparameters.json")
    return name, " ".join(chemical_symbols[z] for z in hp.trained_elements), f"{hp.cutoff:g}", hp.reference, str(folder)
