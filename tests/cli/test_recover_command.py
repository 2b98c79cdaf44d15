"""`recover` with a synthetic run, and what `info` and `run --resume` say of a damaged one."""

import sqlite3
from contextlib import closing

import pytest


@pytest.fixture
def damaged(make_run, tmp_path):
    """The folder of a run, one minimum of which another program has changed."""
    make_run(tmp_path / "run")
    with closing(sqlite3.connect(tmp_path / "run" / "run.sqlite")) as connection:
        connection.execute("UPDATE minimum SET energy = -99 WHERE id = 2")
        connection.commit()
    return tmp_path / "run"


@pytest.mark.parametrize("command", [("info",), ("run", "--resume"), ("certify",), ("report",)])
def test_damage_and_what_can_be_saved_are_said_in_one_line(pes_explore, search, damaged, command):
    code, out, err = pes_explore(*command, damaged)
    assert (code, out) == (1, "")
    assert len(err.strip().splitlines()) == 1
    assert "minimum 2 differs from what was written" in err
    assert "2 of 3 minima" in err
    assert f"pes-explore recover {damaged} --out DIR" in err


def test_recovered_run_has_all_files_and_is_not_resumed(pes_explore, search, damaged, tmp_path):
    new = tmp_path / "new"
    code, out, err = pes_explore("recover", damaged, "--out", new)
    assert code == 0
    assert "Saved: 2 of 3 minima" in err
    assert "distinct minima" in out
    assert {path.name for path in new.iterdir()} == {
        "run.sqlite", "config.toml", "minima.extxyz", "summary.json", "index.html"
    }  # fmt: skip
    code, out, _ = pes_explore("info", new)
    assert code == 0
    assert "1 of 3 rows of minimum, the state of the walkers" in out
    code, _, err = pes_explore("run", "--resume", new)
    assert code == 1
    assert "cannot be resumed because the state of the walkers is lost" in err
    code, _, err = pes_explore("recover", damaged, "--out", new)
    assert code == 1
    assert "A recovered run needs a new folder" in err


def test_intact_run_has_nothing_to_recover(pes_explore, make_run, tmp_path):
    make_run(tmp_path / "run")
    code, _, err = pes_explore("recover", tmp_path / "run", "--out", tmp_path / "new")
    assert code == 1
    assert "No damage is found" in err
    assert not (tmp_path / "new").exists()
