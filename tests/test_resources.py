"""The packaging list is complete, so that an installed program has all its parts."""

import tomllib
from pathlib import Path

from explorer.resources import data_folder

ROOT = Path(__file__).resolve().parent.parent


def test_every_package_folder_is_listed_in_pyproject():
    listed = set(tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"])
    folders = {path.parent for top in ("cli", "explorer") for path in (ROOT / top).rglob("__init__.py")}
    assert listed == {".".join(folder.relative_to(ROOT).parts) for folder in folders} | {"explorer_data"}


def test_data_folder_of_a_checkout_is_its_own():
    assert data_folder() == ROOT / "data"


def test_every_shipped_file_matches_a_pattern_of_the_wheel():
    patterns = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"][
        "explorer_data"
    ]
    data = ROOT / "data"
    carried = {path for pattern in patterns for path in data.glob(pattern) if path.is_file()}
    assert carried >= {path for path in data.rglob("*") if path.is_file() and not path.name.startswith(".")}
