"""Groups of fast minima keep populations and detailed balance, and slow times are those of the whole network."""

import numpy as np
import pytest
from networks import random_network

from explorer.landscape.lumping import barrier_as_time, lump_faster_than
from explorer.landscape.passage import mean_passage_time, passage_times, steady_state_rate
from explorer.landscape.rates import RateNetwork


def two_valleys() -> RateNetwork:
    """Two groups of three minima with barriers of 2 kT inside and 20 kT between them."""
    return RateNetwork(
        ids=np.arange(6),
        free_energies=np.array([0.0, 1.0, 0.5, 0.2, 0.7, 1.5]),
        saddle_ids=np.arange(5),
        ends=np.array([[0, 1], [1, 2], [3, 4], [4, 5], [2, 3]]),
        saddle_free_energies=np.array([2.5, 3.0, 2.6, 3.1, 20.0]),
        log_prefactor=0.0,
    )


def test_fast_minima_become_one_state_named_by_its_lowest():
    lumped, groups = lump_faster_than(two_valleys(), 1e4)
    assert groups.tolist() == [0, 0, 0, 1, 1, 1]
    assert lumped.ids.tolist() == [0, 3]
    assert lumped.saddle_ids.tolist() == [4]


def test_populations_add_and_slow_exchange_keeps_its_times():
    network = two_valleys()
    lumped, groups = lump_faster_than(network, 1e4)
    populations = np.exp(network.log_populations())
    expected = [populations[groups == g].sum() for g in (0, 1)]
    np.testing.assert_allclose(np.exp(lumped.log_populations()), expected, rtol=1e-12)
    a, b = np.arange(3), np.arange(3, 6)
    whole = steady_state_rate(network.rate_matrix(), network.log_populations(), a, b)
    assert lumped.rate_matrix()[0, 1] == pytest.approx(whole, rel=1e-6)
    time = mean_passage_time(network.rate_matrix(), network.log_populations(), a, b)
    assert passage_times(lumped.rate_matrix(), np.array([1])).mean[0] == pytest.approx(time, rel=1e-6)


def test_threshold_decides_and_a_barrier_is_a_time():
    network = two_valleys()
    # minima 0 and 1 are one state when minimum 2 joins them
    slowest_inside = 1 / np.exp(-3.0) / (1 / (1 + np.exp(-1.0)) + np.exp(0.5))
    assert lump_faster_than(network, 0.1).groups.tolist() == [0, 1, 2, 3, 4, 5]
    assert lump_faster_than(network, 0.99 * slowest_inside).groups[:3].tolist() == [0, 0, 1]
    assert lump_faster_than(network, 1.01 * slowest_inside).groups[:3].tolist() == [0, 0, 0]
    assert barrier_as_time(network, 2.0) == pytest.approx(np.exp(2.0))


@pytest.mark.parametrize("seed", range(5))
def test_no_two_groups_relax_faster_than_the_time(seed):
    network = random_network(25, 25, 30.0, seed)
    lumped, groups = lump_faster_than(network, 1e3)
    rates = lumped.rate_matrix().toarray()
    assert (rates + rates.T).max() < 1e-3
    assert 1 < len(lumped.ids) < 25
    assert sorted(set(groups.tolist())) == list(range(len(lumped.ids)))
    flux = rates * np.exp(lumped.log_populations())[:, None]
    np.testing.assert_allclose(flux, flux.T, rtol=1e-12)
