"""Softening of escape directions: by the model Hessian without force calls, then by a few force calls."""

from typing import Any

import numpy as np
from jaxtyping import Array, Float

from explorer.relaxation.coordinates import Coordinates
from explorer.relaxation.internal import model_hessian

_SHORTEST = 1e-12  # Å, length at which a vector counts as zero; avoids a division by zero


def soft_direction(
    coordinates: Coordinates | None, positions: Float[np.ndarray, "N 3"], vector: Float[np.ndarray, "N 3"]
) -> Float[np.ndarray, "N 3"]:
    """Return H⁻¹ v with the model Hessian H of the internal coordinates.

    It removes bond stretches and bends from a random vector and keeps the torsions. It needs no force call. Kinetic
    energy in stretches does not help to cross a barrier.

    Args:
        coordinates: Internal coordinates; None for a molecule without bonds, whose vectors are not changed.
        positions: Positions, Å.
        vector: v.
    """
    if coordinates is None:
        return vector
    _, hessian = model_hessian(coordinates, positions)
    return np.linalg.solve(hessian, vector.reshape(-1)).reshape(vector.shape)


def soften(
    displacement: Float[Array, "N 3"], forces: Float[Array, "N 3"], step: float, length: float
) -> Float[Array, "N 3"]:
    """Make one step of softening: rotate the displacement along the forces perpendicular to it.

    Args:
        displacement: Displacement from the minimum, Å.
        forces: Forces at the displaced positions, eV/Å; those at the minimum are zero.
        step: Step along the perpendicular forces, Å²/eV.
        length: Length of the displacement, Å.

    Returns:
        The new displacement, Å.

    Source: Schönborn et al., J. Chem. Phys. 130, 144108 (2009), doi:10.1063/1.3097197.
    """
    along = (forces * displacement).sum() / (displacement**2).sum()
    return of_length(displacement + step * (forces - along * displacement), length)


def of_length(vector: Any, length: float) -> Any:
    """Return the vector scaled to a length, as an array of the same library."""
    xp = vector.__array_namespace__()
    return vector * (length / xp.maximum(xp.sqrt((vector**2).sum()), _SHORTEST))
