"""Jobs in several processes: all are done, and those that have not started are cancelled by an exception."""

import time
from pathlib import Path

import pytest

from explorer.dataset.processes import run_in_processes


class Stopped(Exception):
    """Raised in place of Ctrl-C."""


def touch(path: Path) -> None:
    time.sleep(0.05)
    path.touch()


def test_every_call_is_made_and_counted(tmp_path):
    counts = []
    run_in_processes(
        touch, [(tmp_path / str(k),) for k in range(3)], 2, lambda done, total: counts.append((done, total))
    )
    assert counts == [(0, 3), (1, 3), (2, 3), (3, 3)]
    assert len(list(tmp_path.iterdir())) == 3


def test_calls_that_have_not_started_are_cancelled_when_progress_raises(tmp_path):
    def stop(done, total):
        if done == 1:
            raise Stopped

    with pytest.raises(Stopped):
        run_in_processes(touch, [(tmp_path / str(k),) for k in range(30)], 1, stop)
    assert 1 <= len(list(tmp_path.iterdir())) < 10
