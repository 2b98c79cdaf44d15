"""Times of the start of a search: compilation, and the time from the command to the first hop and to its end."""

import time
from collections.abc import Iterable, Iterator
from typing import Self

from explorer.compilation import CompilationLog
from explorer.records.run import COMPILE_SECONDS, SECONDS_BEFORE_SEARCH, SECONDS_TO_FIRST_HOP, Round


class StartTimes:
    """Context manager that measures the start of a search.

    Args:
        began: Time at which the command began, s since 1970; None for the beginning of the block.
    """

    def __init__(self, began: float | None):
        self._began = time.time() if began is None else began
        self._log = CompilationLog()
        self._search: float | None = None
        self._first_hop: float | None = None

    def __enter__(self) -> Self:
        self._log.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._log.__exit__()

    def watch(self, rounds: Iterable[Round], searched: float = 0.0) -> Iterator[Round]:
        """Yield the rounds of a search, and note when it began and when the first hop of a walker has ended.

        Args:
            rounds: Rounds of walkers.
            searched: Wall time of the search before it was interrupted, s.
        """
        for round in rounds:
            if self._search is None:
                self._search = time.time() - self._began - (round.wall_seconds - searched)
            if self._first_hop is None and any(hop.walker >= 0 for hop in round.hops):
                self._first_hop = time.time() - self._began
            yield round

    def texts(self) -> dict[str, str]:
        """Return the times (s) as texts for the provenance of a run; without that of the first hop if no hop ended."""
        times = {
            COMPILE_SECONDS: self._log.seconds(),
            SECONDS_BEFORE_SEARCH: self._search,
            SECONDS_TO_FIRST_HOP: self._first_hop,
        }
        return {name: f"{seconds:.2f}" for name, seconds in times.items() if seconds is not None}
