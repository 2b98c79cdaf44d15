"""Where the shipped models, peptides and training data are: beside a source checkout or inside an installation."""

from pathlib import Path


def data_folder() -> Path:
    """The folder `data/` of a source checkout; an installation has it beside the package as `explorer_data/`."""
    root = Path(__file__).resolve().parent.parent
    return root / ("data" if (root / "pyproject.toml").is_file() else "explorer_data")
