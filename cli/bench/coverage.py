"""`pes-explore bench coverage`: test of the 95 % interval for the number of minima."""

from pathlib import Path
from typing import Annotated

import typer

from cli import device, options
from cli.output import print_table, refuse_to_overwrite, say

EXAMPLE = "Example: pes-explore bench coverage 8 --seeds 100 --out bench"
_OBSERVATIONS = (50, 100)  # numbers of hops that ended in a minimum, after which the estimate is taken; not tuned


def coverage(
    atoms: Annotated[
        int, typer.Argument(metavar="N", help="Atoms of the Lennard-Jones cluster, 7 to 10.", min=7, max=10)
    ],
    seeds: Annotated[int, typer.Option(metavar="N", help="Independent searches from random starts.", min=1)] = 100,
    config: options.Config = None,
    set_: options.Set = None,
    out: options.BenchOut = Path("bench"),
    force: options.Force = False,
) -> None:
    """Count searches of a Lennard-Jones cluster whose 95 % interval holds the true number of minima.

    Each seed is a search from a random compact start; its estimate is taken after 50 and after 100 observations.
    """
    from cli.settings import new_settings

    if not force:
        refuse_to_overwrite([out / f"coverage-lj{atoms}.json"])
    settings = new_settings(config, {"potential": "lennard-jones"}, set_)
    device.prepare_device()
    from explorer.bench.coverage import measure, rows, write

    result = measure(settings, atoms, range(seeds), _OBSERVATIONS, lambda seed: say(f"seed {seed} done"))
    print_table(rows(result))
    print(write(result, out))
