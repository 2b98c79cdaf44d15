"""`run` protects existing files, resumes runs, and stops at the end of a round."""

import os
import signal
import sqlite3

import pytest

from cli.interrupt import stop_on_interrupt
from explorer.config import BudgetSettings, Settings
from explorer.errors import CheckpointError


@pytest.mark.parametrize("name", ["run.sqlite", "index.html", "config.toml", "minima.extxyz", "summary.json"])
def test_nothing_is_overwritten_without_force(pes_explore, search, tmp_path, name):
    (tmp_path / name).write_text("mine")
    code, _, err = pes_explore("run", "--smiles", "CC", "--out", tmp_path)
    assert code == 1
    assert name in err
    assert "--resume" in err
    assert (tmp_path / name).read_text() == "mine"
    assert search.settings is None


def test_force_replaces_a_run(pes_explore, search, make_run, tmp_path):
    make_run(tmp_path)
    assert pes_explore("run", "--smiles", "CC", "--out", tmp_path, "--force", "--seed", 5).code == 0
    assert search.settings.seed == 5
    assert not list(tmp_path.glob("*.replaced"))


def test_force_keeps_the_old_run_when_no_new_one_begins(pes_explore, search, make_run, tmp_path):
    make_run(tmp_path)
    before = (tmp_path / "run.sqlite").read_bytes()
    search.error = CheckpointError("no such model")
    assert pes_explore("run", "--smiles", "CC", "--out", tmp_path, "--force").code == 1
    assert (tmp_path / "run.sqlite").read_bytes() == before


def test_force_does_not_replace_a_run_that_is_being_written(pes_explore, search, make_run, tmp_path):
    make_run(tmp_path)
    writer = sqlite3.connect(tmp_path / "run.sqlite", isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    code, _, err = pes_explore("run", "--smiles", "CC", "--out", tmp_path, "--force")
    writer.close()
    assert code == 1
    assert "Stop the run" in err


@pytest.mark.parametrize("with_out", [False, True])
def test_resume_keeps_the_settings(pes_explore, search, make_run, tmp_path, with_out):
    make_run(tmp_path / "run", Settings(seed=3))
    place = ["--out", tmp_path / "run"] if with_out else [tmp_path / "run"]
    assert pes_explore("run", "--resume", *place).code == 0
    assert search.budget is None
    assert search.finished == [tmp_path / "run"]


def test_resume_starts_from_missed_minima(pes_explore, search, make_run, tmp_path):
    make_run(tmp_path)
    assert pes_explore("run", "--resume", tmp_path).code == 0
    assert search.given == []
    code, _, err = pes_explore("run", "--resume", tmp_path, "--start-from", "missed")
    assert (code, search.given) == (0, ["a missed minimum"])
    assert "1 training minimum that the run missed" in err


def test_only_a_resumed_run_starts_from_missed_minima(pes_explore, search, tmp_path):
    code, _, err = pes_explore("run", "--smiles", "CC", "--out", tmp_path, "--start-from", "missed")
    assert code == 2
    assert "--start-from belongs to --resume" in err
    assert search.settings is None


def test_resume_accepts_the_settings_it_has_and_a_new_budget(pes_explore, search, make_run, tmp_path):
    make_run(tmp_path, Settings(seed=3))
    assert pes_explore("run", "--resume", tmp_path, "--seed", 3, "--time-limit", 20).code == 0
    assert search.budget == BudgetSettings(minutes=20.0)


def test_resume_refuses_other_settings(pes_explore, search, make_run, tmp_path):
    make_run(tmp_path, Settings(seed=3))
    code, _, err = pes_explore("run", "--resume", tmp_path, "--seed", 4)
    assert code == 1
    assert "seed 3 -> 4" in err


def test_resume_refuses_another_allow(pes_explore, search, make_run, tmp_path):
    make_run(tmp_path, Settings(seed=3))
    assert pes_explore("run", "--resume", tmp_path, "--allow", "none").code == 0
    code, _, err = pes_explore("run", "--resume", tmp_path, "--allow", "cis-amide,reaction")
    assert code == 1
    assert "hopping.allow () -> ('cis-amide', 'reaction')" in " ".join(err.split())


def test_resume_of_a_missing_run_is_an_error(pes_explore, search, tmp_path):
    code, _, err = pes_explore("run", "--resume", tmp_path / "nothing")
    assert code == 1
    assert "No run at" in err


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGHUP])
def test_signals_of_schedulers_and_terminals_stop_like_an_interrupt(capfd, signum):
    before = signal.getsignal(signum)
    with stop_on_interrupt() as stop:
        for _ in range(3):  # a scheduler may send several
            os.kill(os.getpid(), signum)
        assert stop()
        assert stop.is_urgent
    assert f"Stopping after this round because of {signum.name}" in capfd.readouterr().err
    assert signal.getsignal(signum) is before


def test_ignored_hangup_stays_ignored():
    previous = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as by nohup
    with stop_on_interrupt() as stop:
        os.kill(os.getpid(), signal.SIGHUP)
        assert not stop()
    assert signal.signal(signal.SIGHUP, previous) == signal.SIG_IGN


def test_second_interrupt_ends_with_code_130():
    def interrupt_twice() -> None:
        with stop_on_interrupt():
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(SystemExit) as caught:
        interrupt_twice()
    assert caught.value.code == 130


def test_results_are_written_without_a_comparison_after_sigterm(pes_explore, search, tmp_path):
    def terminated(progress):
        os.kill(os.getpid(), signal.SIGTERM)

    search.during = terminated
    answer = pes_explore("run", "--smiles", "CC", "--out", tmp_path)
    assert answer.code == 0
    assert search.without_comparison
    assert "because of SIGTERM" not in answer.out
    assert (tmp_path / "index.html").exists()


def test_first_interrupt_asks_for_the_end_of_the_round_and_the_second_aborts(capfd):
    before = signal.getsignal(signal.SIGINT)  # a shell ignores it for what runs in the background
    with stop_on_interrupt() as stop:
        assert not stop()
        os.kill(os.getpid(), signal.SIGINT)
        assert stop()
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert "Stopping after this round" in capfd.readouterr().err
    assert signal.getsignal(signal.SIGINT) is before
