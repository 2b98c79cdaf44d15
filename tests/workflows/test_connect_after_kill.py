"""A search for transition states that is killed and repeated ends with the graph of an uninterrupted one."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from cluster_run import write_cluster_run

from explorer.records.run import RunRecord
from explorer.saddles import connect
from explorer.saddles.connect import ConnectTask
from explorer.store.read import read_run
from explorer.workflows.connect import ConnectBudget, connect_run
from explorer.workflows.session import Session

N_ROUNDS = 5
KILLED = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from explorer.store import store
from test_connect_after_kill import search
write = store.write_connect_round
def write_and_die(connection, round):
    write(connection, round)
    if round.index == {fatal}:
        os.kill(os.getpid(), signal.SIGKILL)  # all rows are written, and the transaction is open
store.write_connect_round = write_and_die
search(Path({folder!r}), {n_rounds})
"""


def n_rounds(record: RunRecord) -> int:
    """Rounds of attempts that are stored."""
    return len({attempt.round for attempt in record.saddle_attempts})


def search(folder: Path, rounds: int) -> RunRecord:
    """Search until a run has so many rounds of two attempts."""
    connect.ATTEMPTS_PER_ROW = 1
    with Session.open(folder, writing=True) as session:
        connect_run(
            session, ConnectTask(), ConnectBudget(), lambda *_: None, lambda: n_rounds(session.record) >= rounds
        )
        return session.record


def started(folder: Path, fatal: int) -> subprocess.Popen:
    """Search in another process, which is killed while it stores the round `fatal`."""
    script = KILLED.format(tests=str(Path(__file__).parent), folder=str(folder), fatal=fatal, n_rounds=N_ROUNDS)
    path = os.pathsep.join([str(Path(__file__).parents[1]), *sys.path])
    return subprocess.Popen(
        [sys.executable, "-c", script], env=os.environ | {"PYTHONPATH": path, "JAX_ENABLE_X64": "1"}
    )


@pytest.mark.slow
def test_nothing_is_lost_or_doubled_by_kills(tmp_path, monkeypatch):
    monkeypatch.setattr(connect, "ATTEMPTS_PER_ROW", 1)
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    write_cluster_run(whole, 5)
    shutil.copytree(whole, broken)
    expected = search(whole, N_ROUNDS)
    assert expected.transition_states

    assert started(broken, fatal=1).wait(300) == -signal.SIGKILL
    stored = read_run(broken).saddle_attempts
    assert stored == tuple(a for a in expected.saddle_attempts if a.round == 0), "the round was not finished"

    process = started(broken, fatal=-1)
    while process.poll() is None and n_rounds(read_run(broken)) < 2:
        time.sleep(0.02)
    time.sleep(random.Random(3).uniform(0, 0.3))  # anywhere in the attempts of the next round
    process.kill()
    assert process.wait() == -signal.SIGKILL
    stored = read_run(broken).saddle_attempts
    assert 0 < len(stored) < len(expected.saddle_attempts)
    assert stored == expected.saddle_attempts[: len(stored)]

    search(broken, N_ROUNDS)
    found = read_run(broken)
    assert found.saddle_attempts == expected.saddle_attempts
    assert [(s.energy, s.minima) for s in found.transition_states] == [
        (s.energy, s.minima) for s in expected.transition_states
    ]
    assert [m.energy for m in found.minima] == [m.energy for m in expected.minima]
