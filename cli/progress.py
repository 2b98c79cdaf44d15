"""Progress on stderr: a live line on a terminal, otherwise a plain line every 15 s."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from cli.output import say
from explorer.wording import counted

if TYPE_CHECKING:
    from explorer.active_learning.progress import LearningProgress
    from explorer.landscape.budget import Progress as RunProgress
    from explorer.records.run import RunRecord

# Minima that the model does not know, and share of the force calls of hops from or to them, at which a search says so
MIN_UNKNOWN, WARNING_SHARE = 5, 0.05  # not tuned
MAX_TEXT = 56  # characters beside bar and percentage, for lines of 70 columns
PLAIN_SECONDS = 15.0  # s between two lines without a terminal; not tuned


@contextmanager
def search_progress() -> Iterator[Callable[["RunProgress"], None]]:
    """Provide a function to call with the progress of a search after every round."""
    has_warned = False
    with _line() as show:

        def update(state: "RunProgress") -> None:
            nonlocal has_warned
            show(state.fraction, describe_search(state))
            if not has_warned and state.n_unknown >= MIN_UNKNOWN and state.unknown_share >= WARNING_SHARE:
                has_warned = True
                say(unknown_warning(state))

        yield update


@contextmanager
def counted_progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """Provide a function to call with the numbers of finished and of all items.

    Args:
        what: Name of the items.
    """
    with staged_progress() as update:
        yield partial(update, what)


@contextmanager
def staged_progress() -> Iterator[Callable[[str, int, int], None]]:
    """Provide a function to call with the name of the items and the numbers of finished and of all items.

    The clock restarts when the name of the items changes.
    """
    with _line() as show:
        yield _stages(show)


@contextmanager
def connection_progress() -> Iterator[Callable[["RunRecord", float], None]]:
    """Provide a function to call with a run and the used share of the budget after every round of `connect`."""
    started = time.monotonic()
    with _line() as show:

        def update(record: "RunRecord", share: float) -> None:
            show(share, describe_connection(record, share, time.monotonic() - started))

        yield update


@contextmanager
def epoch_progress(n_epochs: int) -> Iterator[Callable[[dict], None]]:
    """Provide a function to call with the record of every epoch of a training, finished or not.

    Args:
        n_epochs: Total number of epochs.
    """
    with _line() as show:
        yield lambda record: show(_share_done(record, n_epochs), describe_epoch(record, n_epochs))


@contextmanager
def learning_progress(say: Callable[[str], None], stop: Callable[[], bool]) -> Iterator["LearningProgress"]:
    """Provide the progress reports of active learning, on one line.

    Args:
        say: Prints a message.
        stop: Returns whether the user has pressed Ctrl-C.
    """
    from explorer.active_learning.progress import LearningProgress

    with _line() as show:
        yield LearningProgress(
            say=say,
            count=_stages(show),
            epoch=lambda record, n: show(_share_done(record, n), describe_epoch(record, n)),
            search=lambda state: show(state.fraction, describe_search(state)),
            stop=stop,
        )


def _stages(show: Callable[[float, str], None]) -> Callable[[str, int, int], None]:
    stage, started = "", time.monotonic()

    def update(what: str, done: int, total: int) -> None:
        nonlocal stage, started
        if stage and what != stage:
            started = time.monotonic()
        stage = what
        fraction, elapsed = done / max(total, 1), time.monotonic() - started
        show(fraction, f"{done} of {total} {what}, {done / max(elapsed, 1e-3):.2g}/s, {_eta(fraction, elapsed)}")

    return update


def describe_epoch(record: dict, n_epochs: int) -> str:
    """Return one line with rate, validation errors and remaining time of a training.

    Args:
        record: Record of the epoch.
        n_epochs: Total number of epochs; it is not said where the training is limited by time.
    """
    share = record.get("share", 1.0)
    is_timed = "seconds_left" in record
    left = record["seconds_left"] if is_timed else (n_epochs - _epochs_done(record)) * record["seconds"] / share
    name = f"epoch {record['epoch'] + 1}{'' if is_timed else f' of {n_epochs}'} ({record['phase']})"
    parts = [
        name if share == 1 else f"{100 * share:.0f} % of {name}",
        f"{record['frames_per_second']:.0f} frames/s ({100 * record['peak_share']:.0f} % of the peak)",
    ]
    if "validation_forces" in record:
        errors = (1000 * record[f"validation_{quantity}"] for quantity in ("forces", "torques", "energy"))
        parts.append("validation {:.1f} meV/Å, {:.1f} meV/rad, {:.2f} meV/atom".format(*errors))
    return ", ".join([*parts, _eta(0.5, left)])


def _share_done(record: dict, n_epochs: int) -> float:
    """Return the share of the time, or of the epochs where there is no limit of time."""
    return record.get("time_share", _epochs_done(record) / n_epochs)


def _epochs_done(record: dict) -> float:
    return record["epoch"] + record.get("share", 1.0)


def describe_search(state: "RunProgress") -> str:
    """Return a short line with conformers, lowest energy, force calls per second and remaining time of a search.

    Args:
        state: Progress of the search.
    """
    rate = state.n_evaluations / state.wall_seconds if state.wall_seconds > 0 else 0.0
    as_given = counted(state.n_conformers - state.n_flipped, "conformer")
    flipped = f" + {state.n_flipped} flipped" if state.n_flipped else ""
    rest = f"lowest {state.lowest_energy:.3f} eV, {rate:.0f}/s, {_eta(state.fraction, state.wall_seconds)}"
    texts = [f"{as_given}{flipped}, {rest}", f"{as_given}, {rest}"]
    if state.n_unknown:
        texts.insert(0, f"{as_given}{flipped} ({state.n_unknown} unknown), {rest}")
    return next((text for text in texts if len(text) <= MAX_TEXT), texts[-1])


def describe_connection(record: "RunRecord", share: float, elapsed: float) -> str:
    """Return one line with saddles, connected share, force calls for each saddle and remaining time.

    Args:
        record: The run.
        share: Used share of the budget; 0 without a limit.
        elapsed: Time since the command began, s.
    """
    from explorer.analysis.connections import connection_counts

    counts = connection_counts(record)
    n, calls, connected = counts["n_saddles"], counts["connect_evaluations"], counts["connected_share"] or 0.0
    each = f"{calls / n:.0f} calls each" if n else f"{counted(calls, 'force call')}"
    return f"{counted(n, 'saddle')}, {each}, {100 * connected:.0f} % connected, {_eta(min(share, 1.0), elapsed)}"


def unknown_warning(state: "RunProgress") -> str:
    """Return what a search says when its walkers meet holes of the model.

    Args:
        state: Progress of the search.
    """
    return (
        f"Walkers meet structures that the model does not know: {state.n_unknown} minima, "
        f"{100 * state.unknown_share:.0f} % of the force calls. They are stored apart and are no results. "
        "pes-explore learn RUN teaches them to the model; another potential may know them."
    )


def _eta(fraction: float, elapsed: float) -> str:
    if not 0 < fraction <= 1:
        return "ETA unknown"
    left = round(elapsed * (1 - fraction) / fraction)
    return f"ETA {left // 3600}:{left // 60 % 60:02d}:{left % 60:02d}"


@contextmanager
def _line() -> Iterator[Callable[[float, str], None]]:
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _plain_line(console)
        return
    columns = (BarColumn(bar_width=7), TextColumn("{task.percentage:>3.0f} %  {task.description}", markup=False))
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("compiling", total=1.0)
        yield lambda fraction, text: bar.update(task, completed=min(fraction, 1.0), description=text)


def _plain_line(console: Console) -> Callable[[float, str], None]:
    shown = -PLAIN_SECONDS

    def show(fraction: float, text: str) -> None:
        nonlocal shown
        now = time.monotonic()
        if now - shown >= PLAIN_SECONDS or fraction >= 1:
            shown = now
            console.print(f"{100 * fraction:3.0f} %  {text}", markup=False, highlight=False, soft_wrap=True)

    return show
