"""Selected structures are low, uncertain, usable and different from each other."""

from itertools import combinations

import numpy as np
import pytest

from explorer.active_learning.select import POOL_FACTOR, select_structures, split_structures

RNG = np.random.default_rng


def pick(energies, errors, features, usable=None, n=2, top=1.0, known=None, seed=0):
    usable = np.ones(len(energies), bool) if usable is None else np.array(usable)
    arrays = (np.array(energies, float), np.array(errors, float), np.array(features, float), usable)
    return sorted(select_structures(*arrays, n, top, RNG(seed), known).tolist())


def test_one_of_two_similar_structures_is_selected():
    features = [[0, 0], [0, 0.01], [5, 0], [5, 0.01], [0, 5], [0.01, 5]]
    for seed in range(6):
        selected = pick(range(6), np.ones(6), features, n=3, top=9, seed=seed)
        assert [k // 2 for k in selected] == [0, 1, 2]


@pytest.mark.parametrize(
    ("energies", "errors", "usable", "n", "expected"),
    [
        ([0, 0.5, 2.0, 3.0], [1, 1, 9, 9], None, 2, [0, 1]),  # high structures are not selected, however uncertain
        ([0, 2.0, 3.0, 4.0], [1, 1, 1, 9], None, 3, [0, 1, 2]),  # too few low ones: the next ones by energy
        ([0, 0.1, 0.2, 0.3], [1, 1, 1, 1], [False, True, False, True], 2, [1, 3]),
        ([0, 0.1, 0.2, 0.3], [np.nan] * 4, None, 4, [0, 1, 2, 3]),  # without expected errors, all rank equally
        ([0, 0.1], [1, 1], [False, False], 2, []),
    ],
)
def test_selection_by_energy_error_and_usability(energies, errors, usable, n, expected):
    assert pick(energies, errors, np.eye(len(energies)), usable, n) == expected


def test_pool_is_the_most_uncertain():
    n_all = 40
    errors = RNG(1).permutation(n_all).astype(float)
    selected = pick(np.zeros(n_all), errors, RNG(2).normal(size=(n_all, 3)), n=4)
    assert len(selected) == 4
    assert min(errors[selected]) >= n_all - POOL_FACTOR * 4


def test_selected_structure_is_far_from_those_labelled_before():
    features = np.array([[0.1, 0], [4.1, 0], [0, 4]])
    assert pick(np.zeros(3), np.ones(3), features, n=1, known=np.array([[0.0, 0], [4, 0.1]])) == [2]


def test_selected_structures_are_farther_apart_than_random_ones():
    features = RNG(3).normal(size=(30, 4))
    nearest = lambda some: min(np.linalg.norm(features[a] - features[b]) for a, b in combinations(some, 2))  # noqa: E731
    drawn = [nearest(RNG(k).choice(30, 10, replace=False)) for k in range(20)]
    assert nearest(pick(np.zeros(30), np.ones(30), features, n=10)) > max(drawn)


@pytest.mark.parametrize(("n", "n_each"), [(1, 0), (2, 0), (3, 1), (10, 1), (40, 2), (100, 5)])
def test_a_tenth_of_the_structures_is_for_validation_and_tests(n, n_each):
    splits = split_structures(n, RNG(0))
    assert [splits.count(name) for name in ("train", "validation", "test")] == [n - 2 * n_each, n_each, n_each]
