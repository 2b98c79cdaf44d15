"""What is chosen: low, uncertain, usable, and no two alike."""

from itertools import combinations

import numpy as np
import pytest

from explorer.active_learning.select import POOL, select_structures, split_structures

RNG = np.random.default_rng


def pick(energies, errors, features, usable=None, n=2, top=1.0, known=None, seed=0):
    usable = np.ones(len(energies), bool) if usable is None else np.array(usable)
    arrays = (np.array(energies, float), np.array(errors, float), np.array(features, float), usable)
    return sorted(select_structures(*arrays, n, top, RNG(seed), known).tolist())


def test_of_twins_one_is_chosen():
    features = [[0, 0], [0, 0.01], [5, 0], [5, 0.01], [0, 5], [0.01, 5]]
    for seed in range(6):
        chosen = pick(range(6), np.ones(6), features, n=3, top=9, seed=seed)
        assert [k // 2 for k in chosen] == [0, 1, 2]


@pytest.mark.parametrize(
    ("energies", "errors", "usable", "n", "expected"),
    [
        ([0, 0.5, 2.0, 3.0], [1, 1, 9, 9], None, 2, [0, 1]),  # what is high does not count, however uncertain
        ([0, 2.0, 3.0, 4.0], [1, 1, 1, 9], None, 3, [0, 1, 2]),  # too few are low: the next ones by energy
        ([0, 0.1, 0.2, 0.3], [1, 1, 1, 1], [False, True, False, True], 2, [1, 3]),
        ([0, 0.1, 0.2, 0.3], [np.nan] * 4, None, 4, [0, 1, 2, 3]),  # nobody knows the errors: all rank alike
        ([0, 0.1], [1, 1], [False, False], 2, []),
    ],
)
def test_truth_table(energies, errors, usable, n, expected):
    assert pick(energies, errors, np.eye(len(energies)), usable, n) == expected


def test_pool_is_the_most_uncertain():
    n_all = 40
    errors = RNG(1).permutation(n_all).astype(float)
    chosen = pick(np.zeros(n_all), errors, RNG(2).normal(size=(n_all, 3)), n=4)
    assert len(chosen) == 4
    assert min(errors[chosen]) >= n_all - POOL * 4


def test_what_was_labelled_before_is_kept_away_from():
    features = np.array([[0.1, 0], [4.1, 0], [0, 4]])
    assert pick(np.zeros(3), np.ones(3), features, n=1, known=np.array([[0.0, 0], [4, 0.1]])) == [2]


def test_chosen_ones_are_farther_apart_than_random_ones():
    features = RNG(3).normal(size=(30, 4))
    nearest = lambda some: min(np.linalg.norm(features[a] - features[b]) for a, b in combinations(some, 2))  # noqa: E731
    drawn = [nearest(RNG(k).choice(30, 10, replace=False)) for k in range(20)]
    assert nearest(pick(np.zeros(30), np.ones(30), features, n=10)) > max(drawn)


@pytest.mark.parametrize(("n", "n_each"), [(1, 0), (2, 0), (3, 1), (10, 1), (40, 2), (100, 5)])
def test_a_tenth_of_the_structures_is_not_trained_on(n, n_each):
    splits = split_structures(n, RNG(0))
    assert [splits.count(name) for name in ("train", "validation", "test")] == [n - 2 * n_each, n_each, n_each]
