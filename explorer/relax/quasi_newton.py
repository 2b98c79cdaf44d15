"""A quasi-Newton minimiser for any coordinates: limited-memory BFGS on top of a model Hessian, with a trust radius.

In a redundant set q(x) with B = ∂q/∂x and a diagonal model Hessian D the plain algorithm solves
(Bᵀ H B + λ 1) δx = f for a full BFGS matrix H. Here the updates are kept as pairs (s, y) instead and
the model's inverse B A⁻¹ Bᵀ, A = Bᵀ D B, plays the part of the first Hessian: the same steps for one
Cholesky factorisation and a third of the arithmetic. Long steps are scaled to the trust radius, which
needed fewer force calls on peptides than raising λ.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct
from jaxtyping import Array, Bool, Float

from explorer.config import RelaxSettings
from explorer.potential.potential import Evaluation
from explorer.relax.memory import Pairs, inverse_hessian_times, newest_scale, no_pairs, remember
from explorer.relax.state import (
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

BACK_TRANSFORMATIONS = 5  # inner iterations for a curved step
SMALLEST_RADIUS = 1e-6  # a step rejected down to this length is hopeless


class Chart(NamedTuple):
    """Coordinates as the minimiser sees them; a frame is what belongs to one structure (B and a factor of A).

    Attributes:
        stiffness: diagonal model Hessian D, shape (M,).
        values: positions -> q.
        difference: (q, q0) -> q - q0, angles wrapped.
        frame: positions -> frame.
        gradient: (frame, ∂E/∂x) -> ∂E/∂q, the one of least norm in D⁻¹.
        smooth: (frame, p) -> B A⁻¹ Bᵀ p, the inverse of the model Hessian.
        pull: (frame, δq) -> the δx whose B δx is nearest to δq in the norm of D.
        push: (frame, δx) -> B δx.
        curved: whether q is not linear in x, so that a step needs back-transformation.
        scaled: whether the model Hessian is only known up to a factor.
    """

    stiffness: Float[np.ndarray, "M"]
    values: Callable
    difference: Callable
    frame: Callable
    gradient: Callable
    smooth: Callable
    pull: Callable
    push: Callable
    curved: bool
    scaled: bool


class Point(NamedTuple):
    """All that is known at one structure."""

    positions: Float[Array, "N 3"]
    energy: Float[Array, ""]
    forces: Float[Array, "N 3"]
    values: Float[Array, "M"]
    gradient: Float[Array, "M"]
    frame: Any


@struct.dataclass
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
    """

    values: Float[Array, "M"]
    gradient: Float[Array, "M"]
    frame: Any
    pairs: Pairs
    radius: Float[Array, ""]
    shortened: Float[Array, ""]
    predicted: Float[Array, ""]


def quasi_newton(chart: Chart, settings: RelaxSettings, trust_radius: float) -> Relaxer:
    """A `Relaxer` in the coordinates of a chart.

    Args:
        chart: the coordinates.
        settings: when it is done.
        trust_radius: largest change of a coordinate in a step, Å or rad.
    """

    def init(positions: Float[Array, "N 3"]) -> QuasiNewtonState:
        n, dtype = len(chart.stiffness), positions.dtype
        frame = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, dtype), jax.eval_shape(chart.frame, positions))
        return QuasiNewtonState(
            **initial_head(positions),
            values=jnp.zeros(n, dtype),
            gradient=jnp.zeros(n, dtype),
            frame=frame,
            pairs=no_pairs(n, dtype),
            radius=jnp.asarray(trust_radius, dtype),
            shortened=jnp.ones((), dtype),
            predicted=jnp.zeros((), dtype),
        )

    def step(positions: Float[Array, "N 3"], evaluation: Evaluation, state: QuasiNewtonState):
        trial, last = _point(chart, positions, evaluation), _last(state)
        first, finite = state.n_steps == 1, is_finite(evaluation)
        moved = chart.difference(trial.values, last.values)
        change = _energy_change(trial, last, moved, state.predicted)
        # a rejected step is undone, but what it says about the curvature is kept
        accepted = first | (finite & (change <= 0))
        useful = finite & ~first & (accepted | (jnp.max(jnp.abs(moved)) < 2 * state.radius))
        # a fraction of a step that takes nearly all of the gradient away came down a wall, not a parabola
        steepness = jnp.linalg.norm(trial.gradient) / jnp.linalg.norm(last.gradient)
        useful &= (state.shortened > 0.1) | (steepness > 0.1)
        pairs = remember(state.pairs, moved, trial.gradient - last.gradient, state.shortened * -last.gradient, useful)
        radius = _adapt(state.radius, change / jnp.minimum(state.predicted, -1e-30), moved, finite, trust_radius)
        radius = jnp.where(first, state.radius, radius)

        point = select(accepted, trial, last)
        shift, shortened, slope = _propose(chart, point, pairs, radius)
        fmax = largest_force(point.forces)
        # slope / 2 is the change that the whole, unshortened step would bring
        converged = (fmax < settings.fmax) & (-slope / 2 < settings.energy_change)
        target = _travel(chart, point, shortened * shift)
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
            **point._asdict(),
        )
        return target, state

    return Relaxer(init, guarded(step, settings.max_steps))


