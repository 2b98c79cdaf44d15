"""Rate constants of transition state theory: closed forms, detailed balance, what is left out."""

import numpy as np
import pytest
from networks import random_network

from explorer.errors import InputError
from explorer.landscape.rates import largest_rate_ratio, log_prefactor, rate_network
from explorer.units import BOLTZMANN, KCAL_PER_MOL


def test_prefactor_is_that_of_eyring():
    assert np.exp(log_prefactor(300.0)) == pytest.approx(1.380649e-23 * 300 / 6.62607015e-34, rel=1e-9)


def test_rate_over_a_barrier_of_ten_kcal_per_mol_is_known():
    """The textbook number for 10 kcal/mol at 298.15 K is 2.9e5 per second."""
    network = rate_network({3: 0.0, 7: 0.0}, {0: (3, 7, 10 * KCAL_PER_MOL)}, 298.15)
    assert network.rate_matrix()[0, 1] == pytest.approx(2.91e5, rel=0.01)


@pytest.mark.parametrize("zero", [0.0, -21345.678])
def test_rates_over_parallel_saddles_add_and_obey_detailed_balance(zero):
    minima = {4: zero + 0.0, 2: zero + 0.31, 9: zero + 0.1}
    saddles = {0: (4, 2, zero + 0.9), 1: (2, 4, zero + 0.95), 2: (9, 2, zero + 1.7)}
    network = rate_network(minima, saddles, 300.0, zero)
    rates, populations = network.rate_matrix().toarray(), np.exp(network.log_populations())
    prefactor = np.exp(log_prefactor(300.0))
    expected = prefactor * sum(np.exp(-(e - 0.0) / (BOLTZMANN * 300)) for e in (0.9, 0.95))
    assert rates[0, 1] == pytest.approx(expected, rel=1e-12 if zero == 0 else 1e-8)
    flux = rates * populations[:, None]
    np.testing.assert_allclose(flux, flux.T, rtol=1e-12)


def test_degenerate_rearrangements_and_unknown_minima_are_left_out():
    network = rate_network({0: 0.0, 1: 0.1}, {5: (0, 0, 0.5), 6: (0, 1, 0.5), 7: (1, 2, 0.4)}, 300.0)
    assert network.saddle_ids.tolist() == [6]


def test_detailed_balance_holds_for_rates_that_span_60_orders_of_magnitude():
    network = random_network(40, 60, 140.0, seed=0)
    logs, populations = network.log_rates, network.log_populations()
    assert np.ptp(logs) > 60 * np.log(10) / 1.2
    a, b = network.ends.T
    np.testing.assert_allclose(logs[:, 0] + populations[a], logs[:, 1] + populations[b], atol=1e-12)


def test_barrier_beyond_double_precision_is_refused():
    network = rate_network({0: 0.0, 1: 0.0}, {0: (0, 1, 2.0)}, 10.0)
    with pytest.raises(InputError, match="higher temperature"):
        network.rate_matrix()


def test_parts_of_a_network_are_told_apart_and_taken_out():
    network = rate_network({0: 0.0, 1: 0.1, 2: 0.2, 3: 0.3}, {0: (0, 2, 0.5), 1: (1, 3, 0.6)}, 300.0)
    parts = network.components()
    assert parts[0] == parts[2] != parts[1] == parts[3]
    part = network.restricted(np.array([1, 3]))
    assert (part.ids.tolist(), part.saddle_ids.tolist(), part.ends.tolist()) == ([1, 3], [1], [[0, 1]])


def test_one_kcal_per_mol_is_a_factor_of_five_at_room_temperature():
    assert largest_rate_ratio(KCAL_PER_MOL, 300.0) == pytest.approx(5.35, abs=0.01)
