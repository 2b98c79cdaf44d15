"""Time limit of a call of foreign code, which Python cannot stop."""

from collections.abc import Callable
from threading import Thread
from typing import Any


def within_time(call: Callable[[], Any], seconds: float) -> Any:
    """Return the result of a call, or raise what it raises.

    A call that takes longer is left behind: it goes on in a thread that ends with the process at the latest.

    Args:
        call: Function without arguments.
        seconds: Time limit, s; 0 for none, and then the call runs in this thread.

    Raises:
        TimeoutError: If there is no result within the time limit.
    """
    if not seconds:
        return call()
    outcome: list[tuple[Any, BaseException | None]] = []

    def run() -> None:
        try:
            outcome.append((call(), None))
        except BaseException as error:  # SystemExit too: it is raised where the result is wanted
            outcome.append((None, error))

    thread = Thread(target=run, name="calculation", daemon=True)
    thread.start()
    thread.join(seconds)
    if not outcome:
        raise TimeoutError(f"no result within {seconds:g} s")
    result, error = outcome[0]
    if error is not None:
        raise error
    return result
