"""`pes-explore connect`: transition states between the minima of a run."""

from typing import Annotated

import typer

from cli import options
from cli.device import prepare_device
from cli.interrupt import stop_on_interrupt
from cli.output import print_summary, print_table, say
from cli.progress import connection_progress
from cli.results import write_with_progress
from explorer.errors import ConfigError
from explorer.units import parse_energy

EXAMPLE = "Example: pes-explore connect runs/aaa --window 8kcal --time-limit 10"
ON_INTERRUPT = "Finishing the attempts that have begun"
N_SHOWN = 20  # number of lowest transition states in the table; not tuned


def connect(
    run: options.RunFolder,
    window: Annotated[
        str | None,
        typer.Option(
            metavar="ENERGY",
            help="Connect the minima within this energy above the lowest, such as 8kcal, 33kJ or 0.35eV (all minima).",
        ),
    ] = None,
    between: Annotated[
        str | None, typer.Option(metavar="A,B", help="Connect the minima with these two ids, and no others.")
    ] = None,
    rotors: Annotated[bool, typer.Option("--rotors", help="Search for the turns of methyl groups too.")] = False,
    max_evaluations: Annotated[
        int, typer.Option(metavar="N", min=0, help="Limit of force calls of this command; 0: none (0).")
    ] = 0,
    time_limit: Annotated[
        float, typer.Option(metavar="MIN", min=0.0, help="Time limit of this command, minutes; 0: none (0).")
    ] = 0.0,
) -> None:
    """Find transition states between the minima of a run, in float64.

    Each is refined to 2e-3 eV/Å. It must have exactly one imaginary vibration beyond 10 cm⁻¹, and descents in
    both directions must reach minima. New minima are added to the run. The command prints energies (kcal/mol above the
    lowest minimum), imaginary wavenumbers (cm⁻¹) and the minima on both sides. Repeat it to continue. Limits are
    exceeded by about one attempt. Ctrl-C finishes and keeps the attempts that have begun.
    """
    from explorer.workflows.session import Session

    pair = _pair(between)
    width = parse_energy(window, "--window") if window else 0.0
    with Session.open(run, writing=True) as session:  # fails for a missing run before the device is prepared
        prepare_device()
        from explorer.saddles.connect import ConnectTask
        from explorer.workflows.connect import ConnectBudget, connect_run

        task = ConnectTask(window=width, between=pair, rotors=rotors)
        budget = ConnectBudget(minutes=time_limit, evaluations=max_evaluations)
        compared = session.record.comparison
        with stop_on_interrupt(action=ON_INTERRUPT) as stop, connection_progress() as progress:
            reason = connect_run(session, task, budget, progress, stop)
        say(f"Ended: {reason}.")
        outputs = write_with_progress(session, stop.is_urgent)
        now = session.record.comparison
        if compared is not None and (now is None or now.source != compared.source):
            what = f"The comparison with {compared.source}"
            say(f"{what} lacks the new minima and was removed. Repeat pes-explore compare.")
        from explorer.analysis.connections import TRANSITION_STATE_COLUMNS, transition_state_rows

        print_table(transition_state_rows(session.record, N_SHOWN), TRANSITION_STATE_COLUMNS)
        print_summary(outputs)


def _pair(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    parts = text.split(",")
    if len(parts) != 2 or not all(part.strip().isdecimal() for part in parts):
        raise ConfigError(f"--between takes two ids of minima with a comma, such as 0,7; received {text!r}.")
    first, second = (int(part) for part in parts)
    return first, second
