"""Where shipped models, peptides and training data are, and where imported models and compiled programs are kept."""

import hashlib
import os
import platform
from pathlib import Path


def data_folder() -> Path:
    """The folder `data/` of a source checkout; an installation has it beside the package as `explorer_data/`."""
    root = Path(__file__).resolve().parent.parent
    return root / ("data" if (root / "pyproject.toml").is_file() else "explorer_data")


def user_models_folder() -> Path:
    """Folder of the models that a user imported, below `XDG_DATA_HOME`; `PES_EXPLORE_MODELS` names another."""
    if named := os.environ.get("PES_EXPLORE_MODELS"):
        return Path(named)
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "pes-explore" / "models"


def compilation_cache_folder() -> Path:
    """Folder of compiled programs, one per kind of CPU: a home may be shared by machines with other instructions.

    It is below `XDG_CACHE_HOME`, `~/.cache` by default; `JAX_COMPILATION_CACHE_DIR` names another.
    """
    if named := os.environ.get("JAX_COMPILATION_CACHE_DIR"):
        return Path(named)
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return caches / "pes-explore" / f"compiled-{_cpu_digest()}"


def _cpu_digest() -> str:
    """Short name of the instructions that this CPU knows."""
    text = platform.machine() + platform.processor()
    if (info := Path("/proc/cpuinfo")).is_file():
        text += next((line for line in info.read_text().splitlines() if line.startswith(("flags", "Features"))), "")
    return hashlib.sha256(text.encode()).hexdigest()[:8]
