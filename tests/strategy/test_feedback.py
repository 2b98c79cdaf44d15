"""Feedback as a truth table, and its balance over many steps."""

import numpy as np
import pytest

from explorer.config import HoppingSettings
from explorer.records.hop import Outcome
from explorer.records.moves import Move
from explorer.strategy.acceptance import is_accepted
from explorer.strategy.feedback import update_ediff, update_temperature

SETTINGS = HoppingSettings(beta_same=1.1, beta_known=1.05, beta_new=0.9, beta_visits=0.2)


@pytest.mark.parametrize(
    ("outcome", "visits", "factor"),
    [
        (Outcome.SAME, 1, 1.1),
        (Outcome.SAME, 10, 1.1 * (1 + 0.2 * np.log(10))),
        (Outcome.KNOWN, 2, 1.05 * (1 + 0.2 * np.log(2))),
        (Outcome.NEW, 1, 0.9),
        (Outcome.NEW, 7, 0.9),
        (Outcome.CHANGED, 3, 0.9),
        (Outcome.FAILED, 0, 1.0),
    ],
)
def test_temperature_follows_the_outcome(outcome, visits, factor):
    assert update_temperature(400.0, outcome, visits, SETTINGS) == pytest.approx(400.0 * factor)


def test_temperature_stays_within_its_bounds():
    hot = cold = SETTINGS.temperature
    for _ in range(200):
        hot = update_temperature(hot, Outcome.SAME, 50, SETTINGS)
        cold = update_temperature(cold, Outcome.NEW, 1, SETTINGS)
    assert (cold, hot) == (SETTINGS.temperature_min, SETTINGS.temperature_max)


@pytest.mark.parametrize("outcome", list(Outcome))
def test_only_other_allowed_minima_below_the_threshold_are_accepted(outcome):
    can_be = outcome in (Outcome.NEW, Outcome.KNOWN)
    assert is_accepted(outcome, -0.3, 0.1) is can_be
    assert is_accepted(outcome, 0.09, 0.1) is can_be
    assert is_accepted(outcome, 0.11, 0.1) is False
    assert is_accepted(outcome, 9.0, 0.1, Move.RANDOM_RESTART) is can_be


def test_threshold_changes_only_after_acceptance_or_rejection():
    assert update_ediff(0.1, Outcome.NEW, True, SETTINGS) == pytest.approx(0.1 * SETTINGS.alpha_accepted)
    assert update_ediff(0.1, Outcome.KNOWN, False, SETTINGS) == pytest.approx(0.1 * SETTINGS.alpha_rejected)
    for outcome in (Outcome.SAME, Outcome.CHANGED, Outcome.FAILED):
        assert update_ediff(0.1, outcome, False, SETTINGS) == 0.1
    assert update_ediff(SETTINGS.ediff_max, Outcome.NEW, False, SETTINGS) == SETTINGS.ediff_max
    assert update_ediff(SETTINGS.ediff_min, Outcome.NEW, True, SETTINGS) == SETTINGS.ediff_min


def test_half_of_random_steps_are_accepted_on_average():
    rng = np.random.default_rng(0)
    ediff, n_accepted = SETTINGS.ediff, 0
    for energy_change in rng.exponential(0.1, size=4000):
        accepted = is_accepted(Outcome.NEW, energy_change, ediff)
        ediff = update_ediff(ediff, Outcome.NEW, accepted, SETTINGS)
        n_accepted += accepted
    assert n_accepted / 4000 == pytest.approx(0.5, abs=0.03)
