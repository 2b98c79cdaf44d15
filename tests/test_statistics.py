"""Rank correlation against values computed by hand, and NaN where it is undefined."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from explorer.statistics import median_rank_correlation, rank_correlation


def test_rank_correlation_depends_on_the_order_only():
    a = np.array([0.0, 1.0, 5.0, 6.0])
    assert rank_correlation(a, np.exp(a)) == pytest.approx(1)
    assert rank_correlation(a, -a) == pytest.approx(-1)
    assert rank_correlation(np.array([0.0, 3.0, 1.0]), np.array([0.0, 3.0, -2.0])) == pytest.approx(0.5)


def test_equal_values_share_a_rank_as_in_scipy():
    a, b = np.random.default_rng(0).integers(0, 6, (2, 40)).astype(float)
    assert rank_correlation(a, b) == pytest.approx(spearmanr(a, b).statistic, abs=1e-12)


def test_pairs_that_are_not_finite_do_not_count():
    a, b = np.array([0.0, 1.0, np.nan, 2.0, 3.0]), np.array([1.0, 2.0, -9.0, 3.0, np.inf])
    assert rank_correlation(a, b) == pytest.approx(1)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ([0.0, 1.0], [0.0, 1.0]),
        ([1.0, 1.0, 1.0], [0.0, 1.0, 2.0]),
        ([0.0, 1.0, 2.0], [2.0, 2.0, 2.0]),
        ([0.0, 1.0, np.nan], [0.0, 1.0, 2.0]),
    ],
)
def test_undefined_correlation_is_nan(a, b):
    assert np.isnan(rank_correlation(np.array(a), np.array(b)))


def test_groups_are_ranked_apart():
    groups = np.repeat(["a", "b", "c"], [4, 4, 2])
    a = np.array([0.0, 1, 2, 3, 10, 11, 12, 13, 20, 21])
    b = np.array([3.0, 2, 1, 0, 13, 12, 11, 10, 20, 21])
    assert rank_correlation(a, b) > 0.7
    assert median_rank_correlation(groups, a, b) == pytest.approx(-1)  # of two values there is none
    assert np.isnan(median_rank_correlation(groups[8:], a[8:], b[8:]))
