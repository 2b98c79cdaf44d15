"""Statistics that several folders of the program need."""

import numpy as np
from jaxtyping import Float

MIN_RANKED_VALUES = 3  # of fewer values, the order carries no information


def rank_correlation(a: Float[np.ndarray, "n"], b: Float[np.ndarray, "n"]) -> float:
    """Return Spearman's rank correlation of the pairs in which both values are finite.

    Args:
        a: First value of each pair.
        b: Second value of each pair.

    Returns:
        A number from -1 to 1. NaN for fewer than `MIN_RANKED_VALUES` finite pairs, and where one side is constant,
        because the correlation is undefined there.

    >>> rank_correlation(np.array([0.0, 1.0, 2.0]), np.array([0.0, 3.0, 1.0]))
    0.5
    """
    finite = np.isfinite(a) & np.isfinite(b)
    a, b = a[finite], b[finite]
    if len(a) < MIN_RANKED_VALUES or not np.ptp(a) > 0 or not np.ptp(b) > 0:
        return float("nan")
    return float(np.corrcoef(_ranks(a), _ranks(b))[0, 1])


def median_rank_correlation(groups: np.ndarray, a: Float[np.ndarray, "n"], b: Float[np.ndarray, "n"]) -> float:
    """Return the median over groups of Spearman's rank correlation within each.

    Pairs of all groups together would also rank one group against another, and so give a larger number.

    Args:
        groups: Group of each pair, such as the name of its molecule.
        a: First value of each pair.
        b: Second value of each pair.

    Returns:
        A number from -1 to 1; NaN where the correlation is undefined in all groups.

    >>> median_rank_correlation(np.repeat(["x", "y"], 3), np.arange(6.0), np.array([2.0, 1.0, 0.0, 9.0, 8.0, 7.0]))
    -1.0
    """
    found = [rank_correlation(a[groups == name], b[groups == name]) for name in np.unique(groups)]
    defined = [value for value in found if np.isfinite(value)]
    return float(np.median(defined)) if defined else float("nan")


def _ranks(values: Float[np.ndarray, "n"]) -> Float[np.ndarray, "n"]:
    """Ranks from 1; equal values share the mean of theirs. The import of `scipy.stats` alone takes half a second."""
    _, which, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[which]
