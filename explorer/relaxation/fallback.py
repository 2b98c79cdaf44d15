"""Internal coordinates with a fallback to Cartesian ones for each structure where they fail."""

from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from explorer.relaxation.chart import Chart
from explorer.relaxation.coordinates import Coordinates
from explorer.relaxation.internal import InternalFrame, internal_chart, solve
from explorer.relaxation.model_hessian import SINGLE_BOND_STIFFNESS
from explorer.relaxation.quasi_newton import quasi_newton
from explorer.relaxation.state import Fallback
from explorer.relaxation.wilson import straightness

_STRAIGHTNESS_LIMIT = float(-np.cos(np.radians(175.0)))  # beyond 175° a dihedral is ill-defined; not tuned


class GuardedFrame(NamedTuple):
    """Frame of internal coordinates with the coordinates in use and the failure found at this structure."""

    inner: InternalFrame
    fallback: Int[Array, ""]  # a `Fallback`; steps are Cartesian unless it is NONE
    failure: Int[Array, ""]  # a `Fallback`


def guarded_chart(coordinates: Coordinates, n_atoms: int) -> Chart:
    """Combine internal coordinates with Cartesian ones, which are used after a failure with the same model Hessian A.

    A compiled program has static shapes, but the structures of a batch fail at different times. Both coordinate
    systems therefore share one vector of length W = max(M, 3N). The shorter system is padded with zeros:

        internal   | q_1 ................ q_M | 0 ... 0 |      fallback == NONE
        Cartesian  | x_1 .. x_3N | 0 .............. 0   |      otherwise      (here M > 3N)
                   '--------------- W ----------------'

    Every function of the chart computes both versions and selects one by the `fallback` of the frame. Padding stays
    zero in values, differences and gradients, so it contributes nothing to the dot products s·y of the L-BFGS
    memory. Its stiffness is zero too, so it has no weight in the norm of the back-transformation. `switch` only
    changes the flag of the frame; the minimiser empties its memory then, since pairs of both systems do not mix.

    Args:
        coordinates: Internal coordinates of the molecule.
        n_atoms: Number of atoms.
    """
    chart = internal_chart(coordinates)
    n_internal, n_cartesian = chart.size, 3 * n_atoms
    width = max(n_internal, n_cartesian)

    def padded(vector: Float[Array, "n"]) -> Float[Array, "width"]:
        return jnp.pad(vector, (0, width - len(vector)))

    def choose(at: GuardedFrame, internal: Float[Array, "M"], cartesian: Float[Array, "3N"]) -> Float[Array, "width"]:
        return jnp.where(at.fallback == Fallback.NONE, padded(internal), padded(cartesian))

    def frame(positions: Float[Array, "N 3"]) -> GuardedFrame:
        inner, failure = _repaired(chart.frame(positions))
        is_straight = straightness(coordinates, positions) > _STRAIGHTNESS_LIMIT
        straight = jnp.where(is_straight, int(Fallback.STRAIGHT_ANGLE), failure)
        failure = jnp.where(failure == Fallback.NONE, straight, failure).astype(jnp.int32)
        return GuardedFrame(inner, jnp.zeros_like(failure), failure)

    def difference(at: GuardedFrame, new: Float[Array, "width"], old: Float[Array, "width"]):
        internal = chart.difference(at.inner, new[:n_internal], old[:n_internal])
        return choose(at, internal, (new - old)[:n_cartesian])

    def inverse_model_hessian(at: GuardedFrame, p: Float[Array, "width"]) -> Float[Array, "width"]:
        is_internal = at.fallback == Fallback.NONE
        shift = solve(at.inner, jnp.where(is_internal, at.inner.b.T @ p[:n_internal], p[:n_cartesian]))
        return choose(at, chart.push_forward(at.inner, shift), shift)

    def pull_back(at: GuardedFrame, change: Float[Array, "width"]) -> Float[Array, "3N"]:
        internal = chart.pull_back(at.inner, change[:n_internal])
        return jnp.where(at.fallback == Fallback.NONE, internal, change[:n_cartesian])

    def no_frame(dtype: Any) -> GuardedFrame:
        return GuardedFrame(chart.no_frame(dtype), jnp.zeros((), jnp.int32), jnp.zeros((), jnp.int32))

    return Chart(
        size=width,
        stiffness=padded(chart.stiffness),
        frame=frame,
        no_frame=no_frame,
        values=lambda at, positions: choose(at, chart.values(at.inner, positions), positions.reshape(-1)),
        difference=difference,
        gradient=lambda at, gradient: choose(at, chart.gradient(at.inner, gradient), gradient),
        inverse_model_hessian=inverse_model_hessian,
        pull_back=pull_back,
        push_forward=lambda at, shift: choose(at, chart.push_forward(at.inner, shift), shift),
        curved=True,
        scaled=False,
        failure=lambda at: at.failure,
        switch=lambda at, fallback: at._replace(fallback=fallback),
        as_cartesian=padded,
    )


def _repaired(inner: InternalFrame) -> tuple[InternalFrame, Int[Array, ""]]:
    """Replace a frame that is not finite by a factor with the stiffness of a bond in all directions."""
    finite = jnp.all(jnp.isfinite(inner.b)) & jnp.all(jnp.isfinite(inner.factor))
    unit = jnp.eye(len(inner.factor), dtype=inner.factor.dtype)
    plain = InternalFrame(jnp.zeros_like(inner.b), SINGLE_BOND_STIFFNESS**0.5 * unit)
    repaired = InternalFrame(*(jnp.where(finite, given, other) for given, other in zip(inner, plain, strict=True)))
    return repaired, jnp.where(finite, int(Fallback.NONE), int(Fallback.NOT_FINITE))


INTERNAL = quasi_newton(guarded_chart)
"""Quasi-Newton minimiser in all bonds, angles and dihedrals of a molecule's bond graph."""
