"""Alignment of atomic clusters, where every atom of an element may trade places with every other."""

import numpy as np
from jaxtyping import Float, Int
from scipy.optimize import linear_sum_assignment

from explorer.similarity.superpose import centred, superpose

N_FRAMES = 3  # frames of the first cluster that are tried
N_MATCHES = 128  # pairs of atoms of the second cluster that fit such a frame best
N_REFINED = 12  # rotations that are refined by assignment and superposition
SAME = 1e-3  # Å; nearer than that no other rotation is worth a look


def cluster_rmsd(labels: Int[np.ndarray, "N"], a: Float[np.ndarray, "N 3"], b: Float[np.ndarray, "N 3"]) -> float:
    """Root-mean-square distance over proper rotations and permutations of equal labels, Å.

    The optimal superposition makes the centroids coincide, so two atoms off one line through the centroid define a
    frame. A few frames of a are laid on all pairs of atoms of b with fitting distances; the rotations with the smallest
    nearest-neighbour distances are refined: optimal assignment and superposition in turn. Copies of a minimum, what a
    search compares most, are found by the first frame and the best rotation alone.

    Args:
        labels: atoms with the same label are interchangeable.
        a, b: positions, Å.
    """
    a, b = centred(a), centred(b)
    if len(a) == 1:
        return 0.0
    distance = _closest(labels, a, b, 1, 1)
    return distance if distance < SAME else min(distance, _closest(labels, a, b, N_FRAMES, N_REFINED))


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
        # the partner that fixes the rotation about the axis best
        lever = np.linalg.norm(np.cross(a[i], a), axis=1)
        lever[i] = -1.0
        j = int(np.argmax(lever))
        misfit = np.abs(radius_b - radius_a[i])[:, None] + np.abs(radius_b - radius_a[j])[None]
        misfit = misfit + np.abs(distance_b - np.linalg.norm(a[i] - a[j]))
        misfit[labels != labels[i], :] = np.inf
        misfit[:, labels != labels[j]] = np.inf
        np.fill_diagonal(misfit, np.inf)
        order = np.argsort(misfit, axis=None, kind="stable")[:N_MATCHES]
        order = order[np.isfinite(misfit.reshape(-1)[order])]
        first, second = np.unravel_index(order, misfit.shape)
        frame_a = _frames(a[i][None], a[j][None])
        candidates.append(np.swapaxes(frame_a, -1, -2) @ _frames(b[first], b[second]))
    return np.concatenate(candidates)


def _frames(first: Float[np.ndarray, "C 3"], second: Float[np.ndarray, "C 3"]) -> Float[np.ndarray, "C 3 3"]:
    """Right-handed orthonormal frames, rows: along the first vector, in the plane of both, normal to it."""
    x = _normalised(first, np.array([1.0, 0.0, 0.0]))
    any_normal = np.cross(x, np.eye(3)[np.argmin(np.abs(x), axis=1)])
    z = _normalised(np.cross(x, second), any_normal / np.linalg.norm(any_normal, axis=1, keepdims=True))
    return np.stack([x, np.cross(z, x), z], axis=1)


def _normalised(vectors: np.ndarray, otherwise: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.where(lengths > 1e-6, vectors / np.maximum(lengths, 1e-6), otherwise)


def _squared_distances(labels: np.ndarray, a: np.ndarray, b: np.ndarray) -> Float[np.ndarray, "*B N N"]:
    """|a_i - b_j|², Å²; atoms of different labels are far apart."""
    squared = np.sum(a * a, axis=-1)[:, None] + np.sum(b * b, axis=-1)[..., None, :] - 2 * a @ np.swapaxes(b, -1, -2)
    return squared + 1e6 * (labels[:, None] != labels[None])


def _refine(labels: np.ndarray, a: np.ndarray, b: np.ndarray) -> float:
    best = np.inf
    while True:
        _, partners = linear_sum_assignment(_squared_distances(labels, a, b))
        b = b[partners]
        rotation, squared = superpose(a, b)
        if squared >= best - 1e-9:
            return best
        best = float(squared)
        b = b @ rotation.T