def _point(chart: Chart, positions: Float[Array, "N 3"], evaluation: Evaluation) -> Point:
    frame = chart.frame(positions)
    gradient = chart.gradient(frame, -evaluation.forces.reshape(-1))
    return Point(positions, evaluation.energy, evaluation.forces, chart.values(positions), gradient, frame)


def _last(state: QuasiNewtonState) -> Point:
    return Point(*(getattr(state, name) for name in Point._fields))


def _energy_change(trial: Point, last: Point, moved: Float[Array, "M"], predicted: Float[Array, ""]):
    """E(trial) - E(last), from the gradients where rounding of the energies would drown it (float32)."""
    trapezoid = 0.5 * jnp.dot(trial.gradient + last.gradient, moved)
    drowned = jnp.abs(predicted) < 20 * energy_noise(trial.energy)
    return jnp.where(drowned, trapezoid, trial.energy - last.energy)


def _adapt(radius, ratio, moved: Float[Array, "M"], finite: Bool[Array, ""], largest: float) -> Float[Array, ""]:
    """Halves the trust radius after a poor step, doubles it after a good one that used it, quarters it after NaN."""
    length = jnp.max(jnp.abs(moved))
    halved = jnp.minimum(jnp.maximum(length, 2e-3), radius) / 2
    grown = jnp.where((ratio > 0.75) & (length > 0.7 * radius), jnp.minimum(2 * radius, largest), radius)
    return jnp.where(finite, jnp.where(ratio < 0.25, halved, grown), jnp.minimum(length, radius) / 4)


def _propose(chart: Chart, point: Point, pairs: Pairs, radius: Float[Array, ""]):
    """The quasi-Newton step δx, the factor that brings it inside the trust radius, and its slope g·δx."""
    scale = newest_scale(pairs) if chart.scaled else 1
    wanted = inverse_hessian_times(point.gradient, pairs, lambda p: scale * chart.smooth(point.frame, p))
    shift = -chart.pull(point.frame, wanted)
    largest = jnp.max(jnp.abs(chart.push(point.frame, shift)))
    slope = -jnp.dot(point.forces.reshape(-1), shift)
    return shift, jnp.minimum(1, radius / largest), slope


def _travel(chart: Chart, point: Point, shift: Float[Array, "3N"]) -> Float[Array, "N 3"]:
    """Where a step leads: for curved coordinates the positions whose q comes nearest to q0 + B δx.

    Gauss-Newton iterations with the frame of the start; the best of them counts, so that a diverging
    back-transformation ends in the straight step.
    """
    positions = point.positions + shift.reshape(point.positions.shape)
    if not chart.curved:
        return positions
    stiffness = jnp.asarray(chart.stiffness, shift.dtype)
    target = chart.push(point.frame, shift)

    def miss(positions):
        left = target - chart.difference(chart.values(positions), point.values)
        return left, jnp.dot(stiffness, left**2)

    def iterate(_, carry):
        positions, left, best, error = carry
        positions = positions + chart.pull(point.frame, left).reshape(positions.shape)
        left, new_error = miss(positions)
        better = new_error < error
        return positions, left, jnp.where(better, positions, best), jnp.where(better, new_error, error)

    left, error = miss(positions)
    return jax.lax.fori_loop(0, BACK_TRANSFORMATIONS, iterate, (positions, left, positions, error))[2]
