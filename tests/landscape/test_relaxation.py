"""Populations over time: closed form of two states, conservation, equilibrium, and the large network's method."""

import numpy as np
import pytest
import scipy.linalg
from networks import random_network

from explorer.errors import InputError
from explorer.landscape import relaxation
from explorer.landscape.rates import RateNetwork
from explorer.landscape.relaxation import populations_over_time


def test_two_states_relax_exponentially_with_the_sum_of_the_rates():
    network = random_network(2, 0, 8.0, seed=1)
    rates, equilibrium = network.rate_matrix(), np.exp(network.log_populations())
    times = np.array([0.0, 0.3, 2.0]) / (rates[0, 1] + rates[1, 0])
    found = populations_over_time(network, np.array([1.0, 0.0]), times)
    expected = equilibrium[0] + (1 - equilibrium[0]) * np.exp(-np.array([0.0, 0.3, 2.0]))
    np.testing.assert_allclose(found[:, 0], expected, rtol=1e-12)


@pytest.mark.parametrize("largest", [3000, 2])
def test_both_methods_agree_with_the_exponential_of_the_matrix(monkeypatch, largest):
    monkeypatch.setattr(relaxation, "MAX_DENSE", largest)
    network = random_network(12, 10, 6.0, seed=2)
    rates = network.rate_matrix().toarray()
    start = np.zeros(12)
    start[[3, 5]] = 0.25, 0.75
    times = np.array([0.1, 4.0, 50.0])
    found = populations_over_time(network, start, times)
    for t, populations in zip(times, found, strict=True):
        expected = scipy.linalg.expm((rates.T - np.diag(rates.sum(axis=1))) * t) @ start
        np.testing.assert_allclose(populations, expected, atol=1e-12)
    np.testing.assert_allclose(found.sum(axis=1), 1.0, rtol=1e-12)


def test_populations_end_in_equilibrium_within_each_part():
    network = random_network(8, 6, 10.0, seed=3)
    start = np.eye(8)[6]
    end = populations_over_time(network, start, np.array([1e8]))[0]
    np.testing.assert_allclose(end, np.exp(network.log_populations()), rtol=1e-8)


def test_times_beyond_double_precision_are_refused():
    network = RateNetwork(
        ids=np.arange(3),
        free_energies=np.zeros(3),
        saddle_ids=np.arange(2),
        ends=np.array([[0, 1], [1, 2]]),
        saddle_free_energies=np.array([1.0, 50.0]),
        log_prefactor=0.0,
    )
    start = np.eye(3)[0]
    np.testing.assert_allclose(populations_over_time(network, start, np.array([1e3]))[0], [0.5, 0.5, 0], atol=1e-9)
    with pytest.raises(InputError, match="Lump the fast minima first"):
        populations_over_time(network, start, np.array([1e20]))
