"""A call ends in time, or is left behind."""

import sys
import threading
import time

import pytest

from explorer.time_limit import within_time


@pytest.mark.parametrize("seconds", [0, 30])
def test_results_and_errors_are_those_of_the_call(seconds):
    assert within_time(lambda: 3, seconds) == 3
    assert within_time(lambda: None, seconds) is None
    with pytest.raises(ZeroDivisionError):
        within_time(lambda: 1 / 0, seconds)
    with pytest.raises(SystemExit, match="no licence"):
        within_time(lambda: sys.exit("no licence"), seconds)


def test_a_call_that_takes_too_long_is_left_behind():
    ended = threading.Event()
    started = time.monotonic()
    with pytest.raises(TimeoutError, match=r"no result within 0\.1 s"):
        within_time(lambda: ended.wait(10), 0.1)
    assert time.monotonic() - started < 5
    ended.set()


def test_without_a_limit_the_call_runs_in_this_thread():
    assert within_time(threading.current_thread, 0) is threading.current_thread()
