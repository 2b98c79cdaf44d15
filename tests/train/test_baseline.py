"""Atomic energies move for compositions that are new, and stay where old molecules determine them."""

import numpy as np

from explorer.train.baseline import shift

CHAIN = np.array([[12, 6, 2, 2], [17, 9, 3, 3], [22, 12, 4, 4]])  # H C N O of capped alanines: all on one line


def test_a_new_composition_is_met_and_old_molecules_stay():
    other = np.array([[15, 8, 3, 5]])
    moved = shift(np.concatenate([CHAIN, other]), np.array([0.0, 0, 0, 30.0]))
    np.testing.assert_allclose(CHAIN @ moved, 0, atol=1e-9)
    np.testing.assert_allclose(other @ moved, 30.0)


def test_nothing_moves_where_nothing_is_off():
    np.testing.assert_array_equal(shift(CHAIN, np.zeros(3)), 0)


def test_many_molecules_hold_against_one():
    counts = np.random.default_rng(0).integers(1, 30, size=(200, 4))
    moved = shift(counts, np.eye(200)[0])
    assert np.abs(counts[1:] @ moved).max() < 0.1
