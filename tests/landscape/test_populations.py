"""Boltzmann populations against closed forms."""

import numpy as np
import pytest

from explorer.landscape.populations import populations
from explorer.units import BOLTZMANN, KCAL_PER_MOL


def test_two_states_have_the_ratio_of_their_boltzmann_factors():
    shares = populations(np.array([-500.0, -500.0 + KCAL_PER_MOL]), 298.15)
    assert shares.sum() == pytest.approx(1)
    # RT = 0.592484 kcal/mol at 298.15 K
    assert shares[0] / shares[1] == pytest.approx(np.exp(1 / 0.592484), rel=1e-5)


def test_degeneracy_counts_like_copies():
    energies = np.array([0.0, 0.02])
    copies = populations(np.array([0.0, 0.02, 0.02]), 300.0)
    np.testing.assert_allclose(populations(energies, 300.0, np.array([1, 2])), [copies[0], copies[1:].sum()])


def test_populations_are_equal_at_high_temperature_and_the_lowest_minimum_dominates_at_low():
    energies = BOLTZMANN * 300 * np.array([0.0, 1.0, 2.0])
    np.testing.assert_allclose(populations(energies, 1e9), 1 / 3, rtol=1e-5)
    np.testing.assert_allclose(populations(energies, 1.0), [1, 0, 0], atol=1e-12)


def test_no_minima_have_no_populations():
    assert len(populations(np.empty(0), 300.0)) == 0
