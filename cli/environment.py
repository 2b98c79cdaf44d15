"""What only the environment of a process can ask for: huge pages for XLA's temporaries, one thread for small matrices.

Huge pages halve a force call. While XLA holds all cores, threads of numpy's matrix products only get in its way.
"""

import os
import platform
import sys

VARIABLE = "GLIBC_TUNABLES"
# huge pages, and freed memory stays with the process: XLA asks for the same temporaries at every call
TUNABLE = ":".join(
    f"glibc.malloc.{name}={value}"
    for name, value in (("hugetlb", 1), ("mmap_threshold", 2**32), ("trim_threshold", 2**34), ("top_pad", 2**28))
)
THREADS = {"OPENBLAS_NUM_THREADS": "1"}
MARK = "PES_EXPLORE_RESTARTED"  # set once, so that a process is never started anew twice


def prepare_environment() -> None:
    """Start this process anew, once, with these settings where the user has not chosen others.

    A process that has imported JAX already belongs to somebody else, such as a notebook or a test, and stays.
    """
    if "jax" in sys.modules or MARK in os.environ or not sys.orig_argv:
        return
    tunables = _huge_pages(os.environ.get(VARIABLE, ""))
    wanted = THREADS | tunables
    environment = {**THREADS, **os.environ, **tunables, MARK: "1"}
    if all(os.environ.get(name) == environment[name] for name in wanted):
        return
    sys.stdout.flush()
    sys.stderr.flush()
    os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], environment)


def _huge_pages(set_already: str) -> dict[str, str]:
    """Tunables of malloc with huge pages; none where it has no such tunable or the user decided about them."""
    if sys.platform != "linux" or platform.libc_ver()[0] != "glibc" or "glibc.malloc.hugetlb" in set_already:
        return {}
    return {VARIABLE: f"{set_already}:{TUNABLE}" if set_already else TUNABLE}
