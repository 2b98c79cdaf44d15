"""Handedness of stereocentres from coordinates."""

import numpy as np
from jaxtyping import Float, Int

UNDEFINED = 0.1


def chiral_volumes(
    positions: Float[np.ndarray, "*batch N 3"], centres: Int[np.ndarray, "*shape 4"]
) -> Float[np.ndarray, "..."]:
    """Normalised triple products v = u1 · (u2 × u3); +-0.77 at an ideal tetrahedron.

    Args:
        positions: Å, any leading axes.
        centres: a stereocentre and three of its neighbours in a fixed order, any leading axes;
            u_k are the unit vectors from the centre to these.

    Returns:
        Values with the leading axes of both.
    """
    corners = np.asarray(positions)[..., np.asarray(centres, dtype=int), :]
    arms = corners[..., 1:, :] - corners[..., :1, :]
    arms = arms / np.maximum(np.linalg.norm(arms, axis=-1, keepdims=True), 1e-12)
    first, second, third = np.moveaxis(arms, -2, 0)
    return np.sum(first * np.cross(second, third), axis=-1)


def chiral_signs(
    positions: Float[np.ndarray, "*batch N 3"], centres: Int[np.ndarray, "*shape 4"]
) -> Int[np.ndarray, "..."]:
    """+1 or -1 per stereocentre, 0 where it is so flat (|v| < 0.1) that the sign means nothing."""
    volumes = chiral_volumes(positions, centres)
    return np.where(np.abs(volumes) < UNDEFINED, 0, np.sign(volumes)).astype(int)
