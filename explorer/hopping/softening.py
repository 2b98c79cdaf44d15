"""Softening of escape directions: by the model Hessian without force calls, then by a few force calls."""

from collections.abc import Callable
from functools import lru_cache

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from explorer.records.molecule import Molecule
from explorer.relaxation.coordinates import internal_coordinates
from explorer.relaxation.internal import internal_chart

_SHORTEST = 1e-12  # Å, length at which a vector counts as zero; avoids a division by zero

SoftFilter = Callable[[Float[Array, "N 3"], Float[Array, "N 3"]], Float[Array, "N 3"]]


@lru_cache(maxsize=8)  # the same function for each search of a molecule, so that compiled programs are shared
def soft_filter(molecule: Molecule) -> SoftFilter:
    """Return a function (positions, vector) -> H⁻¹ vector with the model Hessian H of the internal coordinates.

    It removes bond stretches and bends from a random vector and keeps the torsions. It needs no force call. Kinetic
    energy in stretches does not help to cross a barrier. For a molecule without bonds the vector is not changed.

    Args:
        molecule: Molecule; its positions define the internal coordinates.
    """
    if len(molecule.bonds) == 0:
        return _unfiltered
    chart = internal_chart(internal_coordinates(molecule))

    def apply(positions: Float[Array, "N 3"], vector: Float[Array, "N 3"]) -> Float[Array, "N 3"]:
        factor = chart.frame(positions).factor
        return jax.scipy.linalg.cho_solve((factor, True), vector.reshape(-1)).reshape(vector.shape)

    return apply


def _unfiltered(positions: Float[Array, "N 3"], vector: Float[Array, "N 3"]) -> Float[Array, "N 3"]:
    return vector


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
    along = jnp.sum(forces * displacement) / jnp.sum(displacement**2)
    return of_length(displacement + step * (forces - along * displacement), length)


def of_length(vector: Float[Array, "N 3"], length: float) -> Float[Array, "N 3"]:
    """Return the vector scaled to a length."""
    return vector * (length / jnp.maximum(jnp.sqrt(jnp.sum(vector**2)), _SHORTEST))
