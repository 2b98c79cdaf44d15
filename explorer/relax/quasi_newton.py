"""A quasi-Newton minimiser for any coordinates: limited-memory BFGS on top of a model Hessian, with a trust radius.

In a redundant set q(x) with B = ∂q/∂x and a diagonal model Hessian D the plain algorithm solves
(Bᵀ H B + λ 1) δx = f for a full BFGS matrix H. Here the updates are kept as pairs (s, y) instead and
the model's inverse B A⁻¹ Bᵀ, A = Bᵀ D B, plays the part of the first Hessian: the same steps for one
Cholesky factorisation and a third of the arithmetic. Long steps are scaled to the trust radius, which
needed fewer force calls on peptides than raising λ.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from explorer.config import RelaxSettings
from explorer.potential.potential import Evaluation
from explorer.relax.back_transformation import travel
from explorer.relax.chart import Chart
from explorer.relax.lbfgs_memory import (
    CurvaturePairs,
    inverse_hessian_times,
    newest_scale,
    no_curvature_pairs,
    remember,
)
from explorer.relax.state import (
    Fallback,
    Relaxer,
    RelaxState,
    Status,
    energy_noise,
    guarded,
    initial_head,
    is_finite,
    largest_force,
    select,
)

SMALLEST_RADIUS = 1e-6  # a step rejected down to this length is hopeless
CARTESIAN_RADIUS = 0.2  # Å; straight steps stay short


class Point(NamedTuple):
    """All that is known at one structure."""

    positions: Float[Array, "N 3"]
    energy: Float[Array, ""]
    forces: Float[Array, "N 3"]
    values: Float[Array, "M"]
    gradient: Float[Array, "M"]
    frame: Any


class QuasiNewtonState(RelaxState):
    """Adds to the head the accepted structure in internals, the memory, and what the pending step promised.

    Attributes:
        values: q of `positions`.
        gradient: ∂E/∂q there.
        frame: the chart's frame there.
        pairs: memory of the Hessian.
        radius: trust radius, Å or rad.
        shortened: factor by which the pending step was shortened to it.
        predicted: energy change that the pending step promised, eV.
        foreseen: energy where the whole, unshortened step would lead, eV.
        missed: whether its back-transformation failed.
    """

    values: Float[Array, "M"]
    gradient: Float[Array, "M"]
    frame: Any
    pairs: CurvaturePairs
    radius: Float[Array, ""]
    shortened: Float[Array, ""]
    predicted: Float[Array, ""]
    foreseen: Float[Array, ""]
    missed: Bool[Array, ""]


def quasi_newton(chart: Chart, settings: RelaxSettings, trust_radius: float) -> Relaxer:
    """A `Relaxer` in the coordinates of a chart.

    Args:
        chart: the coordinates.
        settings: when it is done.
        trust_radius: largest change of a coordinate in a step, Å or rad.
    """

    cartesian_radius = min(trust_radius, CARTESIAN_RADIUS)

    def init(positions: Float[Array, "N 3"], memory: CurvaturePairs | None = None) -> QuasiNewtonState:
        n, dtype = len(chart.stiffness), positions.dtype
        shapes = jax.eval_shape(chart.frame, positions)
        return QuasiNewtonState(
            **initial_head(positions),
            values=jnp.zeros(n, dtype),
            gradient=jnp.zeros(n, dtype),
            frame=jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), shapes),
            pairs=no_curvature_pairs(n, dtype) if memory is None else memory,
            radius=jnp.asarray(trust_radius, dtype),
            shortened=jnp.ones((), dtype),
            predicted=jnp.zeros((), dtype),
            foreseen=jnp.asarray(jnp.inf, dtype),
            missed=jnp.asarray(False),
        )

    def step(positions: Float[Array, "N 3"], evaluation: Evaluation, state: QuasiNewtonState):
        trial, last = _point(chart, positions, evaluation, state.fallback), _last(state)
        first, finite = state.n_steps == 1, is_finite(evaluation)
        moved = chart.difference(last.frame, trial.values, last.values)
        change = _energy_change(trial, last, moved, state.predicted)
        # a rejected step is undone, but what it says about the curvature is kept
        accepted = first | (finite & (change <= 0))
        useful = finite & ~first & (accepted | (jnp.max(jnp.abs(moved)) < 2 * state.radius))
        # a fraction of a step that takes nearly all of the gradient away came down a wall, not a parabola
        steepness = jnp.linalg.norm(trial.gradient) / jnp.linalg.norm(last.gradient)
        useful &= (state.shortened > 0.1) | (steepness > 0.1)
        pairs = remember(state.pairs, moved, trial.gradient - last.gradient, state.shortened * -last.gradient, useful)
        widest = jnp.where(state.fallback == Fallback.NONE, trust_radius, cartesian_radius)
        radius = _adapt(state.radius, change / jnp.minimum(state.predicted, -1e-30), moved, finite, widest)
        radius = jnp.where(first, state.radius, radius)

        point = select(accepted, trial, last)
        fallback = _fallback(chart, point, state)
        left = fallback != state.fallback  # in this step: in new coordinates nothing is remembered
        point = select(left, _switched(chart, point, fallback), point)
        pairs = select(left, no_curvature_pairs(len(chart.stiffness), positions.dtype), pairs)
        radius = jnp.where(left, cartesian_radius, radius)

        shift, length, slope = _propose(chart, point, pairs)
        shortened = jnp.minimum(1, radius / length)
        fmax = largest_force(point.forces)
        # slope / 2 is the change that the whole, unshortened step would bring
        converged = (fmax < settings.fmax) & (-slope / 2 < settings.energy_change) & (length < settings.step)
        target, missed = travel(chart, point.positions, point.frame, point.values, shortened * shift)
        status = jnp.where(radius < SMALLEST_RADIUS, int(Status.STUCK), int(Status.RUNNING))
        status = jnp.where(converged, int(Status.CONVERGED), status)
        status = jnp.where(first & ~finite, int(Status.DIVERGED), status)
        state = state.replace(
            status=status.astype(jnp.int32),
            fmax=fmax,
            pairs=pairs,
            radius=radius,
            shortened=shortened,
            predicted=shortened * (1 - shortened / 2) * slope,
            foreseen=point.energy + slope / 2,
            missed=missed,
            fallback=fallback,
            **point._asdict(),
        )
        return target, state

    def memory(state: QuasiNewtonState) -> CurvaturePairs:
        # pairs of other coordinates than those that the next relaxation begins in are of no use to it
        return jax.tree.map(lambda leaf: jnp.where(state.fallback == Fallback.NONE, leaf, 0), state.pairs)

    return Relaxer(init, guarded(step, settings.max_steps), memory)


def _point(chart: Chart, positions: Float[Array, "N 3"], evaluation: Evaluation, fallback: Int[Array, ""]) -> Point:
    frame = chart.switch(chart.frame(positions), fallback)
    gradient = chart.gradient(frame, -evaluation.forces.reshape(-1))
    return Point(positions, evaluation.energy, evaluation.forces, chart.values(frame, positions), gradient, frame)


def _switched(chart: Chart, point: Point, fallback: Int[Array, ""]) -> Point:
    """The same structure in the coordinates that are used after a failure."""
    frame = chart.switch(point.frame, fallback)
    values, gradient = chart.values(frame, point.positions), chart.gradient(frame, -point.forces.reshape(-1))
    return point._replace(values=values, gradient=gradient, frame=frame)


def _fallback(chart: Chart, point: Point, state: QuasiNewtonState) -> Int[Array, ""]:
    """The first reason to leave the coordinates stays the reason."""
    missed = jnp.where(state.missed, int(Fallback.BACK_TRANSFORMATION), int(Fallback.NONE))
    failure = chart.failure(point.frame)
    reason = jnp.where(failure != Fallback.NONE, failure, missed)
    return jnp.where(state.fallback != Fallback.NONE, state.fallback, reason).astype(jnp.int32)


def _last(state: QuasiNewtonState) -> Point:
    return Point(*(getattr(state, name) for name in Point._fields))


def _energy_change(trial: Point, last: Point, moved: Float[Array, "M"], predicted: Float[Array, ""]):
    """E(trial) - E(last), from the gradients where rounding of the energies would drown it (float32)."""
    trapezoid = 0.5 * jnp.dot(trial.gradient + last.gradient, moved)
    drowned = jnp.abs(predicted) < 20 * energy_noise(trial.energy)
    return jnp.where(drowned, trapezoid, trial.energy - last.energy)


def _adapt(
    radius: Float[Array, ""],
    ratio: Float[Array, ""],
    moved: Float[Array, "M"],
    finite: Bool[Array, ""],
    largest: Float[Array, ""],
) -> Float[Array, ""]:
    """Halves the trust radius after a poor step, doubles it after a good one that used it, quarters it after NaN."""
    length = jnp.max(jnp.abs(moved))
    length = jnp.where(jnp.isfinite(length), length, radius)
    halved = jnp.minimum(jnp.maximum(length, 2e-3), radius) / 2
    grown = jnp.where((ratio > 0.75) & (length > 0.7 * radius), jnp.minimum(2 * radius, largest), radius)
    return jnp.where(finite, jnp.where(ratio < 0.25, halved, grown), jnp.minimum(length, radius) / 4)


def _propose(chart: Chart, point: Point, pairs: CurvaturePairs):
    """The quasi-Newton step δx, the largest change of a coordinate in it, and its slope g·δx."""
    scale = newest_scale(pairs) if chart.scaled else 1
    wanted = inverse_hessian_times(point.gradient, pairs, lambda p: scale * chart.inverse_model_hessian(point.frame, p))
    shift = -chart.pull_back(point.frame, wanted)
    length = jnp.max(jnp.abs(chart.push_forward(point.frame, shift)))
    return shift, length, -jnp.dot(point.forces.reshape(-1), shift)
