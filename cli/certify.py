"""`pes-explore certify`: certification of the minima of a run by their Hessians."""

from typing import Annotated

import typer

from cli import options
from cli.device import prepare_device
from cli.interrupt import stop_on_interrupt
from cli.output import print_summary, print_table, say
from cli.progress import counted_progress
from explorer.wording import counted

EXAMPLE = "Example: pes-explore certify runs/aaa --full 20 --temperature 310"
N_SHOWN = 20  # number of lowest minima in the table; structures that are not minima are always listed; not tuned


def certify(
    run: options.RunFolder,
    full: Annotated[
        int,
        typer.Option(metavar="N", min=0, help="Compute all vibrations and free energies of the N lowest conformers."),
    ] = 10,
    temperature: Annotated[
        float | None,
        typer.Option(metavar="K", min=1.0, help="Temperature of the free energies, K (that of the run: 300)."),
    ] = None,
) -> None:
    """Test with Hessians which stored structures are minima, in float64.

    Each structure is relaxed to 1e-4 eV/Å. If its softest vibration is imaginary beyond 10 cm⁻¹, it is stored as a
    saddle point, displaced in both directions and relaxed to the adjacent minima. The command prints and stores types,
    wavenumbers (cm⁻¹), zero-point and free energies (kcal/mol), and adds them to the report. Ctrl-C keeps the finished
    minima. Repeat the command to continue, or to compute all vibrations of more conformers.
    """
    from explorer.workflows.session import Session

    with Session.open(run, writing=True) as session:  # fails for a missing run before the device is prepared
        prepare_device()
        n = len(session.record.minima)
        say(
            f"Certifying {counted(n, 'minimum', 'minima')}. The first results take a minute, for programs are compiled."
        )
        from explorer.report.certification import certified_minima_header, listed_minima
        from explorer.workflows.certify import certify_run
        from explorer.workflows.outputs import write_results

        with stop_on_interrupt("batch") as stop, counted_progress("minima") as progress:
            n_left = certify_run(session, full, progress, stop)
        if n_left:
            say(f"Left to certify: {counted(n_left, 'minimum', 'minima')}. Repeat the command to continue.")
        outputs = write_results(session.record, session.folder, temperature or 0.0)
        print_table(listed_minima(outputs.analysis, N_SHOWN), certified_minima_header(outputs.analysis))
        print_summary(outputs)
