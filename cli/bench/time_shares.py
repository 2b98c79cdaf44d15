"""`pes-explore bench time-shares`: shares of the time of a search."""

from pathlib import Path
from typing import Annotated

import typer

from cli import device, options
from cli.output import print_table, refuse_to_overwrite

EXAMPLE = "Example: pes-explore bench time-shares ac-ala3-nhme --walkers 64 --out bench"
_HEADER = ("part", "ms per force call", "share of the time")


def time_shares(
    input: options.BenchInput = None,
    sequence: options.BenchSequence = None,
    potential: options.Potential = None,
    walkers: Annotated[int, typer.Option(metavar="N", help="Number of walkers.", min=1)] = 16,
    rounds: Annotated[
        int, typer.Option(metavar="N", help="Rounds of the search; the first 40 % do not count.", min=1)
    ] = 300,
    out: options.BenchOut = Path("bench"),
    force: options.Force = False,
) -> None:
    """Measure the time of the parts of a search: potential, algebra, committee, host.

    In a run the host works while the device computes the next round. Here they take turns, so that each part has its
    own time. Other programs on the machine change the figures.
    """
    from cli.settings import new_settings
    from cli.shipped import start_molecule

    if not force:
        refuse_to_overwrite([out / f"time-shares-{walkers}.json"])
    settings = new_settings(None, {"potential": potential, "hopping.n_walkers": walkers}, None)
    molecule = start_molecule(input, sequence)
    device.prepare_device()
    from cli.progress import staged_progress
    from explorer.bench.time_shares import measure, rows, write

    with staged_progress() as progress:
        result = measure(molecule, settings, rounds, progress)
    print_table(rows(result), _HEADER)
    print(write(result, out))
