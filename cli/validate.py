"""`pes-explore validate`: a run's minima with a reference method, and dynamics that test its model."""

from typing import TYPE_CHECKING, Annotated

import typer

from cli import options
from cli.device import prepare_device
from cli.interrupt import stop_on_interrupt
from cli.output import print_summary, print_table, say
from cli.progress import counted_progress

if TYPE_CHECKING:
    from explorer.workflows.session import Session

EXAMPLE = "Example: pes-explore validate runs/aaa --reference gfn2 --n 20 --stability 20"


def validate(
    run: options.RunFolder,
    reference: Annotated[
        str | None,
        typer.Option(
            metavar="R",
            help="gfn2 (GFN2-xTB, unless only --stability is given), or ase:package.module:Class, any ASE calculator.",
            show_default=False,
        ),
    ] = None,
    n: Annotated[int, typer.Option("--n", metavar="N", min=1, help="Minima to take, spread over the energies.")] = 20,
    stability: Annotated[
        float | None,
        typer.Option(metavar="PS", min=0.001, help="Follow dynamics from the lowest conformer for so many ps."),
    ] = None,
) -> None:
    """Relax minima of a run with a reference method and see which stay, or test the model by dynamics.

    Printed and put into the report: how many stay the same conformer, RMSD of the heavy atoms (Å) and relative
    energies on both surfaces (eV); with --stability, for dynamics at constant energy and with a thermostat at 300 and
    500 K, six of each, the time to the first broken bond, mean temperature (K) and drift of the energy (meV per atom
    and ps). Ctrl-C ends the dynamics and keeps how far they came.
    """
    from explorer.workflows.session import Session

    session = Session.open(run)  # a missing run is refused before the device is prepared
    prepare_device()
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
    print_table(rows, ("minimum", "stayed", "RMSD (Å)", "energy (eV)", f"{reference} (eV)"))


def _by_dynamics(session: "Session", picoseconds: float) -> None:
    from explorer.records.trajectories import StabilitySettings
    from explorer.report.stability import STABILITY_COLUMNS, stability_rows
    from explorer.workflows.stability import follow_run

    with stop_on_interrupt("block") as stop, counted_progress("blocks of 0.1 ps") as progress:
        trajectories = follow_run(session, StabilitySettings(picoseconds=picoseconds), progress, stop)
    if not trajectories:
        say("Stopped before the end of the equilibration (1 ps): nothing was kept.")
    print_table(stability_rows(trajectories), STABILITY_COLUMNS)
