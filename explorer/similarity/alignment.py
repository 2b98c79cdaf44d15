"""Root-mean-square distance of two structures, minimal over rotations and equal atoms."""

import numpy as np
from jaxtyping import Float, Int

from explorer.similarity.cluster import SAME, cluster_rmsd
from explorer.similarity.superpose import centred, least_squares, superpose
from explorer.similarity.symmetry import Symmetry, mirror_images

MAX_ITERATIONS = 20  # relabel and superpose; the distance falls each time, mostly two or three are enough
SLACK = 1e-3  # Å², far above the rounding of `least_squares`


def rmsd(
    symmetry: Symmetry, a: Float[np.ndarray, "N 3"], b: Float[np.ndarray, "N 3"], allow_mirror: bool = False
) -> float:
    """Minimum over proper rotations R and realisable automorphisms p of sqrt(Σ_i |a_i - R b_p(i)|² / N), Å.

    Exact where structures are close (the labels of the anchors decide the rotation); for molecules
    whose group is enumerated whole it is exact everywhere, otherwise an upper bound far away.

    Args:
        symmetry: of the molecule.
        a, b: positions, Å.
        allow_mirror: take the mirror image of b where it is closer, its equal atoms numbered as in the molecule.
    """
    return float(rmsd_batch(symmetry, a, np.asarray(b)[None], allow_mirror)[0])


def heavy_rmsd(
    symmetry: Symmetry, a: Float[np.ndarray, "N 3"], b: Float[np.ndarray, "N 3"], allow_mirror: bool = False
) -> float:
    """`rmsd` over the atoms that are not hydrogen, Å; over all atoms where there is nothing to leave out."""
    if symmetry.heavy is None:
        return rmsd(symmetry, a, b, allow_mirror)
    heavy, b = symmetry.is_heavy, np.asarray(b)
    images = [b, *(image[0] for image in mirror_images(symmetry, b[None]))] if allow_mirror else [b]
    return min(rmsd(symmetry.heavy, np.asarray(a)[heavy], image[heavy]) for image in images)


def rmsd_batch(
    symmetry: Symmetry,
    a: Float[np.ndarray, "N 3"],
    b: Float[np.ndarray, "B N 3"],
    allow_mirror: bool = False,
    limit: float = np.inf,
) -> Float[np.ndarray, "B"]:
    """`rmsd` of one structure to each of a batch, Å.

    Args:
        symmetry: of the molecule.
        a, b: positions, Å.
        allow_mirror: take the mirror image of b where it is closer.
        limit: larger distances need not be known, Å: most of them come back as infinity, at a tenth of the cost.
    """
    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    distances = np.full(len(b), np.inf)
    near = np.flatnonzero(_lower_bound(symmetry, a, b) <= limit) if np.isfinite(limit) else np.arange(len(b))
    if len(near) and symmetry.has_bonds:
        distances[near] = _bonded_rmsd(symmetry, a, b[near])
    elif len(near):
        distances[near] = [cluster_rmsd(symmetry.orbits, a, one) for one in b[near]]
    rest = np.flatnonzero(distances >= SAME)
    for image in mirror_images(symmetry, b[rest]) if allow_mirror and len(rest) else []:
        distances[rest] = np.minimum(distances[rest], rmsd_batch(symmetry, a, image, limit=limit))
    return distances


def _lower_bound(
    symmetry: Symmetry, a: Float[np.ndarray, "N 3"], b: Float[np.ndarray, "B N 3"]
) -> Float[np.ndarray, "B"]:
    """The share of the RMSD that the atoms which no automorphism moves have at least, whatever the others do, Å."""
    fixed = symmetry.fixed
    if len(fixed) < 2:
        return np.zeros(len(b))
    squared = least_squares(centred(a[fixed]), centred(b[:, fixed]))
    return np.sqrt(np.maximum(squared - SLACK, 0.0) / len(a))


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
