"""`pes-explore validate`: minima of a run re-relaxed with a reference method."""

from typing import Annotated

import typer

from cli import options
from cli.device import prepare_device
from cli.output import print_summary, print_table, write_results
from cli.progress import counted_progress

EXAMPLE = "Example: pes-explore validate runs/aaa --reference gfn2 --n 20"


def validate(
    run: options.RunFolder,
    reference: Annotated[
        str, typer.Option(metavar="R", help="gfn2 (GFN2-xTB), or ase:package.module:Class, any ASE calculator.")
    ] = "gfn2",
    n: Annotated[int, typer.Option("--n", metavar="N", min=1, help="Minima to take, spread over the energies.")] = 20,
) -> None:
    """Relax minima of a run with a reference method and see which stay.

    Printed and put into the report: how many stay the same conformer, RMSD of the heavy atoms (Å) and
    relative energies on both surfaces (eV).
    """
    from explorer.store.read import read_run

    folder = options.folder_of(run)
    read_run(folder)  # a run that is missing is refused before the device is prepared
    prepare_device()
    from explorer.assess import validate_run

    with counted_progress("minima") as progress:
        result = validate_run(folder, reference, n, progress)
    columns = (result.ids, result.stayed, result.rmsd, result.energy, result.reference_energy)
    rows = [
        (str(i), "yes" if s else "no", f"{r:.3f}", f"{e:.3f}", f"{q:.3f}")
        for i, s, r, e, q in zip(*columns, strict=True)
    ]
    print_table(rows, ("minimum", "stayed", "RMSD (Å)", "energy (eV)", f"{reference} (eV)"))
    record = read_run(folder)
    print_summary(record, write_results(record, folder))
