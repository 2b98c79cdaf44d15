"""Richness estimates against simulated visits of a known number of minima."""

import numpy as np
import pytest

from explorer.landscape.coverage import chao1, good_turing_coverage


def test_chao1_of_a_hand_made_count():
    # 4 seen once, 2 twice, 1 five times: 7 + 4 * 3 / (2 * 3)
    estimate, lower, upper = chao1([1, 1, 1, 1, 2, 2, 5, 0])
    assert estimate == pytest.approx(9)
    assert 7 < lower < 9 < upper


def test_everything_seen_often_leaves_nothing_to_find():
    assert chao1([5, 6, 7]) == (3, 3, 3)
    assert good_turing_coverage([5, 6, 7]) == 1
    assert chao1([]) == (0, 0, 0)
    assert good_turing_coverage([]) == 0


def test_interval_holds_the_true_number_of_equally_likely_minima_in_nine_of_ten_runs():
    rng = np.random.default_rng(0)
    n_minima, held, estimates = 200, 0, []
    for _ in range(200):
        visits = np.bincount(rng.integers(n_minima, size=250), minlength=n_minima)
        estimate, lower, upper = chao1(visits.tolist())
        held += lower <= n_minima <= upper
        estimates.append(estimate)
    assert held >= 180
    assert np.mean(estimates) == pytest.approx(n_minima, rel=0.05)


def test_chao1_is_between_the_seen_and_the_true_number_when_minima_differ_in_size():
    rng = np.random.default_rng(1)
    basins = rng.dirichlet(np.full(300, 0.5))
    visits = rng.multinomial(600, basins)
    estimate = chao1(visits.tolist()).estimate
    assert np.sum(visits > 0) < estimate < 300


def test_coverage_is_the_probability_mass_of_the_known_minima():
    rng = np.random.default_rng(2)
    errors = []
    for _ in range(100):
        basins = rng.dirichlet(np.full(100, 0.5))
        visits = rng.multinomial(200, basins)
        errors.append(good_turing_coverage(visits.tolist()) - basins[visits > 0].sum())
    assert np.mean(errors) == pytest.approx(0, abs=0.01)
    assert np.std(errors) < 0.05
