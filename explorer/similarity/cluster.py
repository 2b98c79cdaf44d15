"""RMSD of atomic clusters, in which all atoms of an element are interchangeable."""

import numpy as np
from jaxtyping import Float, Int
from scipy.optimize import linear_sum_assignment

from explorer.similarity.superpose import centred, superpose

_N_REFERENCE_FRAMES = 3  # frames of the first cluster that are tried; not tuned
_N_MATCHED_PAIRS = 128  # best matching atom pairs of the second cluster per frame; not tuned
_N_REFINED_ROTATIONS = 12  # rotations that are refined by assignment and superposition; not tuned
IDENTICAL_RMSD = 1e-3  # Å; below this value the search for a better rotation stops; not tuned


def cluster_rmsd(labels: Int[np.ndarray, "N"], a: Float[np.ndarray, "N 3"], b: Float[np.ndarray, "N 3"]) -> float:
    """Compute the minimum RMSD over proper rotations and permutations of atoms with equal labels, Å.

    The optimal superposition makes the centroids coincide. Two atoms that are not collinear with the centroid therefore
    define a frame. A few frames of a are matched with the atom pairs of b that have the most similar distances. The
    rotations with the smallest nearest-neighbour distances are refined by alternating optimal assignment and
    superposition. Copies of a minimum are the most frequent case in a search. The first frame and the best rotation
    suffice to recognise them.

    Args:
        labels: Label of each atom; atoms with the same label are interchangeable.
        a: Positions of one cluster, Å.
        b: Positions of the other cluster, Å.
    """
    a, b = centred(a), centred(b)
    if len(a) == 1:
        return 0.0
    distance = _closest(labels, a, b, 1, 1)
    if distance < IDENTICAL_RMSD:
        return distance
    return min(distance, _closest(labels, a, b, _N_REFERENCE_FRAMES, _N_REFINED_ROTATIONS))


def nearest_numbering(
    labels: Int[np.ndarray, "N"], a: Float[np.ndarray, "N 3"], b: Float[np.ndarray, "N 3"]
) -> Float[np.ndarray, "N 3"]:
    """Return b with its equal atoms renumbered and rotated so that it is nearest to a, Å.

    Args:
        labels: Label of each atom; atoms with the same label are interchangeable.
        a: Positions of one cluster, Å.
        b: Positions of the other cluster, Å.
    """
    if len(a) == 1:
        return b
    a, b = centred(a), centred(b)
    rotated = b @ np.swapaxes(_candidate_rotations(labels, a, b, _N_REFERENCE_FRAMES), -1, -2)
    costs = _squared_distances(labels, a, rotated).min(axis=1).sum(axis=1)
    refined = [_refined(labels, a, rotated[k]) for k in np.argsort(costs, kind="stable")[:_N_REFINED_ROTATIONS]]
    return min(refined, key=lambda item: item[0])[1]


def _closest(labels: np.ndarray, a: np.ndarray, b: np.ndarray, n_frames: int, n_refined: int) -> float:
    rotations = _candidate_rotations(labels, a, b, n_frames)
    rotated = b @ np.swapaxes(rotations, -1, -2)
    squared = _squared_distances(labels, a, rotated)
    costs = np.maximum(squared.min(axis=1).sum(axis=1), squared.min(axis=2).sum(axis=1))
    best = np.argsort(costs, kind="stable")[:n_refined]
    return float(np.sqrt(min(_refine(labels, a, rotated[k]) for k in best) / len(a)))


def _candidate_rotations(labels: np.ndarray, a: np.ndarray, b: np.ndarray, n_frames: int) -> Float[np.ndarray, "C 3 3"]:
    radius_a, radius_b = np.linalg.norm(a, axis=1), np.linalg.norm(b, axis=1)
    distance_b = np.linalg.norm(b[:, None] - b[None], axis=2)
    candidates = []
    for i in np.argsort(-radius_a, kind="stable")[:n_frames]:
        # the partner farthest from the axis fixes the rotation about it best
        lever = np.linalg.norm(np.cross(a[i], a), axis=1)
        lever[i] = -1.0
        j = int(np.argmax(lever))
        misfit = np.abs(radius_b - radius_a[i])[:, None] + np.abs(radius_b - radius_a[j])[None]
        misfit = misfit + np.abs(distance_b - np.linalg.norm(a[i] - a[j]))
        misfit[labels != labels[i], :] = np.inf
        misfit[:, labels != labels[j]] = np.inf
        np.fill_diagonal(misfit, np.inf)
        order = np.argsort(misfit, axis=None, kind="stable")[:_N_MATCHED_PAIRS]
        order = order[np.isfinite(misfit.reshape(-1)[order])]
        first, second = np.unravel_index(order, misfit.shape)
        frame_a = _frames(a[i][None], a[j][None])
        candidates.append(np.swapaxes(frame_a, -1, -2) @ _frames(b[first], b[second]))
    return np.concatenate(candidates)


def _frames(first: Float[np.ndarray, "C 3"], second: Float[np.ndarray, "C 3"]) -> Float[np.ndarray, "C 3 3"]:
    """Build right-handed orthonormal frames: rows along the first vector, in the plane of both, normal to both."""
    x = _normalised(first, np.array([1.0, 0.0, 0.0]))
    any_normal = np.cross(x, np.eye(3)[np.argmin(np.abs(x), axis=1)])
    z = _normalised(np.cross(x, second), any_normal / np.linalg.norm(any_normal, axis=1, keepdims=True))
    return np.stack([x, np.cross(z, x), z], axis=1)


def _normalised(vectors: np.ndarray, fallback: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.where(lengths > 1e-6, vectors / np.maximum(lengths, 1e-6), fallback)


def _squared_distances(labels: np.ndarray, a: np.ndarray, b: np.ndarray) -> Float[np.ndarray, "*B N N"]:
    """Compute |a_i - b_j|², Å², plus a large penalty for different labels."""
    squared = np.sum(a * a, axis=-1)[:, None] + np.sum(b * b, axis=-1)[..., None, :] - 2 * a @ np.swapaxes(b, -1, -2)
    return squared + 1e6 * (labels[:, None] != labels[None])


def _refine(labels: np.ndarray, a: np.ndarray, b: np.ndarray) -> float:
    return _refined(labels, a, b)[0]


def _refined(labels: np.ndarray, a: np.ndarray, b: np.ndarray) -> tuple[float, np.ndarray]:
    """Squared distance, and the renumbered and rotated structure, after alternating assignment and superposition."""
    best = np.inf
    while True:
        _, partners = linear_sum_assignment(_squared_distances(labels, a, b))
        b = b[partners]
        rotation, squared = superpose(a, b)
        if squared >= best - 1e-9:
            return best, b
        best = float(squared)
        b = b @ rotation.T
