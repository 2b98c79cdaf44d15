"""Rows keep their order, and views that were returned before do not change."""

import numpy as np

from explorer.strategy.growing_array import GrowingArray


def test_rows_are_all_added_rows_in_order():
    rng, parts = np.random.default_rng(0), [np.empty((0, 3), np.float32)]
    array = GrowingArray(parts[0])
    for n in rng.integers(0, 9, 200):
        parts.append(rng.normal(size=(n, 3)).astype(np.float32))
        array.add(parts[-1])
        assert np.array_equal(array.rows, np.concatenate(parts))
    assert array.rows.dtype == np.float32


def test_earlier_views_do_not_change():
    first = np.arange(4)
    array = GrowingArray(first)
    before = array.rows
    array.add(np.array([7, 8]))
    array.add(np.array([9]))
    assert before.tolist() == first.tolist() == [0, 1, 2, 3]
    assert array.rows.tolist() == [0, 1, 2, 3, 7, 8, 9]
