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


def ensure_huge_pages() -> None:
    """Start this process anew, once, with transparent huge pages in malloc; does nothing where it cannot help.

    A process that has imported JAX already belongs to somebody else, such as a notebook or a test, and stays.
    """
    if sys.platform != "linux" or platform.libc_ver()[0] != "glibc" or "jax" in sys.modules:
        return
    set_already = os.environ.get(VARIABLE, "")
    if "glibc.malloc.hugetlb" in set_already or MARK in os.environ or not sys.orig_argv:
        return
    tunables = f"{set_already}:{TUNABLE}" if set_already else TUNABLE
    sys.stdout.flush()
    sys.stderr.flush()
    environment = {**THREADS, **os.environ, VARIABLE: tunables, MARK: "1"}
    os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], environment)
