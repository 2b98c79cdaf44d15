"""Handling of Ctrl-C: the first one stops after the current round or batch, the second one immediately."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event


@contextmanager
def stop_on_interrupt(what: str = "round") -> Iterator[Callable[[], bool]]:
    """Provide a function that returns whether the user has pressed Ctrl-C.

    Args:
        what: Unit of work that is finished first, for the message.

    Raises:
        KeyboardInterrupt: When the user presses Ctrl-C again.
    """
    stopping = Event()

    def handle(signum: int, frame: object) -> None:
        if stopping.is_set():
            raise KeyboardInterrupt
        stopping.set()
        # this handler may interrupt print(), which is not reentrant
        os.write(2, f"\nStopping after this {what}; press Ctrl-C again to stop immediately.\n".encode())

    previous = signal.signal(signal.SIGINT, handle)
    try:
        yield stopping.is_set
    finally:
        signal.signal(signal.SIGINT, previous)
