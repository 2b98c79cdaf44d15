"""How many rotations leave a structure as it is: its rotational symmetry number."""

import numpy as np
from jaxtyping import Bool, Float, Int

TOLERANCE = 0.05  # Å, of every atom
LINEAR = 1e-3  # the sine of an angle below which atoms lie on a line through the centre


def symmetry_number(atomic_numbers: Int[np.ndarray, "N"], positions: Float[np.ndarray, "N 3"]) -> int:
    """σ, the order of the group of proper rotations that map each atom onto an equal one; 1 or 2 for atoms on a line.

    Two atoms fix a rotation: each pair of equal atoms at equal distances is tried as its image.

    Args:
        atomic_numbers: of each atom.
        positions: of a relaxed structure, Å.
    """
    centred = positions - positions.mean(axis=0)
    radii = np.linalg.norm(centred, axis=1)
    a = int(np.argmax(radii))
    areas = np.linalg.norm(np.cross(centred[a], centred), axis=1)
    b = int(np.argmax(areas))
    if areas[b] <= LINEAR * radii[a] ** 2:
        return 1 + bool(_maps(atomic_numbers, centred, -centred))
    return sum(
        bool(
            _maps(atomic_numbers, centred, centred @ _frame(centred[a], centred[b]).T @ _frame(centred[k], centred[m]))
        )
        for k, m in _images(atomic_numbers, centred, a, b)
    )


def _images(atomic_numbers: Int[np.ndarray, "N"], centred: Float[np.ndarray, "N 3"], a: int, b: int) -> list:
    """Pairs of atoms that are like (a, b): in elements, in distance from the centre and from each other."""
    radii = np.linalg.norm(centred, axis=1)
    like = [
        np.flatnonzero((atomic_numbers == atomic_numbers[k]) & (np.abs(radii - radii[k]) < TOLERANCE)) for k in (a, b)
    ]
    apart = np.linalg.norm(centred[like[0]][:, None] - centred[like[1]], axis=-1)
    near = np.abs(apart - np.linalg.norm(centred[a] - centred[b])) < 2 * TOLERANCE
    return [(like[0][k], like[1][m]) for k, m in np.argwhere(near)]


def _frame(u: Float[np.ndarray, "3"], v: Float[np.ndarray, "3"]) -> Float[np.ndarray, "3 3"]:
    """Rows: three orthonormal axes, the first along u, the second in the plane of u and v."""
    first = u / np.linalg.norm(u)
    third = np.cross(u, v)
    third /= np.linalg.norm(third)
    return np.array([first, np.cross(third, first), third])


def _maps(
    atomic_numbers: Int[np.ndarray, "N"], centred: Float[np.ndarray, "N 3"], moved: Float[np.ndarray, "N 3"]
) -> Bool[np.ndarray, ""]:
    """Whether each moved atom lies on an equal one, and each on another."""
    gaps = np.linalg.norm(moved[:, None] - centred, axis=-1)
    gaps[atomic_numbers[:, None] != atomic_numbers] = np.inf
    nearest = gaps.argmin(axis=1)
    return (gaps.min(axis=1).max() < TOLERANCE) & (len(set(nearest)) == len(nearest))
