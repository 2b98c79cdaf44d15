"""Rotational symmetry number of a structure."""

import numpy as np
from jaxtyping import Bool, Float, Int

_ATOM_TOLERANCE = 0.05  # Å, between a rotated atom and its image; not tuned
_COLLINEAR_SINE = 1e-3  # sine of the angle at the centroid below which two atoms count as collinear; not tuned


def symmetry_number(atomic_numbers: Int[np.ndarray, "N"], positions: Float[np.ndarray, "N 3"]) -> int:
    """Compute the rotational symmetry number σ.

    σ is the order of the group of proper rotations that map each atom onto an atom of the same element. It is 1 or 2
    for linear molecules. Two atoms determine a rotation, so all pairs of equal atoms at equal distances are tried as
    images of one pair.

    Args:
        atomic_numbers: Atomic number of each atom.
        positions: Positions of a relaxed structure, Å.
    """
    centred = positions - positions.mean(axis=0)
    radii = np.linalg.norm(centred, axis=1)
    a = int(np.argmax(radii))
    areas = np.linalg.norm(np.cross(centred[a], centred), axis=1)
    b = int(np.argmax(areas))
    if areas[b] <= _COLLINEAR_SINE * radii[a] ** 2:
        return 1 + bool(_maps(atomic_numbers, centred, -centred))
    return sum(
        bool(
            _maps(atomic_numbers, centred, centred @ _frame(centred[a], centred[b]).T @ _frame(centred[k], centred[m]))
        )
        for k, m in _images(atomic_numbers, centred, a, b)
    )


def _images(atomic_numbers: Int[np.ndarray, "N"], centred: Float[np.ndarray, "N 3"], a: int, b: int) -> list:
    """Return atom pairs with the same elements and distances (from the centroid, to each other) as (a, b)."""
    radii = np.linalg.norm(centred, axis=1)
    first, second = (
        np.flatnonzero((atomic_numbers == atomic_numbers[k]) & (np.abs(radii - radii[k]) < _ATOM_TOLERANCE))
        for k in (a, b)
    )
    distances = np.linalg.norm(centred[first][:, None] - centred[second], axis=-1)
    matches = np.abs(distances - np.linalg.norm(centred[a] - centred[b])) < 2 * _ATOM_TOLERANCE
    return [(first[k], second[m]) for k, m in np.argwhere(matches)]


def _frame(u: Float[np.ndarray, "3"], v: Float[np.ndarray, "3"]) -> Float[np.ndarray, "3 3"]:
    """Return three orthonormal axes as rows, the first along u, the second in the plane of u and v."""
    first = u / np.linalg.norm(u)
    third = np.cross(u, v)
    third /= np.linalg.norm(third)
    return np.array([first, np.cross(third, first), third])


def _maps(
    atomic_numbers: Int[np.ndarray, "N"], centred: Float[np.ndarray, "N 3"], moved: Float[np.ndarray, "N 3"]
) -> Bool[np.ndarray, ""]:
    """Return whether the moved atoms coincide one to one with atoms of the same element."""
    gaps = np.linalg.norm(moved[:, None] - centred, axis=-1)
    gaps[atomic_numbers[:, None] != atomic_numbers] = np.inf
    nearest = gaps.argmin(axis=1)
    return (gaps.min(axis=1).max() < _ATOM_TOLERANCE) & (len(set(nearest)) == len(nearest))
