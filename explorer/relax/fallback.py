"""Internal coordinates that give way to Cartesian ones, per structure, where they fail."""

from functools import lru_cache
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from explorer.config import RelaxSettings
from explorer.records.molecule import Molecule
from explorer.relax.chart import Chart
from explorer.relax.coordinates import Coordinates, internal_coordinates
from explorer.relax.internal import InternalFrame, internal_chart, solve
from explorer.relax.model_hessian import BOND
from explorer.relax.quasi_newton import quasi_newton
from explorer.relax.state import Fallback, Relaxer
from explorer.relax.wilson import straightness

STRAIGHT = float(-np.cos(np.radians(175.0)))  # above it a dihedral has lost its meaning


class GuardedFrame(NamedTuple):
    """A frame of internal coordinates, what they are used as, and what is wrong with them."""

    inner: InternalFrame
    fallback: Int[Array, ""]  # steps are Cartesian where it is not NONE
    failure: Int[Array, ""]


@lru_cache(maxsize=8)  # one relaxer, so that what is compiled for it serves the next search as well
def internal_relaxer(molecule: Molecule, settings: RelaxSettings) -> Relaxer:
    """A quasi-Newton relaxer in all bonds, angles and dihedrals of a molecule's bond graph.

    Args:
        molecule: any conformer; it fixes bonds, straight angles and the model Hessian.
        settings: when it is done.
    """
    return quasi_newton(guarded_chart(internal_coordinates(molecule)), settings, settings.trust_radius)


def guarded_chart(coordinates: Coordinates) -> Chart:
    """Internal coordinates with their model Hessian; after a failure Cartesian ones with the same model Hessian A.

    Both live in vectors of one length, max(M, 3N), the shorter one padded with zeros: shapes are static, and each
    structure of a batch goes its own way.

    Args:
        coordinates: the internal ones.
    """
    chart = internal_chart(coordinates)
    n_internal, n_cartesian = len(chart.stiffness), 3 * coordinates.n_atoms
    width = max(n_internal, n_cartesian)

    def padded(vector: Float[Array, "n"]) -> Float[Array, "width"]:
        return jnp.pad(vector, (0, width - len(vector)))

    def choose(at: GuardedFrame, internal: Float[Array, "M"], cartesian: Float[Array, "3N"]) -> Float[Array, "width"]:
        return jnp.where(at.fallback == Fallback.NONE, padded(internal), padded(cartesian))

    def frame(positions: Float[Array, "N 3"]) -> GuardedFrame:
        inner, failure = _repaired(chart.frame(positions))
        straight = jnp.where(straightness(coordinates, positions) > STRAIGHT, int(Fallback.STRAIGHT_ANGLE), failure)
        failure = jnp.where(failure == Fallback.NONE, straight, failure).astype(jnp.int32)
        return GuardedFrame(inner, jnp.zeros_like(failure), failure)

    def difference(at: GuardedFrame, new: Float[Array, "width"], old: Float[Array, "width"]):
        internal = chart.difference(at.inner, new[:n_internal], old[:n_internal])
        return choose(at, internal, (new - old)[:n_cartesian])

    def smooth(at: GuardedFrame, p: Float[Array, "width"]) -> Float[Array, "width"]:
        is_internal = at.fallback == Fallback.NONE
        shift = solve(at.inner, jnp.where(is_internal, at.inner.b.T @ p[:n_internal], p[:n_cartesian]))
        return choose(at, chart.push_forward(at.inner, shift), shift)

    def pull(at: GuardedFrame, change: Float[Array, "width"]) -> Float[Array, "3N"]:
        internal = chart.pull_back(at.inner, change[:n_internal])
        return jnp.where(at.fallback == Fallback.NONE, internal, change[:n_cartesian])

    return Chart(
        stiffness=np.pad(chart.stiffness, (0, width - n_internal)),
        frame=frame,
        values=lambda at, positions: choose(at, chart.values(at.inner, positions), positions.reshape(-1)),
        difference=difference,
        gradient=lambda at, gradient: choose(at, chart.gradient(at.inner, gradient), gradient),
        inverse_model_hessian=smooth,
        pull_back=pull,
        push_forward=lambda at, shift: choose(at, chart.push_forward(at.inner, shift), shift),
        curved=True,
        scaled=False,
        failure=lambda at: at.failure,
        switch=lambda at, fallback: at._replace(fallback=fallback),
    )


def _repaired(inner: InternalFrame) -> tuple[InternalFrame, Int[Array, ""]]:
    """A frame of numbers, the stiffness of a bond in all directions where B or the factorisation has none."""
    finite = jnp.all(jnp.isfinite(inner.b)) & jnp.all(jnp.isfinite(inner.factor))
    plain = InternalFrame(jnp.zeros_like(inner.b), BOND**0.5 * jnp.eye(len(inner.factor), dtype=inner.factor.dtype))
    repaired = InternalFrame(*(jnp.where(finite, given, other) for given, other in zip(inner, plain, strict=True)))
    return repaired, jnp.where(finite, int(Fallback.NONE), int(Fallback.NOT_FINITE))
