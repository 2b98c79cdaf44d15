"""`pes-explore bench potential`: time of a force call."""

from pathlib import Path
from typing import Annotated

import typer

from cli import device, options
from cli.output import print_table, refuse_to_overwrite, say

EXAMPLE = "Example: pes-explore bench potential so3lr:FOLDER --out bench --atoms 22,42 --batch 1,32"
Model = Annotated[
    str,
    typer.Argument(metavar="MODEL", help="default, a shipped or imported model, a checkpoint folder, or so3lr:FOLDER."),
]


def potential(
    model: Model = "default",
    out: options.BenchOut = Path("bench"),
    atoms: Annotated[
        str, typer.Option(metavar="N,...", help="Numbers of atoms of the peptides.")
    ] = "22,42,102,162,281",
    batch: Annotated[str, typer.Option(metavar="B,...", help="Structures in a batch.")] = "1,8,32,128",
    force: options.Force = False,
) -> None:
    """Time force calls (ms per structure) by size and batch, with the share of the machine's matrix product peak.

    "exact" evaluates the filter networks of a model, "fast" their common basis. A model with filter networks is also
    compared with their straightforward evaluation, in turns. This takes about ten minutes.
    """
    sizes, batches = _numbers(atoms), _numbers(batch)
    if not force:
        refuse_to_overwrite([out / "potential.json", out / "potential.svg"])
    device.prepare_device()
    from explorer.bench.potential import Timing, measure, write

    rows: list[tuple[str, ...]] = []

    def report(timing: Timing) -> None:
        filters = "exact" if timing.exact else "fast"
        share = f"{100 * timing.share_of_peak:.0f} %"
        rows.append((str(timing.n_atoms), str(timing.batch), filters, f"{timing.milliseconds:.3f}", share))
        say("  ".join(rows[-1]))

    result = measure(model, sizes, batches, report)
    print_table(rows, ("atoms", "batch", "filters", "ms per structure", "share of peak"))
    against = result["straightforward"]
    if against is not None:
        print(f"{against['ratio_median']:.1f} times faster than the straightforward evaluation (42 atoms, batch of 32)")
    print(write(result, out))


def _numbers(text: str) -> tuple[int, ...]:
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdigit() and int(part) > 0 for part in parts):
        raise typer.BadParameter(f"wanted whole numbers with commas between them, such as 22,42; received {text!r}")
    return tuple(int(part) for part in parts)
