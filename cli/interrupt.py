"""Ctrl-C: the first one stops after the round or batch, the second one at once."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event


@contextmanager
def stop_on_interrupt(what: str = "round") -> Iterator[Callable[[], bool]]:
    """Gives a function that says whether the work should end; every finished round or batch is in the store by then."""
    stopping = Event()

    def handle(signum: int, frame: object) -> None:
        if stopping.is_set():
            raise KeyboardInterrupt
        stopping.set()
        # print() may be interrupted in the middle of itself by this handler; a plain write may not
        os.write(2, f"\nStopping after this {what}; press Ctrl-C again to stop at once.\n".encode())

    previous = signal.signal(signal.SIGINT, handle)
    try:
        yield stopping.is_set
    finally:
        signal.signal(signal.SIGINT, previous)
