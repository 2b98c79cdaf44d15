"""The process restarts at most once, with huge pages and one BLAS thread."""

import os
import subprocess
import sys

import pytest

from cli.environment import MARK, THREADS, TUNABLE, VARIABLE

PROGRAM = (
    "import os, sys; print('start', flush=True); from cli.environment import prepare_environment; "
    f"prepare_environment(); print(os.environ.get('{VARIABLE}', ''), sys.argv[1:])"
)


def lines_of(program: str, **environment: str) -> list[str]:
    clean = {k: v for k, v in os.environ.items() if k not in (VARIABLE, MARK, *THREADS)}
    run = subprocess.run(
        [sys.executable, "-c", program, "--out", "a b"],
        env=clean | environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return run.stdout.splitlines()


linux = pytest.mark.skipif(sys.platform != "linux", reason="malloc of glibc only")


@linux
def test_process_restarts_once_with_its_arguments():
    assert lines_of(PROGRAM) == ["start", "start", f"{TUNABLE} ['--out', 'a b']"]


@linux
def test_other_tunables_are_kept():
    other = "glibc.malloc.arena_max=4"
    assert lines_of(PROGRAM, **{VARIABLE: other})[-1] == f"{other}:{TUNABLE} ['--out', 'a b']"


def test_settings_of_the_user_are_kept():
    chosen = "glibc.malloc.hugetlb=0"
    lines = lines_of(PROGRAM, **{VARIABLE: chosen, "OPENBLAS_NUM_THREADS": "2"})
    assert lines == ["start", f"{chosen} ['--out', 'a b']"]


def test_malloc_setting_of_the_user_does_not_affect_the_threads():
    chosen, program = "glibc.malloc.hugetlb=0", PROGRAM + "; print(os.environ['OPENBLAS_NUM_THREADS'])"
    assert lines_of(program, **{VARIABLE: chosen})[-2:] == [f"{chosen} ['--out', 'a b']", "1"]


def test_a_process_that_has_imported_jax_is_not_restarted():
    assert lines_of("import sys; sys.modules['jax'] = sys;" + PROGRAM) == ["start", " ['--out', 'a b']"]
