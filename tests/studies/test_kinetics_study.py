"""The study of kinetics measures what it says: exact numbers, and a solver that loses them."""

import numpy as np
import pytest
from studies import kinetics


def test_two_minima_have_the_time_of_their_only_barrier():
    rates = kinetics.chain_of_valleys(2, 10.0, 0).rate_matrix()
    assert kinetics.exact_times(rates)[0] == pytest.approx(1 / rates[1, 0], rel=1e-15)


def test_elimination_keeps_what_the_solver_of_numpy_loses():
    rates = kinetics.chain_of_valleys(12, 100.0, 0).rate_matrix()
    exact, solvers = kinetics.exact_times(rates), kinetics.solvers()
    assert np.abs(solvers["elimination"](rates) / exact - 1).max() < 1e-13
    assert np.abs(solvers["numpy.linalg.solve"](rates) / exact - 1).max() > 1e-10


def test_network_in_space_is_connected():
    assert len(set(kinetics.neighbours_in_space(60, 2, 3, 0).components().tolist())) == 1
