"""Environment of the process: huge pages for the temporary arrays of XLA, and one BLAS thread.

Both must be set before the process starts, so the program restarts itself once. Huge pages halve the time of a force
call. BLAS threads of numpy would compete with XLA, which uses all cores.
"""

import os
import platform
import sys

from cli import IMPORTED

VARIABLE = "GLIBC_TUNABLES"
# huge pages; freed memory stays with the process, because XLA allocates the same arrays in every call
TUNABLE = ":".join(
    f"glibc.malloc.{name}={value}"
    for name, value in (("hugetlb", 1), ("mmap_threshold", 2**32), ("trim_threshold", 2**34), ("top_pad", 2**28))
)
THREADS = {"OPENBLAS_NUM_THREADS": "1"}
STARTED = "PES_EXPLORE_STARTED"  # time at which the command began, s since 1970, which survives the restart
MARK = "PES_EXPLORE_RESTARTED"  # set by the restart, so that the process restarts only once


def command_start() -> float:
    """Return the time at which the command began, s since 1970."""
    return float(os.environ.get(STARTED) or IMPORTED)


def prepare_environment() -> None:
    """Restart this process once with these settings unless the user has set them.

    A process that has already imported JAX, such as a notebook or a test, is not restarted. `PES_EXPLORE_RESTARTED=1`
    prevents the restart.
    """
    if "jax" in sys.modules or MARK in os.environ or not sys.orig_argv:
        return
    tunables = _huge_pages(os.environ.get(VARIABLE, ""))
    wanted = THREADS | tunables
    environment = {**THREADS, **os.environ, **tunables, MARK: "1", STARTED: str(command_start())}
    if all(os.environ.get(name) == environment[name] for name in wanted):
        return
    sys.stdout.flush()
    sys.stderr.flush()
    os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], environment)


def _huge_pages(present: str) -> dict[str, str]:
    """Return the tunables of malloc; none if glibc does not have them or the user has set them."""
    if sys.platform != "linux" or platform.libc_ver()[0] != "glibc" or "glibc.malloc.hugetlb" in present:
        return {}
    return {VARIABLE: f"{present}:{TUNABLE}" if present else TUNABLE}
