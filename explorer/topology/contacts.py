"""Contacts between the atoms of a cluster without bonds."""

import numpy as np
from jaxtyping import Float


def contact_distance(positions: Float[np.ndarray, "N 3"]) -> float:
    """Return the median distance of an atom to its nearest neighbour, Å.

    Args:
        positions: Positions, Å.
    """
    squared = squared_distances(positions, positions)
    np.fill_diagonal(squared, np.inf)
    return float(np.sqrt(np.median(squared.min(axis=1))))


def squared_distances(one: Float[np.ndarray, "n 3"], other: Float[np.ndarray, "m 3"]) -> Float[np.ndarray, "n m"]:
    """Return the squared distances between two sets of atoms, Å².

    Args:
        one: Positions, Å.
        other: Positions, Å.
    """
    return np.sum((one[:, None] - other) ** 2, axis=-1)
