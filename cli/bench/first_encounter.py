"""`pes-explore bench first-encounter`: force calls until the lowest minimum of a cluster is found."""

from pathlib import Path
from typing import Annotated

import typer

from cli import device, options
from cli.output import print_table, refuse_to_overwrite, say

EXAMPLE = "Example: pes-explore bench first-encounter --seeds 20 --set hopping.n_walkers=4 --out bench"
_LJ38_ENERGY = -173.928427  # ε, lowest energy of 38 atoms; Cambridge Cluster Database


def first_encounter(
    atoms: Annotated[int, typer.Option(metavar="N", help="Atoms of the Lennard-Jones cluster.", min=3)] = 38,
    energy: Annotated[
        float, typer.Option(metavar="E", help="Energy to reach, in ε, within 1e-4; by default the lowest of 38 atoms.")
    ] = _LJ38_ENERGY,
    seeds: Annotated[int, typer.Option(metavar="N", help="Independent searches from random starts.", min=1)] = 100,
    limit: Annotated[int, typer.Option(metavar="N", help="Force calls of each search.", min=1)] = 2_000_000,
    config: options.Config = None,
    set_: options.Set = None,
    out: options.BenchOut = Path("bench"),
    force: options.Force = False,
) -> None:
    """Count force calls until a search first reaches the lowest energy of a Lennard-Jones cluster (reduced units).

    Each seed is a search from a random compact start; all its walkers count. The mean is the number of all force calls
    over the number of hits, including searches that reached the limit.
    """
    from cli.settings import new_settings

    if not force:
        refuse_to_overwrite([out / "first-encounter.json", out / "first-encounter.svg"])
    settings = new_settings(config, {"potential": "lennard-jones"}, set_)
    device.prepare_device()
    from explorer.bench.first_encounter import line, measure, rows, write

    result = measure(settings, atoms, energy, range(seeds), limit, lambda encounter: say(line(encounter)))
    print_table(rows(result))
    print(write(result, out))
