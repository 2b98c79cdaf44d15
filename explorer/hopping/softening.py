"""Directions in which a minimum is soft: first from the model Hessian, then by a few force calls."""

from collections.abc import Callable
from functools import lru_cache

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from explorer.records.molecule import Molecule
from explorer.relax.coordinates import internal_coordinates
from explorer.relax.internal import internal_chart

SoftFilter = Callable[[Float[Array, "N 3"], Float[Array, "N 3"]], Float[Array, "N 3"]]


@lru_cache(maxsize=8)  # one function, so that what is compiled for it serves the next search as well
def soft_filter(molecule: Molecule) -> SoftFilter:
    """A function (positions, vector) -> H⁻¹ vector with the model Hessian H of the internal coordinates.

    It takes bond stretches and bends out of a random vector and leaves the torsions, for no force call;
    kinetic energy in stretches opens nothing. Without bonds it is the identity.

    Args:
        molecule: any conformer.
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
    """One step of softening: turn the displacement down the forces perpendicular to it.

    Args:
        displacement: from the minimum, Å.
        forces: at the displaced positions, eV/Å; at the minimum they are zero.
        step: Å²/eV.
        length: of the displacement, Å.

    Source: Schönborn et al., J. Chem. Phys. 130, 144108 (2009), doi:10.1063/1.3097197.
    """
    along = jnp.sum(forces * displacement) / jnp.sum(displacement**2)
    return of_length(displacement + step * (forces - along * displacement), length)


def of_length(vector: Float[Array, "N 3"], length: float) -> Float[Array, "N 3"]:
    """The vector with another length."""
    return vector * (length / jnp.maximum(jnp.sqrt(jnp.sum(vector**2)), 1e-12))
