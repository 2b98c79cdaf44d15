"""`pes-explore certify`: are the minima of a run minima? Their Hessians say so."""

from typing import Annotated

import typer

from cli import options
from cli.device import prepare_device
from cli.interrupt import stop_on_interrupt
from cli.output import print_summary, print_table, say, write_results
from cli.progress import counted_progress

EXAMPLE = "Example: pes-explore certify runs/aaa --full 20 --temperature 310"
N_SHOWN = 20  # lowest minima in the table; what is no minimum is listed wherever it lies


def certify(
    run: options.RunFolder,
    full: Annotated[
        int,
        typer.Option(
            metavar="N", min=0, help="Compute all vibrations, and so free energies, of the N lowest conformers."
        ),
    ] = 10,
    temperature: Annotated[
        float | None, typer.Option(metavar="K", min=1.0, help="Of the free energies, K (that of the run: 300).")
    ] = None,
) -> None:
    """Test the minima of a run by their Hessians, in float64.

    Each is relaxed to 1e-4 eV/Å; one whose softest vibration is imaginary beyond 10 cm⁻¹ is pushed off both ways
    and kept as a saddle. Printed, stored and put into the report: verdicts, wave numbers (cm⁻¹), zero-point and
    free energies (kcal/mol). Ctrl-C keeps what is done; a second call goes on, or adds what a larger N asks for.
    """
    from explorer.store.read import read_run

    folder = options.folder_of(run)
    read_run(folder)  # a run that is missing is refused before the device is prepared
    prepare_device()
    from explorer.report.certification import header, listed_minima
    from explorer.report.view import View
    from explorer.workflows.certify import certify_run

    with stop_on_interrupt("batch") as stop, counted_progress("minima") as progress:
        n_left = certify_run(folder, full, progress, stop)
    if n_left:
        say(f"{n_left} minima are left: call the command again to go on.")
    record = read_run(folder)
    kelvin = temperature or record.config["temperature"]
    print_table(listed_minima(View(record), kelvin, N_SHOWN), header(kelvin))
    print_summary(record, write_results(record, folder, kelvin))
