"""Shared fixtures: float64, reference data that may be absent, and the shipped peptide."""

import gc
import os
import tempfile
from pathlib import Path

import jax
import pytest

# Tests compile more than they compute. So programs are compiled fast rather than well, each of them once, and those of
# child processes too. XLA's older code generator takes 40 % of the time of the newer one; with the usual threshold,
# garbage collection takes a quarter of the time of tracing.
if "PYTEST_XDIST_WORKER" not in os.environ:  # workers take over the environment of the process that starts them
    _compiled = tempfile.TemporaryDirectory(prefix="pes-explore-compiled-")
    # the user's own cache stays as it is
    os.environ["JAX_COMPILATION_CACHE_DIR"] = os.environ["PES_EXPLORE_CACHE"] = _compiled.name
    os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0.05"
    os.environ["JAX_DISABLE_MOST_OPTIMIZATIONS"] = "1"
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # two workers have the cores; threads would wait for each other
    _flags = "--xla_cpu_use_fusion_emitters=false --xla_cpu_parallel_codegen_split_count=1"
    os.environ["XLA_FLAGS"] = f"{_flags} {os.environ.get('XLA_FLAGS', '')}".strip()
jax.config.update("jax_compilation_cache_dir", os.environ["JAX_COMPILATION_CACHE_DIR"])
jax.config.update(
    "jax_persistent_cache_min_compile_time_secs", float(os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"])
)
jax.config.update("jax_disable_most_optimizations", True)
jax.config.update("jax_enable_x64", True)
gc.set_threshold(100_000, 20, 20)

MOST_MAPS = 40_000
ROOT = Path(__file__).resolve().parent.parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the folders of long files, from the end of the alphabet, so that no worker is left with one."""
    items.sort(key=lambda item: item.path, reverse=True)


@pytest.fixture(scope="session")
def reference_data() -> Path:
    """Read-only reference data, outside the project; tests that need it skip where it is absent."""
    folder = Path(os.environ.get("PES_EXPLORE_REFERENCE_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"reference data not found at {folder}; set PES_EXPLORE_REFERENCE_DATA to its folder")
    return folder


@pytest.fixture(scope="module", autouse=True)
def _unmapped_programs():
    """Compiled programs of a module go when many are kept: each maps memory, and a process may map 65,530 times."""
    yield
    maps = Path("/proc/self/maps")
    if maps.exists() and len(maps.read_bytes().splitlines()) > MOST_MAPS:
        jax.clear_caches()
        gc.collect()
