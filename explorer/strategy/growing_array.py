"""Numpy array to which rows can be appended without copying all of it."""

import numpy as np


class GrowingArray:
    """Rows in order of arrival, in a buffer that doubles its capacity when it is full.

    Args:
        rows: First rows. They determine the dtype and the shape of a row, and may be empty.
    """

    def __init__(self, rows: np.ndarray):
        self._array, self._n = rows, len(rows)

    def add(self, rows: np.ndarray) -> None:
        """Append rows. Arrays that the property `rows` returned before keep their content.

        Args:
            rows: Rows of the same shape and dtype as the first ones.
        """
        n = self._n + len(rows)
        if n > len(self._array):
            larger = np.empty((2 * n, *self._array.shape[1:]), self._array.dtype)
            larger[: self._n] = self.rows
            self._array = larger
        self._array[self._n : n] = rows
        self._n = n

    @property
    def rows(self) -> np.ndarray:
        """All rows so far, as a view."""
        return self._array[: self._n]
