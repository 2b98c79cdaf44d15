"""Choosing structures that differ: farthest-point sampling on inverse distances."""

import numpy as np
from jaxtyping import Float, Int
from scipy.spatial.distance import cdist, pdist

POLAR = (7, 8, 16)


def inverse_distances(
    atomic_numbers: Int[np.ndarray, "N"], bonds: Int[np.ndarray, "n_bonds 2"], positions: Float[np.ndarray, "F N 3"]
) -> Float[np.ndarray, "F P"]:
    """1 / distance (1/Å) of all pairs of heavy atoms and of hydrogens that can make hydrogen bonds.

    Contacts weigh more than distant parts, and hydrogens on carbon, which follow it, do not count.
    """
    counted = np.asarray(atomic_numbers) > 1
    for i, j in [*bonds, *np.flip(bonds, axis=-1)]:
        if atomic_numbers[i] == 1 and atomic_numbers[j] in POLAR:
            counted[i] = True
    if counted.sum() < 2:  # one heavy atom: its hydrogens are all there is
        counted[:] = True
    return np.array([1.0 / pdist(frame[counted]) for frame in positions])


def farthest_points(
    features: Float[np.ndarray, "F P"],
    n: int,
    rng: np.random.Generator,
    known: Float[np.ndarray, "K P"] | None = None,
) -> Int[np.ndarray, "n"]:
    """Indices of at most n rows: always the one farthest from those chosen, and from those known.

    Args:
        features: to choose from.
        n: how many.
        rng: draws the first one where nothing is known.
        known: rows that are there already.

    Source: Gonzalez, Theor. Comput. Sci. 38, 293 (1985), doi:10.1016/0304-3975(85)90224-5.
    """
    n = min(n, len(features))
    if n == 0:
        return np.zeros(0, dtype=int)
    chosen: list[int] = []
    if known is None or not len(known):
        chosen.append(int(rng.integers(len(features))))
        known = features[chosen]
    distance = cdist(features, known).min(axis=1)
    while len(chosen) < n:
        chosen.append(int(np.argmax(distance)))
        distance = np.minimum(distance, np.linalg.norm(features - features[chosen[-1]], axis=-1))
    return np.array(chosen)
