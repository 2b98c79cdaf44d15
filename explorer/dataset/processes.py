"""Independent jobs over processes, such as those of a reference method, which has one thread each."""

import os
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context


def in_processes(
    work: Callable[..., None], calls: Sequence[tuple], n_processes: int, progress: Callable[[int, int], None]
) -> None:
    """Run `work(*call)` for every call; each leaves its result in a file.

    What is raised, here or by the progress, cancels the calls that have not begun; those that run are finished.

    Args:
        work: a function of a module.
        calls: its arguments.
        n_processes: at a time.
        progress: called at the start and after each call with (done, total).
    """
    os.environ["OMP_NUM_THREADS"] = "1"  # two threads of a reference cost five times the CPU time
    progress(0, len(calls))
    fresh = get_context("spawn")  # a fork of a process whose threads run JAX may hang
    with ProcessPoolExecutor(n_processes, mp_context=fresh, initializer=_leave_interrupts_alone) as pool:
        try:
            for done, future in enumerate(as_completed([pool.submit(work, *call) for call in calls])):
                future.result()
                progress(done + 1, len(calls))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _leave_interrupts_alone() -> None:
    """Ctrl-C reaches every process of a terminal; the one that began the others decides what it means."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
