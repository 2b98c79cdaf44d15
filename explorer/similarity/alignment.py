"""Root-mean-square distance of two structures, minimal over rotations and equal atoms."""

import numpy as np
from jaxtyping import Float, Int

from explorer.similarity.cluster import cluster_rmsd
from explorer.similarity.superpose import centred, superpose
from explorer.similarity.symmetry import Symmetry

MAX_ITERATIONS = 20  # relabel and superpose; the distance falls each time, mostly two or three are enough


def rmsd(
    symmetry: Symmetry, a: Float[np.ndarray, "N 3"], b: Float[np.ndarray, "N 3"], allow_mirror: bool = False
) -> float:
    """Minimum over proper rotations R and automorphisms p of sqrt(Σ_i |a_i - R b_p(i)|² / N), Å.

    Exact where structures are close (the labels of the anchors decide the rotation); for molecules
    whose group is enumerated whole it is exact everywhere, otherwise an upper bound far away.

    Args:
        symmetry: of the molecule.
        a, b: positions, Å.
        allow_mirror: take the mirror image of b where it is closer.
    """
    return float(rmsd_batch(symmetry, a, np.asarray(b)[None], allow_mirror)[0])


def heavy_rmsd(
    symmetry: Symmetry, a: Float[np.ndarray, "N 3"], b: Float[np.ndarray, "N 3"], allow_mirror: bool = False
) -> float:
    """`rmsd` over the atoms that are not hydrogen, Å; over all atoms where there is nothing to leave out."""
    if symmetry.heavy is None:
        return rmsd(symmetry, a, b, allow_mirror)
    heavy = symmetry.is_heavy
    return rmsd(symmetry.heavy, np.asarray(a)[heavy], np.asarray(b)[heavy], allow_mirror)


def rmsd_batch(
    symmetry: Symmetry, a: Float[np.ndarray, "N 3"], b: Float[np.ndarray, "B N 3"], allow_mirror: bool = False
) -> Float[np.ndarray, "B"]:
    """`rmsd` of one structure to each of a batch, Å."""
    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    if symmetry.has_bonds:
        distances = _bonded_rmsd(symmetry, a, b)
    else:
        distances = np.array([cluster_rmsd(symmetry.orbits, a, one) for one in b])
    if allow_mirror:
        return np.minimum(distances, rmsd_batch(symmetry, a, -b))
    return distances


def _bonded_rmsd(
    symmetry: Symmetry, a: Float[np.ndarray, "N 3"], b: Float[np.ndarray, "B N 3"]
) -> Float[np.ndarray, "B"]:
    """Superpose the anchors for every start, then relabel and superpose until nothing changes."""
    relabelled = b[:, symmetry.starts].reshape(-1, *a.shape)
    anchors = symmetry.anchors
    a_anchored = a - a[anchors].mean(axis=0)
    relabelled = relabelled - relabelled[:, anchors].mean(axis=1, keepdims=True)
    rotations, squared = superpose(a_anchored[anchors], relabelled[:, anchors])
    if len(anchors) < len(a) or symmetry.local_factors:
        rotated = relabelled @ np.swapaxes(rotations, -1, -2)
        squared = _refine(symmetry, a_anchored, rotated)
    return np.sqrt(squared.reshape(len(b), -1).min(axis=1) / len(a))


def _refine(symmetry: Symmetry, a: Float[np.ndarray, "N 3"], b: Float[np.ndarray, "K N 3"]) -> Float[np.ndarray, "K"]:
    best = np.full(len(b), np.inf)
    for _ in range(MAX_ITERATIONS):
        for factor in symmetry.local_factors:
            b = _relabel(a, b, factor.support, factor.permutations)
        a, b = centred(a), centred(b)
        rotations, squared = superpose(a, b)
        if np.all(squared > best - 1e-9):
            break
        best = np.minimum(best, squared)
        b = b @ np.swapaxes(rotations, -1, -2)
    return best


def _relabel(
    a: Float[np.ndarray, "N 3"],
    b: Float[np.ndarray, "K N 3"],
    support: Int[np.ndarray, "n"],
    permutations: Int[np.ndarray, "p n"],
) -> Float[np.ndarray, "K N 3"]:
    """The permutation of one factor that brings its atoms closest, for each row of the batch."""
    # |a - b|² = |a|² + |b|² - 2 a·b: only the last term depends on the permutation
    products = np.einsum("ix,kjx->kij", a[support], b[:, support])
    overlap = products[:, np.arange(len(support)), permutations].sum(axis=-1)
    chosen = permutations[np.argmax(overlap, axis=-1)]
    relabelled = b.copy()
    relabelled[:, support] = b[np.arange(len(b))[:, None], support[chosen]]
    return relabelled
