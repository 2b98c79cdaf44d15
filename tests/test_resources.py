"""Packages and shipped files are complete in pyproject.toml; folders of data and caches are the documented ones."""

import tomllib
from pathlib import Path

import explorer
from explorer.resources import cache_folder, compilation_cache_folder, data_folder

ROOT = Path(__file__).resolve().parent.parent


def test_every_package_folder_is_listed_in_pyproject():
    listed = set(tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"])
    folders = {path.parent for top in ("cli", "explorer") for path in (ROOT / top).rglob("__init__.py")}
    assert listed == {".".join(folder.relative_to(ROOT).parts) for folder in folders} | {"explorer_data"}


def test_data_folder_is_that_of_the_copy_in_use_and_holds_what_is_shipped():
    home = Path(explorer.__file__).resolve().parent.parent
    assert data_folder() == home / ("data" if home == ROOT else "explorer_data")
    shipped = {path.relative_to(ROOT / "data") for path in (ROOT / "data").rglob("*.*") if path.is_file()}
    assert shipped <= {path.relative_to(data_folder()) for path in data_folder().rglob("*.*")}


def test_every_shipped_file_matches_a_pattern_of_the_wheel():
    patterns = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"][
        "explorer_data"
    ]
    data = ROOT / "data"
    carried = {path for pattern in patterns for path in data.glob(pattern) if path.is_file()}
    assert carried >= {path for path in data.rglob("*") if path.is_file() and not path.name.startswith(".")}


def test_compiled_programs_are_kept_below_the_cache_of_the_user(monkeypatch, tmp_path):
    for name in ("JAX_COMPILATION_CACHE_DIR", "PES_EXPLORE_CACHE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert compilation_cache_folder().parent == tmp_path / "pes-explore"
    monkeypatch.setenv("PES_EXPLORE_CACHE", str(tmp_path / "all"))
    assert compilation_cache_folder().parent == cache_folder() == tmp_path / "all"
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", str(tmp_path / "mine"))
    assert compilation_cache_folder() == tmp_path / "mine"
