"""Starts of saddle searches on clusters: soft modes in both senses, then random ones."""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy.spatial.distance import pdist

from explorer.bench.systems import random_cluster
from explorer.saddles.climb import Climber

CLUSTER = random_cluster(8, 0)
MINIMUM = SimpleNamespace(id=3, positions=CLUSTER.positions)
MODES = np.linalg.qr(np.random.default_rng(0).normal(size=(24, 18)))[0].T.reshape(18, 8, 3)
SADDLES = [SimpleNamespace(positions=random_cluster(8, seed).positions) for seed in (1, 2)]


def start(number, seed=0, saddles=()):
    return Climber(CLUSTER, seed).displaced(MINIMUM, MODES, number, saddles)


def test_soft_modes_are_followed_in_both_senses_first():
    climber = Climber(CLUSTER, 0)
    for number in range(climber.n_starts):
        moved = start(number).positions - CLUSTER.positions
        along = np.tensordot(MODES, moved, axes=2)
        assert np.flatnonzero(np.abs(along) > 1e-9).tolist() == [number // 2]
        assert np.sign(along[number // 2]) == (1 if number % 2 == 0 else -1)


@pytest.mark.parametrize("number", [16, 17, 18, 19])
def test_random_starts_depend_on_seed_and_number_alone(number):
    assert np.array_equal(start(number, saddles=SADDLES).positions, start(number, saddles=SADDLES).positions)
    for other in (start(number, seed=1, saddles=SADDLES), start(number + 4, saddles=SADDLES)):
        assert np.abs(other.positions - start(number, saddles=SADDLES).positions).max() > 0.01


def test_a_quarter_of_the_random_starts_lie_beside_known_saddles():
    for number in range(16, 36):
        shifts = [np.linalg.norm(start(number, saddles=SADDLES).positions - s.positions) for s in SADDLES]
        assert (min(shifts) < 0.71) == (number % 4 == 3)


@pytest.mark.parametrize("number", [16, 18, 19])
def test_random_clusters_have_the_contacts_of_the_minimum(number):
    positions = start(number).positions
    assert np.linalg.norm(positions - CLUSTER.positions) > 1.0
    assert pdist(positions).min() > 0.5 * pdist(CLUSTER.positions).min()
    assert pdist(positions).max() < 3 * pdist(CLUSTER.positions).max()
