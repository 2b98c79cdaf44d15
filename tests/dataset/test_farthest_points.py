"""Farthest points cover within twice the best possible radius; features are invariant under rigid motions."""

from itertools import combinations

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from explorer.dataset.farthest_points import farthest_points, inverse_distances


def radius(points, selected):
    return cdist(points, points[list(selected)]).min(axis=1).max()


@pytest.mark.parametrize("seed", range(5))
def test_radius_is_at_most_twice_the_best(seed):
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(12, 2))
    selected = farthest_points(points, 4, rng)
    best = min(radius(points, some) for some in combinations(range(12), 4))
    assert len(set(selected.tolist())) == 4
    assert radius(points, selected) <= 2 * best + 1e-12


def test_at_most_all_points_are_selected():
    rng = np.random.default_rng(1)
    assert sorted(farthest_points(np.eye(3), 9, rng)) == [0, 1, 2]
    assert len(farthest_points(np.zeros((0, 3)), 2, rng)) == 0


def test_features_depend_on_hydroxyl_hydrogens_and_not_on_rigid_motions():
    numbers, bonds = np.array([6, 8, 1, 1]), np.array([[0, 1], [0, 2], [1, 3]])
    positions = np.random.default_rng(1).normal(size=(4, 3))
    rotation = np.linalg.qr(np.random.default_rng(2).normal(size=(3, 3)))[0]
    on_carbon, on_oxygen = positions.copy(), positions.copy()
    on_carbon[2] += 0.3
    on_oxygen[3] += 0.3
    features = inverse_distances(numbers, bonds, np.array([positions, positions @ rotation + 1, on_carbon, on_oxygen]))
    assert features.shape == (4, 3)
    np.testing.assert_allclose(features[1:3], [features[0]] * 2)
    assert np.abs(features[3] - features[0]).max() > 1e-3
