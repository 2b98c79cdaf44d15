"""Chirality (parity) of stereocentres from coordinates."""

import numpy as np
from jaxtyping import Float, Int

_FLAT_VOLUME = 0.1  # normalised triple product below which a centre counts as planar; not tuned


def chiral_volumes(
    positions: Float[np.ndarray, "*batch N 3"], centres: Int[np.ndarray, "*shape 4"]
) -> Float[np.ndarray, "..."]:
    """Compute normalised triple products v = u1 · (u2 × u3); ±0.77 for an ideal tetrahedron.

    The unit vectors u_k point from the centre to its three neighbours.

    Args:
        positions: Å, any leading axes.
        centres: Each stereocentre, followed by three of its neighbours in a fixed order; any leading axes.

    Returns:
        Triple products with the leading axes of `positions`, then those of `centres`.
    """
    corners = np.asarray(positions)[..., np.asarray(centres, dtype=int), :]
    arms = corners[..., 1:, :] - corners[..., :1, :]
    arms = arms / np.maximum(np.linalg.norm(arms, axis=-1, keepdims=True), 1e-12)
    first, second, third = np.moveaxis(arms, -2, 0)
    return np.sum(first * np.cross(second, third), axis=-1)


def chiral_signs(
    positions: Float[np.ndarray, "*batch N 3"], centres: Int[np.ndarray, "*shape 4"]
) -> Int[np.ndarray, "..."]:
    """Return the parity (+1 or -1) of each stereocentre; 0 if it is nearly planar (|v| < 0.1).

    Args:
        positions: Å, any leading axes.
        centres: As in `chiral_volumes`.
    """
    volumes = chiral_volumes(positions, centres)
    return np.where(np.abs(volumes) < _FLAT_VOLUME, 0, np.sign(volumes)).astype(int)
