"""Selection of structures that differ: farthest-point sampling on inverse distances."""

import numpy as np
from jaxtyping import Float, Int
from scipy.spatial.distance import cdist, pdist

_HYDROGEN_BOND_DONORS = (7, 8, 16)  # atomic numbers of N, O and S


def inverse_distances(
    atomic_numbers: Int[np.ndarray, "N"], bonds: Int[np.ndarray, "n_bonds 2"], positions: Float[np.ndarray, "F N 3"]
) -> Float[np.ndarray, "F P"]:
    """Return 1 / distance of all pairs of heavy atoms and of hydrogens that can form hydrogen bonds, 1/Å.

    Contacts have larger weights than distant parts. Hydrogens on carbon are left out, because they follow the carbon.

    Args:
        atomic_numbers: Atomic numbers.
        bonds: Index pairs.
        positions: Positions of each structure, Å.
    """
    counted = np.asarray(atomic_numbers) > 1
    for i, j in [*bonds, *np.flip(bonds, axis=-1)]:
        if atomic_numbers[i] == 1 and atomic_numbers[j] in _HYDROGEN_BOND_DONORS:
            counted[i] = True
    if counted.sum() < 2:  # one heavy atom: only its hydrogens distinguish structures
        counted[:] = True
    return np.array([1.0 / pdist(frame[counted]) for frame in positions])


def farthest_points(
    features: Float[np.ndarray, "F P"],
    n: int,
    rng: np.random.Generator,
    known: Float[np.ndarray, "K P"] | None = None,
) -> Int[np.ndarray, "n"]:
    """Select points one by one, each the farthest from all points selected before and from the known points.

    Args:
        features: Points to select from.
        n: Largest number of points.
        rng: Random number generator; it draws the first point where there are no known points.
        known: Points that were selected earlier.

    Returns:
        Indices of the selected points.

    Source: Gonzalez, Theor. Comput. Sci. 38, 293 (1985), doi:10.1016/0304-3975(85)90224-5.
    """
    n = min(n, len(features))
    if n == 0:
        return np.zeros(0, dtype=int)
    selected: list[int] = []
    if known is None or not len(known):
        selected.append(int(rng.integers(len(features))))
        known = features[selected]
    distance = cdist(features, known).min(axis=1)
    while len(selected) < n:
        selected.append(int(np.argmax(distance)))
        distance = np.minimum(distance, np.linalg.norm(features - features[selected[-1]], axis=-1))
    return np.array(selected)
