"""`pes-explore bench search`: force calls per true distinct minimum."""

from pathlib import Path
from typing import Annotated

import typer

from cli import device, options
from cli.output import print_table, refuse_to_overwrite, say

EXAMPLE = "Example: pes-explore bench search ac-ala3-nhme --evaluations 30000 --out bench"


def search(
    input: options.BenchInput = None,
    sequence: options.BenchSequence = None,
    potential: options.Potential = None,
    evaluations: Annotated[int, typer.Option(metavar="N", help="Force calls of each search.", min=100)] = 30_000,
    seeds: Annotated[
        int, typer.Option(metavar="N", help="Searches of ours, and as many of our hopping alone.", min=1)
    ] = 3,
    peer_seeds: Annotated[int, typer.Option(metavar="N", help="Searches of ASE's minima hopping.", min=0)] = 3,
    moves: options.Moves = None,
    out: options.BenchOut = Path("bench"),
    force: options.Force = False,
) -> None:
    """Count force calls per true distinct minimum: ours, our hopping alone, ASE's minima hopping, from one start.

    All claimed minima are relaxed to 1e-4 eV/Å in float64, tested by their softest vibration and compared; a
    duplicate, a saddle or another molecule does not count. The table shows medians over searches.
    """
    from cli.settings import new_settings
    from cli.shipped import start_molecule

    if not force:
        refuse_to_overwrite([out / "search.json", out / "search.svg"])
    settings = new_settings(None, {"potential": potential, "hopping.moves": moves}, None)
    molecule = start_molecule(input, sequence)
    device.prepare_device()
    from explorer.bench.search import SEARCH_HEADER, cells, measure, write

    result = measure(molecule, settings, evaluations, seeds, peer_seeds, say)
    print_table([(name, *cells(rows)) for name, rows in result["programs"].items()], SEARCH_HEADER)
    print(write(result, out))
