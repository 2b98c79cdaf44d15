"""Jobs over processes: all are done, and those that have not begun are left out when somebody stops."""

import time
from pathlib import Path

import pytest

from explorer.dataset.processes import in_processes


class Stopped(Exception):
    """Stands for Ctrl-C."""


def touch(path: Path) -> None:
    time.sleep(0.05)
    path.touch()


def test_every_call_is_made_and_counted(tmp_path):
    counts = []
    in_processes(touch, [(tmp_path / str(k),) for k in range(3)], 2, lambda done, total: counts.append((done, total)))
    assert counts == [(0, 3), (1, 3), (2, 3), (3, 3)]
    assert len(list(tmp_path.iterdir())) == 3


def test_what_has_not_begun_is_left_out_when_the_progress_raises(tmp_path):
    def stop(done, total):
        if done == 1:
            raise Stopped

    with pytest.raises(Stopped):
        in_processes(touch, [(tmp_path / str(k),) for k in range(30)], 1, stop)
    assert 1 <= len(list(tmp_path.iterdir())) < 10
