"""Progress reports of a learning run, and how it is stopped."""

from collections.abc import Callable
from dataclasses import dataclass

from explorer.landscape.budget import Progress


class Stopped(Exception):
    """The user asked to stop; every finished step has written its file."""


@dataclass(frozen=True)
class LearningProgress:
    """Functions that a learning run calls to report its progress.

    Attributes:
        say: Shows a message.
        count: Shows the name of a step and the numbers of finished and of all items.
        epoch: Shows the record of an epoch and the number of epochs.
        search: Shows the progress of a search.
        stop: Returns whether the user asked to stop.
    """

    say: Callable[[str], None]
    count: Callable[[str, int, int], None]
    epoch: Callable[[dict, int], None]
    search: Callable[[Progress], None]
    stop: Callable[[], bool]

    def raise_if_stopped(self) -> None:
        """Do nothing unless the user asked to stop.

        Raises:
            Stopped: When the user asked to stop.
        """
        if self.stop():
            raise Stopped

    def counter(self, what: str) -> Callable[[int, int], None]:
        """Return a function of the numbers of finished and of all items of a step; it raises `Stopped`.

        Args:
            what: Name of the items and of the step.
        """

        def report(done: int, total: int) -> None:
            self.count(what, done, total)
            self.raise_if_stopped()

        return report

    def epoch_reporter(self, n: int) -> Callable[[dict], None]:
        """Return a function of the record of an epoch; it raises `Stopped`.

        Args:
            n: Number of epochs of the training.
        """

        def report(record: dict) -> None:
            self.epoch(record, n)
            self.raise_if_stopped()

        return report
