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

EXAMPLE = "Example: pes-explore validate runs/aaa --reference so3lr --n 20 --stability 20"


def validate(
    run: options.RunFolder,
    reference: Annotated[
        str | None,
        typer.Option(
            metavar="R",
            help="Reference method: gfn2 (GFN2-xTB), so3lr or so3lr:FOLDER (the published SO3LR model) or "
            "ase:package.module:Class, an ASE calculator (that of the model or gfn2; none with --stability alone).",
            show_default=False,
        ),
    ] = None,
    n: Annotated[
        int,
        typer.Option(
            "--n",
            metavar="N",
            min=1,
            help="Number of minima, spread over the energy range, or of transition states, from the lowest.",
        ),
    ] = 20,
    saddles: Annotated[
        bool, typer.Option("--saddles", help="Refine transition states with the reference method, not minima.")
    ] = False,
    stability: Annotated[
        float | None,
        typer.Option(
            metavar="PS", min=0.001, help="Length of the stability test, ps: dynamics from the lowest conformer."
        ),
    ] = None,
) -> None:
    """Test a run with a reference method, or the stability of the model in dynamics.

    With a reference method, the command relaxes minima and prints which remain the same conformer, heavy-atom RMSD (Å)
    and relative energies of model and reference (eV). Only the reference of the training data tests the model, see
    pes-explore model list; another one compares two methods. With --saddles, it refines the lowest of the transition
    states that limit a path, relaxes their minima, and prints the barriers of both methods (kcal/mol). With
    --stability, it runs six trajectories each at constant energy and with a thermostat, at 300 and 500 K. It prints the
    time to the first bond change (ps), the mean temperature (K) and the energy drift (meV/atom/ps). All results are
    added to the report. Ctrl-C ends the refinements or the dynamics and keeps the results.
    """
    from explorer.workflows.session import Session

    with Session.open(run, writing=True) as session:  # fails for a missing run before the device is prepared
        prepare_device()
        by_reference = saddles or reference is not None or stability is None
        points = f"the refinement of {counted(n, 'transition state')}" if saddles else ""
        points = points or f"the relaxation of {counted(n, 'minimum', 'minima')}"
        if by_reference and reference is None:
            from explorer.workflows.validate import own_reference

            reference = own_reference(session)
        what = f"{points} with {reference}" if by_reference else "dynamics"
        say(f"Preparing {what}. The first results take a minute where programs are compiled.")
        from explorer.workflows.outputs import write_results

        if reference is not None:
            (_barriers if saddles else _with_reference)(session, reference, n)
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


def _barriers(session: "Session", reference: str, n: int) -> None:
    from explorer.analysis.saddle_validation import SADDLE_VALIDATION_COLUMNS, saddle_validation_rows
    from explorer.workflows.validate_saddles import validate_saddles

    with stop_on_interrupt("refinement") as stop, counted_progress("transition states") as progress:
        validate_saddles(session, reference, n, progress, stop)
    print_table(saddle_validation_rows(session.record), SADDLE_VALIDATION_COLUMNS)


def _by_dynamics(session: "Session", picoseconds: float) -> None:
    from explorer.records.trajectories import StabilitySettings
    from explorer.report.stability import STABILITY_COLUMNS, stability_rows
    from explorer.workflows.stability import follow_run

    with stop_on_interrupt("block") as stop, counted_progress("blocks of 0.1 ps") as progress:
        trajectories = follow_run(session, StabilitySettings(picoseconds=picoseconds), progress, stop)
    if not trajectories:
        say("Stopped before the end of the equilibration (1 ps); nothing was kept.")
    print_table(stability_rows(trajectories), STABILITY_COLUMNS)
