"""Results at the end of a command, with progress."""

from typing import TYPE_CHECKING

from cli.interrupt import stop_on_interrupt
from cli.output import say
from cli.progress import staged_progress

if TYPE_CHECKING:
    from explorer.workflows.outputs import Outputs
    from explorer.workflows.session import Session


def write_with_progress(session: "Session", is_urgent: bool) -> "Outputs":
    """Compare a run with its training data where that is missing, and write all its files.

    Args:
        session: The run.
        is_urgent: Whether to leave out the comparison from the start; Ctrl-C leaves it out later.
    """
    from explorer.workflows.results import write_outputs

    say("Writing the report." if is_urgent else "Comparing with the training data and writing the report.")
    leave_out = "Leaving out the comparison with the training data"
    with stop_on_interrupt(action=leave_out) as stop, staged_progress() as progress:
        return write_outputs(session, progress, lambda: is_urgent or stop())
