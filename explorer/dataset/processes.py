"""Independent jobs in several processes with one thread each, for reference methods."""

import os
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context


def run_in_processes(
    work: Callable[..., None], calls: Sequence[tuple], n_processes: int, progress: Callable[[int, int], None]
) -> None:
    """Run `work(*arguments)` for each tuple of arguments; each call writes its result to a file.

    An exception in a call or in `progress` cancels the calls that have not started. Running calls are finished.

    Args:
        work: Function of a module; its result is not used.
        calls: Arguments of each call.
        n_processes: Number of processes at a time.
        progress: Called at the start and after each call with the numbers of finished and of all calls.
    """
    os.environ["OMP_NUM_THREADS"] = "1"  # two threads of a reference method take five times the CPU time of one
    progress(0, len(calls))
    spawn = get_context("spawn")  # a fork of a process with threads of JAX may hang
    with ProcessPoolExecutor(n_processes, mp_context=spawn, initializer=ignore_interrupts) as pool:
        try:
            for done, future in enumerate(as_completed([pool.submit(work, *call) for call in calls])):
                future.result()
                progress(done + 1, len(calls))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def ignore_interrupts() -> None:
    """Ignore Ctrl-C, which reaches every process of a terminal; the parent process handles it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
