"""How a learning run is watched and stopped: it says where it is, and asks whether it should go on."""

from collections.abc import Callable
from dataclasses import dataclass

from explorer.landscape.budget import Progress


class Stopped(Exception):
    """The user asked to stop; every step that was finished has left its file."""


@dataclass(frozen=True)
class LearningProgress:
    """What is called while a learning run goes on.

    Attributes:
        say: a line for a person.
        count: what is counted, how many of it are done, and of how many.
        epoch: the record of an epoch and the number of epochs.
        search: the progress of a search.
        stop: whether to stop.
    """

    say: Callable[[str], None]
    count: Callable[[str, int, int], None]
    epoch: Callable[[dict, int], None]
    search: Callable[[Progress], None]
    stop: Callable[[], bool]

    def check(self) -> None:
        """Raises `Stopped` when the user asked to stop."""
        if self.stop():
            raise Stopped

    def counting(self, what: str) -> Callable[[int, int], None]:
        """What a step calls with (done, total); it raises `Stopped` where that is asked for."""

        def report(done: int, total: int) -> None:
            self.count(what, done, total)
            self.check()

        return report

    def epochs(self, n: int) -> Callable[[dict], None]:
        """What a training of n epochs calls with the record of each, and within them."""

        def report(record: dict) -> None:
            self.epoch(record, n)
            self.check()

        return report
