"""`connect` on a cluster of six atoms: the table, limits that hold within a round, Ctrl-C, and errors for people."""

import json
import os
import signal

import numpy as np
import pytest
from cluster_run import write_cluster_run

from explorer.records.comparisons import Comparison
from explorer.saddles import refine_many
from explorer.store.read import read_run
from explorer.store.store import Store


@pytest.fixture(autouse=True)
def _in_process(monkeypatch):
    monkeypatch.setattr("cli.connect.prepare_device", lambda: None)


def calls(folder) -> int:
    return sum(attempt.n_evaluations for attempt in read_run(folder).saddle_attempts)


@pytest.fixture
def folder(tmp_path):
    write_cluster_run(tmp_path, 6)
    return tmp_path


def test_limit_of_force_calls_holds_within_a_round(pes_explore, folder):
    code, out, err = pes_explore("connect", folder, "--max-evaluations", "600")
    assert code == 0
    assert "Ended: limit of force calls." in err
    record = read_run(folder)
    largest = max(attempt.n_evaluations for attempt in record.saddle_attempts)
    assert 600 <= calls(folder) <= 600 + largest
    assert json.loads((folder / "summary.json").read_text())["n_saddles"] == len(record.transition_states) > 0
    assert "imaginary" in out
    pes_explore("connect", folder, "--max-evaluations", "200")  # the limit is that of the command, not of the run
    assert 800 <= calls(folder) <= 800 + 2 * largest


def test_a_comparison_that_new_minima_remove_is_named(pes_explore, folder):
    compared = Comparison(
        training_minima=(),
        nearest_frame_distance=np.zeros(1),
        frames_torsions=np.empty((0, 0, 2)),
        n_frames=1,
        n_relaxed=1,
        n_failed=0,
        source="mine.npz",
    )
    with Store.resume(folder / "run.sqlite") as store:
        store.save_comparison(compared)
    _, _, err = pes_explore("connect", folder, "--max-evaluations", "600")
    assert len(read_run(folder).minima) > 1
    assert read_run(folder).comparison is None
    assert "The comparison with mine.npz lacks the new minima and was removed." in err


def test_ctrl_c_keeps_the_attempts_that_have_begun(pes_explore, folder, monkeypatch):
    ticks = []

    def interrupting(*arguments, **options):
        ticks.append(0)
        if len(ticks) == 5:
            os.kill(os.getpid(), signal.SIGINT)
        return tick(*arguments, **options)

    tick = refine_many._tick
    monkeypatch.setattr(refine_many, "_tick", interrupting)
    code, _, err = pes_explore("connect", folder)
    assert code == 0
    assert "stopped by the user" in err
    attempts = read_run(folder).saddle_attempts
    assert 1 <= len(attempts) < 16  # the first rows only
    assert all(a.outcome for a in attempts)


def test_time_limit_ends_the_command(pes_explore, folder):
    code, _, err = pes_explore("connect", folder, "--time-limit", "0.001")
    assert code == 0
    assert "Ended: time limit." in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--between", "0"), "two ids of minima with a comma"),
        (("--between", "0,7"), "received 7"),
        (("--between", "0,0"), "two different minima"),
        (("--window", "8"), "--window"),
    ],
)
def test_wrong_options_are_refused_in_one_line(pes_explore, folder, arguments, message):
    code, _, err = pes_explore("connect", folder, *arguments)
    assert code == 1
    assert message in err
    assert "Traceback" not in err


def test_missing_run_is_refused(pes_explore, tmp_path):
    code, _, err = pes_explore("connect", tmp_path / "none")
    assert code == 1
    assert "none" in err
