"""An array that grows by rows."""

import numpy as np


class GrowingArray:
    """Rows in order of arrival, in an array that doubles when it is full: to add some does not copy all.

    Args:
        rows: the first ones; they say what kind of numbers, and how many, a row is made of.
    """

    def __init__(self, rows: np.ndarray):
        self._array, self._n = rows, len(rows)

    def add(self, rows: np.ndarray) -> None:
        """Append rows; what `rows` gave before stays as it is."""
        n = self._n + len(rows)
        if n > len(self._array):
            larger = np.empty((2 * n, *self._array.shape[1:]), self._array.dtype)
            larger[: self._n] = self.rows
            self._array = larger
        self._array[self._n : n] = rows
        self._n = n

    @property
    def rows(self) -> np.ndarray:
        """All rows so far, without a copy."""
        return self._array[: self._n]
