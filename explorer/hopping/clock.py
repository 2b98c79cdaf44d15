"""Clock of a search, which runs from the first hop and stands still while programs are compiled."""

import time
from typing import Self

from explorer.compilation import CompilationLog


class SearchClock:
    """Context manager that measures the wall time of a search; entering it starts the clock.

    Compilation is no search time: a limit of two minutes would otherwise give a first search on a slow machine one
    minute and any later one two.

    Args:
        before: Time of the search before it was interrupted, s.
    """

    def __init__(self, before: float = 0.0):
        self._before, self._log = before, CompilationLog()

    def __enter__(self) -> Self:
        self._log.__enter__()
        self._started = time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        self._log.__exit__()

    def seconds(self) -> float:
        """Return the time of the search until now, s."""
        return self._before + max(0.0, time.perf_counter() - self._started - self._log.seconds())
