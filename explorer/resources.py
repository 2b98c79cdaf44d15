"""Folders of shipped data, of imported models, and of compiled programs."""

import hashlib
import os
import platform
from pathlib import Path


def data_folder() -> Path:
    """Return the folder of shipped data: `data/` of a source checkout, `explorer_data/` of an installation."""
    root = Path(__file__).resolve().parent.parent
    return root / ("data" if (root / "pyproject.toml").is_file() else "explorer_data")


def user_models_folder() -> Path:
    """Return the folder of imported models, below `XDG_DATA_HOME`; the variable `PES_EXPLORE_MODELS` overrides it."""
    if named := os.environ.get("PES_EXPLORE_MODELS"):
        return Path(named)
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "pes-explore" / "models"


def cache_folder() -> Path:
    """Return the folder of what can be computed again, below `XDG_CACHE_HOME` (by default `~/.cache`).

    The variable `PES_EXPLORE_CACHE` overrides it.
    """
    if named := os.environ.get("PES_EXPLORE_CACHE"):
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pes-explore"


def compilation_cache_folder() -> Path:
    """Return the folder of compiled programs, in the cache folder.

    Each type of CPU has its own folder, since machines with different instruction sets may share a home directory.
    The variable `JAX_COMPILATION_CACHE_DIR` overrides it.
    """
    if named := os.environ.get("JAX_COMPILATION_CACHE_DIR"):
        return Path(named)
    return cache_folder() / f"compiled-{_cpu_digest()}"


def _cpu_digest() -> str:
    """Digest of the instruction set of this CPU."""
    text = platform.machine() + platform.processor()
    if (info := Path("/proc/cpuinfo")).is_file():
        text += next((line for line in info.read_text().splitlines() if line.startswith(("flags", "Features"))), "")
    return hashlib.sha256(text.encode()).hexdigest()[:8]
