"""Rows are kept in order however they come, and those given out before do not change."""

import numpy as np

from explorer.strategy.growing_array import GrowingArray


def test_rows_are_those_of_all_that_came_in_their_order():
    rng, parts = np.random.default_rng(0), [np.empty((0, 3), np.float32)]
    grown = GrowingArray(parts[0])
    for n in rng.integers(0, 9, 200):
        parts.append(rng.normal(size=(n, 3)).astype(np.float32))
        grown.add(parts[-1])
        assert np.array_equal(grown.rows, np.concatenate(parts))
    assert grown.rows.dtype == np.float32


def test_what_was_given_out_stays_as_it_was():
    first = np.arange(4)
    grown = GrowingArray(first)
    before = grown.rows
    grown.add(np.array([7, 8]))
    grown.add(np.array([9]))
    assert before.tolist() == first.tolist() == [0, 1, 2, 3]
    assert grown.rows.tolist() == [0, 1, 2, 3, 7, 8, 9]
