"""Shared fixtures: float64, reference data that may be absent, and the shipped peptide."""

import gc
import os
import tempfile
from pathlib import Path

import jax
import pytest

_compiled = tempfile.TemporaryDirectory(prefix="pes-explore-compiled-")
os.environ["JAX_COMPILATION_CACHE_DIR"] = _compiled.name  # the user's own cache stays as it is
jax.config.update("jax_enable_x64", True)

MOST_MAPS = 40_000
ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def reference_data() -> Path:
    """Read-only reference data, outside the project; tests that need it skip where it is absent."""
    folder = Path(os.environ.get("PES_EXPLORE_REFERENCE_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"reference data not found at {folder}; set PES_EXPLORE_REFERENCE_DATA to its folder")
    return folder


@pytest.fixture(scope="module")
def compile_fast():
    """Programs that run once are compiled fast rather than well: for modules that compile more than they compute."""
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", False)


@pytest.fixture(scope="module", autouse=True)
def _unmapped_programs():
    """Compiled programs of a module go when many are kept: each maps memory, and a process may map 65,530 times."""
    yield
    maps = Path("/proc/self/maps")
    if maps.exists() and len(maps.read_bytes().splitlines()) > MOST_MAPS:
        jax.clear_caches()
        gc.collect()
