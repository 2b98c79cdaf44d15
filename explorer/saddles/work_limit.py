"""Limits of a search for transition states: they shorten its rounds and act within them."""

import time
from collections.abc import Callable

# Force calls of an attempt while no attempt of the run is known: refinement, tests and two descents. Not tuned.
_FIRST_CALLS = 130.0
TIME_LIMIT_REACHED, CALL_LIMIT_REACHED = "time limit", "limit of force calls"


class WorkLimit:
    """When the work of one command ends.

    A round that is under way cannot be undone, so rounds get shorter towards a limit: each has as many attempts as
    half of what is left allows. A limit of force calls is therefore exceeded by about one attempt.

    Args:
        minutes: Wall time, minutes; 0 for no limit.
        evaluations: Force calls; 0 for no limit.
        stop: Returns whether the user has asked to stop.
        began: Time at which the work began, s; by default now.
    """

    def __init__(
        self,
        minutes: float = 0.0,
        evaluations: int = 0,
        stop: Callable[[], bool] = lambda: False,
        began: float | None = None,
    ):
        self._minutes, self._evaluations, self._stop = minutes, evaluations, stop
        self.began = time.monotonic() if began is None else began
        self._attempts = self._calls = self._calls_of_round = 0
        self._round_began, self._seconds = self.began, 0.0

    @property
    def used(self) -> float:
        """Share of the limits that is used; 0 without limits."""
        minutes, calls = (time.monotonic() - self.began) / 60, self._calls + self._calls_of_round
        return max(
            minutes / self._minutes if self._minutes else 0.0, calls / self._evaluations if self._evaluations else 0.0
        )

    @property
    def reason(self) -> str:
        """Why the work ends; empty while it may go on."""
        if self._stop():
            return "stopped by the user"
        if self.used < 1:
            return ""
        is_late = self._minutes and time.monotonic() - self.began >= 60 * self._minutes
        return TIME_LIMIT_REACHED if is_late else CALL_LIMIT_REACHED

    def begin_round(self, most: int, few: int, mean_calls: float | None) -> int:
        """Begin a round, and return how many attempts it may have.

        Args:
            most: Number of attempts without limits.
            few: Number of attempts of a first round that is to show how long an attempt takes.
            mean_calls: Force calls of an attempt so far; None if there was none.
        """
        self._round_began = time.monotonic()
        n = most
        if self._evaluations:
            n = min(n, int((self._evaluations - self._calls) / (2 * (mean_calls or _FIRST_CALLS))))
        if self._minutes and not self._attempts:
            n = min(n, few)
        elif self._minutes:
            left = 60 * self._minutes - (self._round_began - self.began)
            n = min(n, int(left / (2 * self._seconds)))
        return max(n, 1)

    def count(self, n_evaluations: int) -> None:
        """Count force calls of the round that is under way."""
        self._calls_of_round += n_evaluations

    def end_round(self, n_attempts: int, n_evaluations: int) -> None:
        """End a round.

        Args:
            n_attempts: Its attempts.
            n_evaluations: Their force calls.
        """
        self._attempts += n_attempts
        self._calls, self._calls_of_round = self._calls + n_evaluations, 0
        # that of the last round, since the first one compiles
        self._seconds = (time.monotonic() - self._round_began) / max(n_attempts, 1)
