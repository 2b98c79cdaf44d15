"""The proper rotation that brings one set of points closest to another, batched."""

import numpy as np
from jaxtyping import Float


def superpose(
    a: Float[np.ndarray, "*B N 3"], b: Float[np.ndarray, "*B N 3"]
) -> tuple[Float[np.ndarray, "*B 3 3"], Float[np.ndarray, "*B"]]:
    """Rotations R that minimise Σ_i |a_i - R b_i|² over centred points, and that minimum.

    From the singular value decomposition Σ_i a_i b_iᵀ = U S Vᵀ: R = U diag(1, 1, d) Vᵀ, where d = ±1
    makes R proper.

    Args:
        a: fixed points, Å; centred.
        b: points to rotate, Å; centred.

    Returns:
        rotations, and the sum of squared distances, Å².

    Source: Kabsch, Acta Cryst. A32, 922 (1976), doi:10.1107/S0567739476001873.
    """
    left, values, right = np.linalg.svd(np.swapaxes(a, -1, -2) @ b)
    handedness = np.sign(np.linalg.det(left) * np.linalg.det(right))
    left[..., :, 2] *= handedness[..., None]
    overlap = values[..., 0] + values[..., 1] + handedness * values[..., 2]
    squared = np.sum(a * a, axis=(-2, -1)) + np.sum(b * b, axis=(-2, -1)) - 2 * overlap
    return left @ right, np.maximum(squared, 0.0)


def centred(positions: Float[np.ndarray, "*B N 3"]) -> Float[np.ndarray, "*B N 3"]:
    """Positions relative to their centroid, float64."""
    positions = np.asarray(positions, dtype=float)
    return positions - positions.mean(axis=-2, keepdims=True)
