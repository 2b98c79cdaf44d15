"""Minimum root-mean-square distance (RMSD) of two structures over rotations and permutations of equal atoms."""

import numpy as np
from jaxtyping import Float, Int

from explorer.similarity.cluster import IDENTICAL_RMSD, cluster_rmsd
from explorer.similarity.superpose import centred, least_squares, superpose
from explorer.similarity.symmetry import Symmetry, mirror_images

_MAX_REFINEMENTS = 20  # cycles of permutation and superposition; two or three are usually enough
_LEAST_SQUARES_ERROR = 1e-3  # Å², ten times the rounding error of `least_squares`


def rmsd(
    symmetry: Symmetry, a: Float[np.ndarray, "N 3"], b: Float[np.ndarray, "N 3"], allow_mirror: bool = False
) -> float:
    """Compute the minimum of sqrt(Σ_i |a_i - R b_p(i)|² / N) over proper rotations R and feasible permutations p, Å.

    The result is exact for similar structures, for which the labels of the anchors determine the rotation. For
    dissimilar structures it is exact if the permutation group is enumerated completely; otherwise it is an upper bound.

    Args:
        symmetry: Symmetry of the molecule.
        a: Positions of one structure, Å.
        b: Positions of the other structure, Å.
        allow_mirror: Use the mirror image of b if it is closer, with equal atoms numbered as in the molecule.
    """
    return float(rmsd_batch(symmetry, a, np.asarray(b)[None], allow_mirror)[0])


def heavy_rmsd(
    symmetry: Symmetry, a: Float[np.ndarray, "N 3"], b: Float[np.ndarray, "N 3"], allow_mirror: bool = False
) -> float:
    """Compute `rmsd` over heavy atoms, Å; over all atoms if the molecule has no hydrogens or no heavy atoms.

    Args:
        symmetry: Symmetry of the molecule.
        a: Positions of one structure, Å.
        b: Positions of the other structure, Å.
        allow_mirror: Use the mirror image of b if it is closer.
    """
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
    """Compute `rmsd` of one structure to each structure of a batch, Å.

    Args:
        symmetry: Symmetry of the molecule.
        a: Positions of one structure, Å.
        b: Positions of the structures of the batch, Å.
        allow_mirror: Use the mirror image of b if it is closer.
        limit: RMSD above which values are not needed, Å. Most of these are returned as infinity, at a tenth of the
            cost.
    """
    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    distances = np.full(len(b), np.inf)
    near = np.flatnonzero(_lower_bound(symmetry, a, b) <= limit) if np.isfinite(limit) else np.arange(len(b))
    if len(near) and symmetry.has_bonds:
        distances[near] = _bonded_rmsd(symmetry, a, b[near])
    elif len(near):
        distances[near] = [cluster_rmsd(symmetry.orbits, a, one) for one in b[near]]
    rest = np.flatnonzero(distances >= IDENTICAL_RMSD)
    for image in mirror_images(symmetry, b[rest]) if allow_mirror and len(rest) else []:
        distances[rest] = np.minimum(distances[rest], rmsd_batch(symmetry, a, image, limit=limit))
    return distances


def _lower_bound(
    symmetry: Symmetry, a: Float[np.ndarray, "N 3"], b: Float[np.ndarray, "B N 3"]
) -> Float[np.ndarray, "B"]:
    """Return a lower bound of the RMSD from the atoms that no automorphism moves, Å."""
    fixed = symmetry.fixed
    if len(fixed) < 2:
        return np.zeros(len(b))
    squared = least_squares(centred(a[fixed]), centred(b[:, fixed]))
    return np.sqrt(np.maximum(squared - _LEAST_SQUARES_ERROR, 0.0) / len(a))


def _bonded_rmsd(
    symmetry: Symmetry, a: Float[np.ndarray, "N 3"], b: Float[np.ndarray, "B N 3"]
) -> Float[np.ndarray, "B"]:
    """Superpose the anchors for every start, then permute and superpose until nothing changes."""
    relabelled = b[:, symmetry.starts].reshape(-1, *a.shape)
    anchors = symmetry.anchors
    a_anchored = a - a[anchors].mean(axis=0)
    relabelled = relabelled - relabelled[:, anchors].mean(axis=1, keepdims=True)
    rotations, squared = superpose(a_anchored[anchors], relabelled[:, anchors])
    if len(anchors) < len(a) or symmetry.local_factors:
        rotated = relabelled @ np.swapaxes(rotations, -1, -2)
        squared, _ = _refine(symmetry, a_anchored, rotated)
    return np.sqrt(squared.reshape(len(b), -1).min(axis=1) / len(a))


def aligned_to(
    symmetry: Symmetry, a: Float[np.ndarray, "N 3"], b: Float[np.ndarray, "N 3"], allow_mirror: bool = False
) -> Float[np.ndarray, "N 3"]:
    """Return b, moved and with equal atoms exchanged by feasible permutations, as near to a as `rmsd` finds it.

    Atoms of clusters without bonds are not exchanged.

    Args:
        symmetry: Symmetry of the molecule.
        a: Positions of one structure, Å.
        b: Positions of the other structure, Å.
        allow_mirror: Use the mirror image of b if it is closer.
    """
    a, anchors = np.asarray(a, dtype=float), symmetry.anchors
    images = [b, *(image[0] for image in mirror_images(symmetry, b[None]))] if allow_mirror else [b]
    if not symmetry.has_bonds:
        anchors, relabelled = np.arange(len(a)), np.array(images)
    else:
        relabelled = np.concatenate([np.asarray(image)[symmetry.starts] for image in images])
    centre = a[anchors].mean(axis=0)
    relabelled = relabelled - relabelled[:, anchors].mean(axis=1, keepdims=True)
    rotations, _ = superpose((a - centre)[anchors], relabelled[:, anchors])
    squared, found = _refine(symmetry, a - centre, relabelled @ np.swapaxes(rotations, -1, -2))
    return found[np.argmin(squared)] + a.mean(axis=0)


def _refine(
    symmetry: Symmetry, a: Float[np.ndarray, "N 3"], b: Float[np.ndarray, "K N 3"]
) -> tuple[Float[np.ndarray, "K"], Float[np.ndarray, "K N 3"]]:
    """Permute and superpose until nothing changes; return squared distances, Å², and the centred positions."""
    best = np.full(len(b), np.inf)
    for _ in range(_MAX_REFINEMENTS):
        for factor in symmetry.local_factors:
            b = _relabel(a, b, factor.support, factor.permutations)
        a, b = centred(a), centred(b)
        rotations, squared = superpose(a, b)
        b = b @ np.swapaxes(rotations, -1, -2)
        if np.all(squared > best - 1e-9):
            break
        best = np.minimum(best, squared)
    return best, b


def _relabel(
    a: Float[np.ndarray, "N 3"],
    b: Float[np.ndarray, "K N 3"],
    support: Int[np.ndarray, "n"],
    permutations: Int[np.ndarray, "p n"],
) -> Float[np.ndarray, "K N 3"]:
    """Apply the permutation of one factor that brings its atoms closest, for each structure of the batch."""
    # |a - b|² = |a|² + |b|² - 2 a·b: only the last term depends on the permutation
    products = np.einsum("ix,kjx->kij", a[support], b[:, support])
    overlap = products[:, np.arange(len(support)), permutations].sum(axis=-1)
    chosen = permutations[np.argmax(overlap, axis=-1)]
    relabelled = b.copy()
    relabelled[:, support] = b[np.arange(len(b))[:, None], support[chosen]]
    return relabelled
