"""`pes-explore validate`: validation of a run with a reference method, and stability test by dynamics."""

from typing import TYPE_CHECKING, Annotated

import typer

from cli import options
from cli.device import prepare_device
from cli.interrupt import stop_on_interrupt
from cli.output import print_summary, print_table, say
from cli.progress import counted_progress
from explorer.wording import counted

if TYPE_CHECKING:
    from explorer.workflows.session import Session

EXAMPLE = "Example: pes-explore validate runs/aaa --reference gfn2 --n 20 --stability 20"


def validate(
    run: options.RunFolder,
    reference: Annotated[
        str | None,
        typer.Option(
            metavar="R",
            help="Reference method: gfn2 (GFN2-xTB), so3lr:FOLDER (the published SO3LR model) or "
            "ase:package.module:Class, an ASE calculator (gfn2; none with --stability).",
            show_default=False,
        ),
    ] = None,
    n: Annotated[
        int, typer.Option("--n", metavar="N", min=1, help="Number of minima, spread over the energy range.")
    ] = 20,
    stability: Annotated[
        float | None,
        typer.Option(
            metavar="PS", min=0.001, help="Length of the stability test, ps: dynamics from the lowest conformer."
        ),
    ] = None,
) -> None:
    """Relax minima of a run with a reference method, or test the stability of the model in dynamics.

    With a reference method, the command prints which minima remain the same conformer, heavy-atom RMSD (Å) and relative
    energies of model and reference (eV). With --stability, it runs six trajectories each at constant energy and with a
    thermostat, at 300 and 500 K. It prints the time to the first bond change (ps), the mean temperature (K) and the
    energy drift (meV/atom/ps). All results are added to the report. Ctrl-C ends the dynamics and keeps the results.
    """
    from explorer.workflows.session import Session

    with Session.open(run, writing=True) as session:  # fails for a missing run before the device is prepared
        prepare_device()
        what = (
            f"the relaxation of {counted(n, 'minimum', 'minima')} with {reference or 'gfn2'}"
            if reference or stability is None
            else "dynamics"
        )
        say(f"Preparing {what}. The first results take a minute where programs are compiled.")
        from explorer.workflows.outputs import write_results

        if reference or stability is None:
            _with_reference(session, reference or "gfn2", n)
        if stability is not None:
            _by_dynamics(session, stability)
        print_summary(write_results(session.record, session.folder))


def _with_reference(session: "Session", reference: str, n: int) -> None:
    from explorer.workflows.validate import validate_run

    with counted_progress("minima") as progress:
        result = validate_run(session, reference, n, progress)
    columns = (result.ids, result.stayed, result.rmsd, result.energy, result.reference_energy)
    rows = [
        (str(i), "yes" if s else "no", f"{r:.3f}", f"{e:.3f}", f"{q:.3f}")
        for i, s, r, e, q in zip(*columns, strict=True)
    ]
    print_table(rows, ("minimum", "same conformer", "RMSD (Å)", "model energy (eV)", f"{result.reference} energy (eV)"))


def _by_dynamics(session: "Session", picoseconds: float) -> None:
    from explorer.records.trajectories import StabilitySettings
    from explorer.report.stability import STABILITY_COLUMNS, stability_rows
    from explorer.workflows.stability import follow_run

    with stop_on_interrupt("block") as stop, counted_progress("blocks of 0.1 ps") as progress:
        trajectories = follow_run(session, StabilitySettings(picoseconds=picoseconds), progress, stop)
    if not trajectories:
        say("Stopped before the end of the equilibration (1 ps); nothing was kept.")
    print_table(stability_rows(trajectories), STABILITY_COLUMNS)
