"""Handling of Ctrl-C and of the signals of schedulers and terminals: work stops where its results can be written."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_WITH_TIME_LIMIT = (signal.SIGTERM, signal.SIGHUP)  # a scheduler or a closed terminal; SIGKILL may follow soon


class StopRequest:
    """Whether the user, a scheduler or the terminal has asked to stop; calling it returns the answer.

    Attributes:
        is_urgent: Whether the process may soon be killed, so that only what is needed should still be done.
    """

    def __init__(self) -> None:
        self._is_stopping = False
        self.is_urgent = False

    def __call__(self) -> bool:
        return self._is_stopping

    def ask(self, signum: int) -> None:
        """Note a signal."""
        self._is_stopping, self.is_urgent = True, self.is_urgent or signum in _WITH_TIME_LIMIT


@contextmanager
def stop_on_interrupt(what: str = "round", action: str = "") -> Iterator[StopRequest]:
    """Provide a function that returns whether the work is to stop, after Ctrl-C, SIGTERM or SIGHUP.

    Args:
        what: Unit of work that is finished first, for the message.
        action: What is done instead of finishing a unit, for the message.

    Raises:
        SystemExit: With code 130 when the user presses Ctrl-C again. SIGTERM and SIGHUP may come several times.
    """
    request, terminals = StopRequest(), [fd for fd in (1, 2) if os.isatty(fd)]

    def handle(signum: int, frame: object) -> None:
        if signum == signal.SIGHUP:
            _detach(terminals)
        if request():
            if signum == signal.SIGINT:
                raise KeyboardInterrupt
            return
        request.ask(signum)
        text = action or f"Stopping after this {what}"
        if signum != signal.SIGINT:
            text += f" because of {signal.Signals(signum).name}"
        with suppress(OSError):  # os.write, because this may interrupt print(), which is not reentrant
            os.write(2, f"\n{text}; press Ctrl-C again to stop immediately.\n".encode())

    previous = {signum: signal.getsignal(signum) for signum in (signal.SIGINT, *_WITH_TIME_LIMIT)}
    for signum, former in previous.items():
        if signum == signal.SIGINT or former != signal.SIG_IGN:  # `nohup` ignores SIGHUP
            signal.signal(signum, handle)
    try:
        yield request
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
    finally:
        for signum, former in previous.items():
            signal.signal(signum, former)


def _detach(terminals: list[int]) -> None:
    """Let output for a terminal that is gone go nowhere; writing to it would fail."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for fd in terminals:
        os.dup2(nowhere, fd)
    os.close(nowhere)
