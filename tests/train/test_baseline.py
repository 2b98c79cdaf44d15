"""Atomic energies change for new compositions and stay where old molecules determine them."""

import numpy as np

from explorer.train.baseline import least_squares_shift

CHAIN = np.array([[12, 6, 2, 2], [17, 9, 3, 3], [22, 12, 4, 4]])  # H C N O of capped alanines: all on one line


def test_new_composition_is_fitted_and_old_molecules_keep_their_energies():
    other = np.array([[15, 8, 3, 5]])
    shift = least_squares_shift(np.concatenate([CHAIN, other]), np.array([0.0, 0, 0, 30.0]))
    np.testing.assert_allclose(CHAIN @ shift, 0, atol=1e-9)
    np.testing.assert_allclose(other @ shift, 30.0)


def test_no_offset_gives_no_shift():
    np.testing.assert_array_equal(least_squares_shift(CHAIN, np.zeros(3)), 0)


def test_offset_of_one_molecule_hardly_shifts_many_others():
    counts = np.random.default_rng(0).integers(1, 30, size=(200, 4))
    shift = least_squares_shift(counts, np.eye(200)[0])
    assert np.abs(counts[1:] @ shift).max() < 0.1
