"""`pes-explore bench relax`: force calls of relaxations."""

from pathlib import Path
from typing import Annotated

import typer

from cli import device, options
from cli.output import print_table, refuse_to_overwrite, say

EXAMPLE = "Example: pes-explore bench relax ac-ala3-nhme --potential so3lr:FOLDER --peer-starts 20"


def relax(
    input: Annotated[
        str | None,
        typer.Argument(metavar="INPUT", help="A molecule: a file, or a shipped peptide."),
    ] = None,
    sequence: options.BenchSequence = None,
    potential: options.Potential = None,
    embedded: Annotated[
        bool, typer.Option("--embedded", help="Start from embeddings, not from the ends of escapes at 1000 K.")
    ] = False,
    starts: Annotated[int, typer.Option(metavar="N", help="Start structures of our relaxer.", min=1)] = 200,
    peer_starts: Annotated[
        int, typer.Option(metavar="N", help="Start structures of each other optimiser, from the same list.")
    ] = 20,
    out: options.BenchOut = Path("bench"),
    force: options.Force = False,
) -> None:
    """Count force calls from the same starts to minima: ours, ASE's FIRE2, BFGS, LBFGS, geomeTRIC, Sella.

    The other optimisers stop at 0.01 eV/Å, ours at its usual thresholds. Depths (eV) are energies above the bottom of
    the basin, where our relaxer ends in float64 at 1e-4 eV/Å. geomeTRIC and Sella are used if they can be imported.
    """
    from cli.settings import new_settings
    from cli.shipped import start_molecule

    if not force:
        refuse_to_overwrite([out / "relax.json", out / "relax.svg"])
    settings = new_settings(None, {"potential": potential}, None)
    molecule = start_molecule(input, sequence)
    device.prepare_device()
    from explorer.bench.relax import cells, measure, write

    result = measure(molecule, settings, embedded, starts, peer_starts, say)
    print_table(
        [cells(name, row) for name, row in result["optimisers"].items()],
        ("optimiser", "starts", "failed", "calls", "calls to 0.01 eV/Å", "depth (eV)", "s per structure"),
    )
    for name in result["missing"]:
        print(f"{name}: missing, it cannot be imported")
    print(f"{100 * result['share_outside_potential']:.0f} % of the time of a batch of 32 is not spent in the potential")
    print(write(result, out))
