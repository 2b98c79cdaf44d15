"""Times of force calls, from which the share of the potential in the time of a search is computed."""

import time
from types import SimpleNamespace

import numpy as np
import pytest

from explorer.hopping.timing import walker_call_seconds

SECONDS_PER_CALL, SECONDS_PER_ROUND = 0.02, 0.01
N_SLOTS = 4


class SleepingPool:
    """Pool whose rounds take a known time, and the first of them longer, as with a program that was just loaded."""

    n_slots = N_SLOTS
    system = SimpleNamespace(positions=np.zeros((3, 3)))
    first_takes = 0.3  # s

    def without_padding(self, vectors):
        return vectors

    def trial_round(self, requests, n_ticks):
        assert [request.walker for request in requests] == list(range(N_SLOTS))
        time.sleep(self.first_takes + SECONDS_PER_ROUND + SECONDS_PER_CALL * n_ticks)
        self.first_takes = 0.0


def test_a_first_round_with_cold_caches_does_not_shorten_the_measured_force_call():
    assert walker_call_seconds(SleepingPool()) == pytest.approx(SECONDS_PER_CALL / N_SLOTS, rel=0.25)
