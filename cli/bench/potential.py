"""`pes-explore bench`: how fast and how good the parts are, on this machine."""

from pathlib import Path
from typing import Annotated

import typer

from cli import device, options
from cli.output import print_table, refuse_to_overwrite, say

app = typer.Typer(no_args_is_help=True, help="Measure the parts of the program on this machine.")
Model = Annotated[
    str,
    typer.Argument(metavar="MODEL", help="default, a shipped or imported model, a checkpoint folder, so3lr:FOLDER."),
]
Out = Annotated[Path, typer.Option(metavar="DIR", help="For the figures (JSON) and a picture (SVG).")]


@app.command(epilog="Example: pes-explore bench potential so3lr:FOLDER --out bench --atoms 22,42 --batch 1,32")
def potential(
    model: Model = "default",
    out: Out = Path("bench"),
    atoms: Annotated[str, typer.Option(metavar="N,...", help="Sizes of the peptides.")] = "22,42,102,162,281",
    batch: Annotated[str, typer.Option(metavar="B,...", help="Structures at a time.")] = "1,8,32,128",
    force: options.Force = False,
) -> None:
    """Time force calls (ms per structure) by size and batch, with the share of the machine's matrix product peak.

    "exact" evaluates the filter networks of a model, "fast" their common basis. Where the model has filter
    networks it is also compared with their straightforward evaluation, in turns. About ten minutes.
    """
    sizes, batches = _numbers(atoms), _numbers(batch)
    if not force:
        refuse_to_overwrite([out / "potential.json", out / "potential.svg"])
    device.prepare_device()
    from explorer.bench.potential import Timing, measure, write

    rows: list[tuple[str, ...]] = []

    def report(timing: Timing) -> None:
        kind = "exact" if timing.exact else "fast"
        share = f"{100 * timing.share_of_peak:.0f} %"
        rows.append((str(timing.n_atoms), str(timing.batch), kind, f"{timing.milliseconds:.3f}", share))
        say("  ".join(rows[-1]))

    result = measure(model, sizes, batches, report)
    print_table(rows, ("atoms", "batch", "filters", "ms per structure", "share of peak"))
    against = result["straightforward"]
    if against is not None:
        print(f"{against['ratio_median']:.1f} times faster than the straightforward evaluation (42 atoms, batch of 32)")
    print(write(result, out))


@app.command(epilog="Example: pes-explore bench relax ac-ala3-nhme --potential so3lr:FOLDER --peer-starts 20")
def relax(
    input: Annotated[
        str | None,
        typer.Argument(metavar="INPUT", help="A molecule: a file, or a shipped peptide."),
    ] = None,
    sequence: Annotated[str | None, typer.Option(metavar="S", help="Or the one-letter sequence of a peptide.")] = None,
    potential: options.Potential = None,
    embedded: Annotated[
        bool, typer.Option("--embedded", help="Start from embeddings, not from the ends of escapes at 1000 K.")
    ] = False,
    starts: Annotated[int, typer.Option(metavar="N", help="Structures for our relaxer.", min=1)] = 200,
    peer_starts: Annotated[int, typer.Option(metavar="N", help="Of these, how many for each of the others.")] = 20,
    out: Out = Path("bench"),
    force: options.Force = False,
) -> None:
    """Count force calls from the same starts to minima: ours, ASE's FIRE2, BFGS, LBFGS, geomeTRIC, Sella.

    The others stop at 0.01 eV/Å, ours at its usual thresholds. Depths (eV) are above the bottom of the basin, where
    our relaxer ends in float64 at 1e-4 eV/Å. geomeTRIC and Sella count where they can be imported.
    """
    from cli.settings import new_settings
    from cli.shipped import find_input
    from explorer.io.source import load_molecule

    if not force:
        refuse_to_overwrite([out / "relax.json", out / "relax.svg"])
    settings = new_settings(None, {"potential": potential}, None)
    molecule = load_molecule(find_input(input) if input else None, None, sequence)
    device.prepare_device()
    from explorer.bench.relax import cells, measure, write

    result = measure(molecule, settings, embedded, starts, peer_starts, say)
    print_table(
        [cells(name, row) for name, row in result["optimisers"].items()],
        ("optimiser", "starts", "failed", "calls", "calls to 0.01 eV/Å", "depth (eV)", "s per structure"),
    )
    for name in result["missing"]:
        print(f"{name}: missing, it cannot be imported here")
    print(f"{100 * result['share_outside_potential']:.0f} % of the time of a batch of 32 is not the potential's")
    print(write(result, out))


def _numbers(text: str) -> tuple[int, ...]:
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdigit() and int(part) > 0 for part in parts):
        raise typer.BadParameter(
            f"whole numbers with commas between them were wanted, such as 22,42; received {text!r}"
        )
    return tuple(int(part) for part in parts)
