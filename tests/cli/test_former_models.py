"""Runs of a model that the present installation lacks: everything that needs no forces works, the rest is refused."""

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

OLD_RUN = Path(__file__).resolve().parents[1] / "golden" / "version-0.1" / "ac-ala-nhme.sqlite"
RUN = "RUN"


@pytest.fixture(params=["default", "alanine"])
def potential(request) -> str:
    """A name that stands for another model now, or for none."""
    return request.param


@pytest.fixture
def old_run(potential, tmp_path) -> Path:
    """A run of Ac-Ala-NHMe by a model whose files are gone."""
    folder = tmp_path / "run"
    folder.mkdir()
    file = shutil.copy(OLD_RUN, folder / "run.sqlite")
    with closing(sqlite3.connect(file)) as connection, connection:
        texts = connection.execute("SELECT config, provenance FROM run").fetchone()
        config, provenance = map(json.loads, texts)
        config["potential"] = provenance["potential"] = potential
        provenance["potential_digest"] = "0123456789abcdef"
        connection.execute("UPDATE run SET config = ?, provenance = ?", (json.dumps(config), json.dumps(provenance)))
    return folder


def test_what_needs_no_forces_works(pes_explore, old_run, tmp_path):
    assert pes_explore("report", old_run).code == 0
    assert "0123456789abcdef" in (old_run / "index.html").read_text()
    assert json.loads((old_run / "summary.json").read_text())["n_conformers"] > 1
    formats = "extxyz,csv,sdf,graphml"
    assert pes_explore("export", old_run, "--format", formats, "--out", tmp_path / "exported").code == 0
    code, out, _ = pes_explore("info", old_run)
    assert (code, "0123456789abcdef" in out) == (0, True)


@pytest.mark.parametrize(
    "command",
    [
        ("run", "--resume", RUN),
        ("certify", RUN),
        ("connect", RUN),
        ("compare", RUN),
        ("validate", RUN, "--stability", 1),
    ],
    ids=lambda command: command[0],
)
def test_what_needs_its_forces_is_refused_and_changes_nothing(pes_explore, old_run, potential, command):
    before = (old_run / "run.sqlite").read_bytes()
    code, out, err = pes_explore(*(old_run if word == RUN else word for word in command))
    assert (code, out) == (1, "")
    *_, line = err.splitlines()
    assert line.startswith("pes-explore: ")
    if potential == "default":
        assert "made with model default (0123456789abcdef)" in line
        assert "can be reported and exported" in line
    else:
        assert "alanine is no longer shipped" in line
    assert (old_run / "run.sqlite").read_bytes() == before
