"""`pes-explore bench recall`: recall of another program's ensemble by our search."""

from pathlib import Path
from typing import Annotated

import typer

from cli import device, options
from cli.output import print_table, refuse_to_overwrite

EXAMPLE = "Example: pes-explore bench recall crest_conformers.xyz --potential so3lr:FOLDER --evaluations 65000"


def recall(
    ensemble: Annotated[Path, typer.Argument(metavar="ENSEMBLE", help="XYZ, SDF or PDB file with conformers.")],
    potential: options.Potential = None,
    evaluations: Annotated[int, typer.Option(metavar="N", help="Force calls of the search.", min=100)] = 30_000,
    window: options.Window = "3kcal",
    seed: Annotated[int, typer.Option(metavar="S", help="Seed of the embedding and of the search.", min=0)] = 0,
    moves: options.Moves = None,
    out: options.BenchOut = Path("bench"),
    force: options.Force = False,
) -> None:
    """Search from a random embedding, then count which conformers of an ensemble were found, and when.

    Both are relaxed to 1e-4 eV/Å in float64 on one surface. Conformers of the ensemble up to 3 kcal/mol (--window)
    above the lowest one of both count.
    """
    from cli.settings import new_settings

    energy = options.energy(window) or 0.0
    if not force:
        refuse_to_overwrite([out / "recall.json", out / "recall.svg"])
    settings = new_settings(None, {"potential": potential, "seed": seed, "hopping.moves": moves}, None)
    device.prepare_device()
    from cli.progress import staged_progress
    from explorer.bench.recall import measure, rows, write

    with staged_progress() as progress:
        result = measure(ensemble, settings, evaluations, energy, progress)
    print_table(rows(result))
    print(write(result, out))
