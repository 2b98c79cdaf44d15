"""Quasi-Newton minimiser for any coordinates: limited-memory BFGS on a model Hessian, with a trust radius.

In a redundant set q(x) with B = ∂q/∂x and a diagonal model Hessian D, the usual algorithm solves
(Bᵀ H B + λ 1) δx = f for a full BFGS matrix H. This one stores the updates as pairs (s, y), and the inverse of the
model, B A⁻¹ Bᵀ with A = Bᵀ D B, takes the place of the inverse of the initial Hessian. The steps are the same, for one
Cholesky factorisation and a third of the arithmetic. Long steps are scaled to the trust radius, which needed fewer
force calls on peptides than raising λ.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from explorer.potential.potential import Evaluation
from explorer.relaxation.back_transformation import travel
from explorer.relaxation.chart import Chart
from explorer.relaxation.lbfgs_memory import (
    CurvaturePairs,
    inverse_hessian_times,
    newest_scale,
    no_curvature_pairs,
    remember,
)
from explorer.relaxation.state import (
    Algorithm,
    Convergence,
    Fallback,
    Relaxer,
    RelaxState,
    Status,
    energy_noise,
    initial_head,
    is_finite,
    largest_force,
    select,
    update_if,
)

_MIN_TRUST_RADIUS = 1e-6  # Å or rad; below it no step lowers the energy, and the relaxation is stuck; not tuned
_LONG_STEP = 0.1  # Å or rad; a shorter step does not lead from a loose to a crowded structure; not tuned
CARTESIAN_TRUST_RADIUS = 0.2  # Å; Cartesian steps do not follow the curvature of bonds, so they stay short; not tuned


class Point(NamedTuple):
    """Energy, forces and coordinates of one structure."""

    positions: Float[Array, "N 3"]  # Å
    energy: Float[Array, ""]  # eV
    forces: Float[Array, "N 3"]  # eV/Å
    values: Float[Array, "M"]  # q
    gradient: Float[Array, "M"]  # ∂E/∂q


class QuasiNewtonState(RelaxState):
    """State of a relaxation with the coordinates of the accepted structure, the L-BFGS memory and the pending step.

    Attributes:
        values: Coordinates q of `positions`.
        gradient: ∂E/∂q of `positions`.
        pairs: L-BFGS memory.
        radius: Trust radius, Å or rad.
        shortened: Factor by which the pending step was shortened to the trust radius.
        predicted: Predicted energy change of the pending step, eV.
        predicted_energy: Predicted energy after the whole, unshortened step, eV.
        missed: Whether the back-transformation of the pending step failed.
        start_energy: Energy at the start, eV.
    """

    values: Float[Array, "M"]
    gradient: Float[Array, "M"]
    pairs: CurvaturePairs
    radius: Float[Array, ""]
    shortened: Float[Array, ""]
    predicted: Float[Array, ""]
    predicted_energy: Float[Array, ""]
    missed: Bool[Array, ""]
    start_energy: Float[Array, ""]


def quasi_newton(chart_of: Callable[[Any, int], Chart]) -> Algorithm:
    """Build the algorithm in the coordinates of a chart.

    Args:
        chart_of: Function of the coordinates of a relaxer and the number of atoms that returns the chart.
    """
    return Algorithm(partial(_init, chart_of), partial(_step, chart_of), _memory, _can_shorten)


def _init(
    chart_of: Callable[[Any, int], Chart],
    relaxer: Relaxer,
    positions: Float[Array, "N 3"],
    memory: CurvaturePairs | None = None,
) -> QuasiNewtonState:
    n, dtype = chart_of(relaxer.coordinates, len(positions)).size, positions.dtype
    return QuasiNewtonState(
        **initial_head(positions),
        values=jnp.zeros(n, dtype),
        gradient=jnp.zeros(n, dtype),
        pairs=no_curvature_pairs(n, dtype) if memory is None else memory,
        radius=jnp.asarray(relaxer.convergence.trust_radius, dtype),
        shortened=jnp.ones((), dtype),
        predicted=jnp.zeros((), dtype),
        predicted_energy=jnp.asarray(jnp.inf, dtype),
        missed=jnp.asarray(False),
        start_energy=jnp.zeros((), dtype),
    )


def _step(
    chart_of: Callable[[Any, int], Chart],
    relaxer: Relaxer,
    positions: Float[Array, "N 3"],
    evaluation: Evaluation,
    state: QuasiNewtonState,
) -> tuple[Float[Array, "N 3"], QuasiNewtonState]:
    chart = chart_of(relaxer.coordinates, len(positions))
    limits = Convergence(*(jnp.asarray(limit, positions.dtype) for limit in relaxer.convergence))
    cartesian_radius = jnp.minimum(limits.trust_radius, CARTESIAN_TRUST_RADIUS)
    last, first, finite = _last(state), state.n_steps == 1, is_finite(evaluation)
    state = state.replace(start_energy=jnp.where(first, evaluation.energy, state.start_energy))
    given = Point(positions, evaluation.energy, evaluation.forces, last.values, last.gradient)

    def decide(carry: _TrialDecision) -> _TrialDecision:
        """Complete the point and, where it is the trial, accept it or return to the last one."""
        frame, point = _completed(chart, carry.point, state.fallback)
        trial, moved = point, chart.difference(frame, point.values, last.values)
        change = _energy_change(trial, last, moved, state.predicted)
        # a rejected step is undone, but its information about the curvature is kept
        accepted = first | (finite & (change <= 0))
        useful = finite & ~first & (accepted | (jnp.max(jnp.abs(moved)) < 2 * state.radius))
        # a fraction of a step that removes nearly all of the gradient came from a repulsive wall, not a parabola
        steepness: Float[Array, ""] = jnp.linalg.norm(trial.gradient) / jnp.linalg.norm(last.gradient)
        useful &= (state.shortened > 0.1) | (steepness > 0.1)
        changes = moved, trial.gradient - last.gradient, state.shortened * -last.gradient
        widest = jnp.where(state.fallback == Fallback.NONE, limits.trust_radius, cartesian_radius)
        radius = _adapt(state.radius, change / jnp.minimum(state.predicted, -1e-30), moved, finite, widest)
        radius = jnp.where(first, state.radius, radius)
        rejected = ~carry.is_decided & ~accepted
        kept = carry.is_decided
        return _TrialDecision(
            is_decided=jnp.asarray(True),
            again=rejected,
            point=select(rejected, last, point),
            frame=frame,
            changes=select(kept, carry.changes, changes),
            useful=jnp.where(kept, carry.useful, useful),
            radius=jnp.where(kept, carry.radius, radius),
        )

    no, zeros = jnp.asarray(False), jnp.zeros_like(last.values)
    start = _TrialDecision(no, ~no, given, chart.no_frame(positions.dtype), (zeros, zeros, zeros), no, state.radius)
    # a rejected trial takes a second pass, in which the frame of the last point is computed again: no state keeps it
    decided = jax.lax.while_loop(lambda carry: carry.again, decide, start)
    point, frame, radius = decided.point, decided.frame, decided.radius
    pairs = remember(state.pairs, *decided.changes, decided.useful)

    fallback = _fallback(chart, frame, state)
    switched = fallback != state.fallback  # the memory is empty in new coordinates
    point, frame = select(switched, _switched(chart, point, frame, fallback), (point, frame))
    pairs = update_if(switched, lambda pairs: jax.tree.map(jnp.zeros_like, pairs), pairs)
    radius = jnp.where(switched, cartesian_radius, radius)

    # away from a saddle a long step may lead beyond the nearest minimum
    careful = state.start_energy - point.energy < limits.careful_fall
    radius = jnp.where(careful, jnp.minimum(radius, limits.careful_radius), radius)
    shift, length, slope = _propose(chart, frame, point, pairs)
    shortened = jnp.minimum(1, radius / length)
    fmax = largest_force(point.forces)
    # slope / 2 is the predicted energy change of the whole, unshortened step
    converged = (fmax < limits.fmax) & (-slope / 2 < limits.energy_change) & (length < limits.step)
    target, missed = travel(chart, point.positions, frame, point.values, shortened * shift)
    status = jnp.where(radius < _MIN_TRUST_RADIUS, int(Status.STUCK), int(Status.RUNNING))
    status = jnp.where(converged, int(Status.CONVERGED), status)
    status = jnp.where(first & ~finite, int(Status.DIVERGED), status)
    state = state.replace(
        status=status.astype(jnp.int32),
        fmax=fmax,
        pairs=pairs,
        radius=radius,
        shortened=shortened,
        predicted=shortened * (1 - shortened / 2) * slope,
        predicted_energy=point.energy + slope / 2,
        missed=missed,
        fallback=fallback,
        **point._asdict(),
    )
    return target, state


def _can_shorten(state: QuasiNewtonState) -> Bool[Array, ""]:
    return (state.n_steps > 0) & (state.radius > _LONG_STEP)


def _memory(state: QuasiNewtonState) -> CurvaturePairs:
    # the next relaxation starts in internal coordinates, for which pairs of Cartesian steps are useless
    return jax.tree.map(lambda leaf: jnp.where(state.fallback == Fallback.NONE, leaf, 0), state.pairs)


class _TrialDecision(NamedTuple):
    """State of the decision about a trial step."""

    is_decided: Bool[Array, ""]  # whether the trial was decided already
    again: Bool[Array, ""]  # whether another pass is needed
    point: Point
    frame: Any  # of the chart, at the point
    # of coordinates and gradient by the trial, and H s
    changes: tuple[Float[Array, "M"], Float[Array, "M"], Float[Array, "M"]]
    useful: Bool[Array, ""]  # whether they may be remembered
    radius: Float[Array, ""]


def _completed(chart: Chart, point: Point, fallback: Int[Array, ""]) -> tuple[Any, Point]:
    """The frame of a structure, and the point with its coordinates and their gradient."""
    frame = chart.switch(chart.frame(point.positions), fallback)
    values = chart.values(frame, point.positions)
    return frame, point._replace(values=values, gradient=chart.gradient(frame, -point.forces.reshape(-1)))


def _switched(chart: Chart, point: Point, frame: Any, fallback: Int[Array, ""]) -> tuple[Point, Any]:
    """The same structure in the Cartesian coordinates that are used after a failure."""
    values, gradient = (chart.as_cartesian(v.reshape(-1)) for v in (point.positions, -point.forces))
    return point._replace(values=values, gradient=gradient), chart.switch(frame, fallback)


def _fallback(chart: Chart, frame: Any, state: QuasiNewtonState) -> Int[Array, ""]:
    """The first reason to leave internal coordinates; it is kept for the rest of the relaxation."""
    missed = jnp.where(state.missed, int(Fallback.BACK_TRANSFORMATION), int(Fallback.NONE))
    failure = chart.failure(frame)
    reason = jnp.where(failure != Fallback.NONE, failure, missed)
    return jnp.where(state.fallback != Fallback.NONE, state.fallback, reason).astype(jnp.int32)


def _last(state: QuasiNewtonState) -> Point:
    return Point(*(getattr(state, name) for name in Point._fields))


def _energy_change(trial: Point, last: Point, moved: Float[Array, "M"], predicted: Float[Array, ""]):
    """E(trial) - E(last), from the gradients where it is below the rounding of the energies (float32)."""
    trapezoid = 0.5 * jnp.dot(trial.gradient + last.gradient, moved)
    below_rounding = jnp.abs(predicted) < 20 * energy_noise(trial.energy)
    return jnp.where(below_rounding, trapezoid, trial.energy - last.energy)


def _adapt(
    radius: Float[Array, ""],
    ratio: Float[Array, ""],
    moved: Float[Array, "M"],
    finite: Bool[Array, ""],
    largest: Float[Array, ""],
) -> Float[Array, ""]:
    """Halve the trust radius after a poor step, double it after a good one that used it, quarter it after NaN.

    The thresholds 1/4 and 3/4 of the ratio of actual and predicted change are those of Nocedal & Wright, algorithm 4.1.
    The other numbers are not tuned.
    """
    length = jnp.max(jnp.abs(moved))
    length = jnp.where(jnp.isfinite(length), length, radius)
    halved = jnp.minimum(jnp.maximum(length, 2e-3), radius) / 2
    enlarged = jnp.where((ratio > 0.75) & (length > 0.7 * radius), jnp.minimum(2 * radius, largest), radius)
    return jnp.where(finite, jnp.where(ratio < 0.25, halved, enlarged), jnp.minimum(length, radius) / 4)


def _propose(chart: Chart, frame: Any, point: Point, pairs: CurvaturePairs):
    """The quasi-Newton step δx, the largest change of a coordinate in it, and its slope g·δx."""
    scale = newest_scale(pairs) if chart.scaled else 1
    change = inverse_hessian_times(point.gradient, pairs, lambda p: scale * chart.inverse_model_hessian(frame, p))
    shift = -chart.pull_back(frame, change)
    length = jnp.max(jnp.abs(chart.push_forward(frame, shift)))
    return shift, length, -jnp.dot(point.forces.reshape(-1), shift)
