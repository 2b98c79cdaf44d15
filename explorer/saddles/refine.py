"""Refinement of a structure to a saddle: partitioned rational function steps with products along the followed mode.

A refinement asks for one evaluation at a time, at the point of the next step or beside the present one, where the
difference of two gradients is the product of the Hessian with the followed mode. So refinements in different phases
share one batch and one compiled program.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from explorer.potential.potential import Evaluation
from explorer.relaxation.back_transformation import travel
from explorer.relaxation.chart import Chart
from explorer.relaxation.state import energy_noise, is_finite, largest_force, select
from explorer.saddles.curvature import Curvature, hessian_times, no_curvature, with_pair
from explorer.saddles.rational_step import rational_step
from explorer.saddles.refine_state import Limits, Refinement, RefineState, Request, SaddleStart
from explorer.saddles.saddle_coordinates import SaddleCoordinates, Scales

_AFTER_CLASH = 0.5  # factor of the trust radius after a clash
_LARGEST_INCREASE = 2.0  # of the trust radius; not tuned
_SMALLEST_SHARE = 0.01  # of the trust radius at the start, below which it does not shrink; not tuned
_FALL_STEP = 0.67  # largest change of a coordinate while a clash is removed, over the trust radius
_MAX_FALLS = 30  # steps that remove a clash; measured were 2 to 14
_LEAST_FALL = 0.02  # eV, a smaller one ends the removal of a clash: a high saddle is not a clash; not tuned
_PROBE = 0.01  # Å, by which one atom moves in a product
_FIRST_PRODUCTS, _LATER_PRODUCTS = 6, 2
_RESIDUAL = 0.3  # residual over eigenvalue below which a mode is good enough
_TURNED = 0.7071  # cosine of 45°
_MISSED, _MISSED_ENERGY = 3.0, 0.02  # a step is undone that misses by three times its promise and by 0.02 eV


def begin(
    coordinates: SaddleCoordinates, limits: Limits, start: SaddleStart, curvature: Curvature | None = None
) -> RefineState:
    """Return the state before the first step.

    Args:
        coordinates: Coordinates of the molecule.
        limits: Limits of the refinement.
        start: Start of the refinement.
        curvature: Hessian there in u; None for the model Hessian.
    """
    positions, dtype = jnp.asarray(start.positions), start.positions.dtype
    chart = coordinates.chart(len(positions))
    frame, scales = chart.frame(positions), Scales(chart, dtype)
    direction = scales.step(chart.push_forward(frame, jnp.asarray(start.direction).reshape(-1)))
    length: Array = jnp.linalg.norm(direction)
    zero, none = jnp.zeros((), dtype), jnp.zeros((), jnp.int32)
    return RefineState(
        status=none,
        n_evaluations=none,
        n_steps=none,
        n_falls=none,
        positions=positions,
        energy=jnp.asarray(start.energy),
        forces=jnp.asarray(start.forces),
        fmax=largest_force(jnp.asarray(start.forces)),
        values=chart.values(frame, positions),
        gradient=jnp.zeros(chart.size, dtype),
        curvature=no_curvature(chart.size, dtype) if curvature is None else curvature,
        followed=direction / jnp.where(length > 0, length, 1),
        ceiling=jnp.asarray(start.ceiling, dtype),
        radius=jnp.asarray(limits.trust_radius, dtype),
        request=none,
        predicted=zero,
        length=zero,
        was_cut=jnp.asarray(False),
        products_left=none,
        curvature_here=jnp.asarray(jnp.inf, dtype),
    )


def refine_step(
    coordinates: SaddleCoordinates,
    limits: Limits,
    positions: Float[Array, "N 3"],
    evaluation: Evaluation,
    state: RefineState,
) -> tuple[Float[Array, "N 3"], RefineState]:
    """Use an evaluation, and return the positions of the next one (Å) and the new state.

    Args:
        coordinates: Coordinates of the molecule.
        limits: Limits of the refinement.
        positions: Positions of the evaluation, Å.
        evaluation: Energy and forces there.
        state: State of the refinement. A final one stays as it is.
    """
    running = state.status == Refinement.RUNNING
    # a long step into a crowded structure is undone; elsewhere the pairs must fit
    overflow = evaluation.overflow & ~((state.request == Request.STEP) & (state.length > 0.1))

    def take(positions: Float[Array, "N 3"], state: RefineState) -> tuple[Float[Array, "N 3"], RefineState]:
        return _take(coordinates, limits, positions, evaluation, state)

    def stay(positions: Float[Array, "N 3"], state: RefineState) -> tuple[Float[Array, "N 3"], RefineState]:
        status = jnp.where(running & overflow, int(Refinement.OVERFLOW), state.status)
        return positions, state.replace(status=status.astype(jnp.int32))

    return jax.lax.cond(running & ~overflow, take, stay, positions, state)


class _Point(NamedTuple):
    """One structure with its coordinates."""

    positions: Float[Array, "N 3"]
    energy: Float[Array, ""]
    forces: Float[Array, "N 3"]
    values: Float[Array, "M"]
    gradient: Float[Array, "M"]  # ∂E/∂u


def _take(
    coordinates: SaddleCoordinates,
    limits: Limits,
    positions: Float[Array, "N 3"],
    evaluation: Evaluation,
    state: RefineState,
) -> tuple[Float[Array, "N 3"], RefineState]:
    chart = coordinates.chart(len(positions))
    scales = Scales(chart, positions.dtype)
    frame = chart.frame(positions)
    trial = _Point(
        positions,
        evaluation.energy,
        evaluation.forces,
        chart.values(frame, positions),
        scales.gradient(chart.gradient(frame, -evaluation.forces.reshape(-1))),
    )
    finite = is_finite(evaluation) & jnp.all(jnp.isfinite(trial.gradient))
    state = state.replace(n_evaluations=state.n_evaluations + 1)
    moved = scales.step(chart.difference(frame, trial.values, state.values))
    is_product, is_step = state.request == Request.PRODUCT, state.request == Request.STEP

    change, energy_before = trial.gradient - state.gradient, state.energy
    curvature = with_pair(state.curvature, moved, change, finite & (is_product | is_step))
    state = _with_product(state.replace(curvature=curvature), moved, change, is_product & finite)
    accepted, state = _judged(state, limits, trial, finite)
    last = _Point(*(getattr(state, name) for name in _Point._fields))
    point = select(accepted, trial, last)
    frame = jax.lax.cond(accepted, lambda: frame, lambda: chart.frame(last.positions))
    state = state.replace(**point._asdict(), fmax=largest_force(point.forces))
    failed = ((state.request == Request.START) | (state.request == Request.FALL)) & ~finite

    lands = (state.request == Request.FALL) & (state.energy > energy_before - _LEAST_FALL)
    is_clash = (state.energy > state.ceiling) & (state.request <= Request.FALL) & ~lands
    fell = (state.request == Request.FALL) & ~is_clash
    begins = (state.request <= Request.FALL) & ~is_clash
    state = state.replace(
        radius=jnp.where(fell, _AFTER_CLASH * state.radius, state.radius),
        products_left=jnp.where(begins, _FIRST_PRODUCTS, state.products_left),
    )
    mode, state = _chosen_mode(state, limits, is_step)
    wants_product = ~is_clash & (state.products_left > 0)
    converged = ~is_clash & (state.fmax < limits.fmax) & (state.curvature_here < 0)

    def fall() -> tuple[Array, Array, Array, Array, Array]:
        across = state.gradient - jnp.dot(state.gradient, state.followed) * state.followed
        step = -across / jnp.maximum(jnp.linalg.norm(across), 1e-12)
        return _trial(chart, scales, frame, state, step, _FALL_STEP * state.radius, fills=True)

    def product() -> tuple[Array, Array, Array, Array, Array]:
        direction = chart.pull_back(frame, scales.change(mode)).reshape(positions.shape)
        size = jnp.sqrt(jnp.max(jnp.sum(direction**2, axis=1)))
        zero = jnp.zeros((), positions.dtype)
        beside = point.positions + _PROBE / jnp.maximum(size, 1e-12) * direction
        return beside, zero, zero, jnp.asarray(False), jnp.asarray(False)

    def step() -> tuple[Array, Array, Array, Array, Array]:
        overlaps = jnp.abs(state.curvature.vectors @ mode)
        whole = rational_step(state.curvature, state.gradient, jnp.argmax(overlaps))
        return _trial(chart, scales, frame, state, whole, state.radius, fills=False)

    choice = jnp.where(is_clash, 0, jnp.where(wants_product, 1, 2))
    target: Array
    target, predicted, length, was_cut, missed = jax.lax.switch(choice, (fall, product, step))
    request = jnp.array([Request.FALL, Request.PRODUCT, Request.STEP])[choice]
    n_steps = state.n_steps + (choice == 2)
    exhausted = (n_steps > limits.max_steps) | (state.n_falls >= _MAX_FALLS)
    status = jnp.where(exhausted, int(Refinement.NOT_CONVERGED), int(Refinement.RUNNING))
    status = jnp.where(missed, int(Refinement.MISSED), status)
    status = jnp.where(converged, int(Refinement.CONVERGED), status)
    status = jnp.where(failed | ~jnp.all(jnp.isfinite(target)), int(Refinement.DIVERGED), status)
    state = state.replace(
        status=status.astype(jnp.int32),
        request=request.astype(jnp.int32),
        n_steps=n_steps.astype(jnp.int32),
        n_falls=(state.n_falls + (choice == 0)).astype(jnp.int32),
        predicted=predicted,
        length=length,
        was_cut=was_cut,
    )
    return jnp.where(status == Refinement.RUNNING, target, state.positions), state


def _with_product(
    state: RefineState, moved: Float[Array, "M"], change: Float[Array, "M"], is_product: Bool[Array, ""]
) -> RefineState:
    """Use a product H v ≈ [g(u + h v) - g(u)] / h: the curvature along v, and whether v is nearly an eigenvector."""
    length: Array = jnp.linalg.norm(moved)
    unit = moved / jnp.where(length > 0, length, 1)
    product = change / jnp.where(length > 0, length, 1)
    value = jnp.dot(unit, product)
    residual = jnp.linalg.norm(product - value * unit)
    left = jnp.where(residual < _RESIDUAL * jnp.abs(value), 0, state.products_left - 1)
    sign = jnp.where(jnp.dot(unit, state.followed) < 0, -1, 1)
    return state.replace(
        products_left=jnp.where(is_product, left, state.products_left).astype(jnp.int32),
        curvature_here=jnp.where(is_product, value, state.curvature_here),
        followed=jnp.where(is_product, sign * unit, state.followed),
    )


def _judged(
    state: RefineState, limits: Limits, trial: _Point, finite: Bool[Array, ""]
) -> tuple[Bool[Array, ""], RefineState]:
    """Return whether the evaluated point becomes the accepted one, and the state with the new trust radius."""
    is_step = state.request == Request.STEP
    change = trial.energy - state.energy
    miss, noise = jnp.abs(change - state.predicted), 20 * energy_noise(trial.energy)
    promised = jnp.maximum(jnp.abs(state.predicted), noise)
    undone = ~finite | ((miss > _MISSED * promised) & (miss > _MISSED_ENERGY))
    is_good, is_bad = miss < 0.25 * promised + noise, miss > 0.75 * promised + noise
    largest = _LARGEST_INCREASE * jnp.asarray(limits.trust_radius, state.radius.dtype)
    larger = jnp.where(is_good & state.was_cut, jnp.minimum(1.5 * state.radius, largest), state.radius)
    radius = jnp.where(is_bad, jnp.minimum(state.length / 2, state.radius), larger)
    smallest = _SMALLEST_SHARE * jnp.asarray(limits.trust_radius, state.radius.dtype)
    radius = jnp.maximum(jnp.where(finite, radius, state.length / 4), smallest)
    accepted = (state.request <= Request.FALL) | (is_step & ~undone)
    return accepted, state.replace(
        radius=jnp.where(is_step, radius, state.radius),
        curvature_here=jnp.where(accepted, jnp.inf, state.curvature_here),
    )


def _chosen_mode(
    state: RefineState, limits: Limits, after_step: Bool[Array, ""]
) -> tuple[Float[Array, "M"], RefineState]:
    """Return the mode to follow, and the state with the products that are needed to verify it.

    It is the lowest mode once an eigenvalue is negative, and the one that overlaps the followed direction before.
    """
    vectors, values = state.curvature
    lowest = jnp.argmin(values)
    is_negative = values[lowest] < 0
    overlaps = vectors @ state.followed
    nearest = jnp.argmax(jnp.abs(overlaps))
    chosen = jnp.where(is_negative, lowest, nearest)
    mode = jnp.where(overlaps[chosen] < 0, -1, 1) * vectors[chosen]
    # nothing is known about the followed direction at the start
    mode = jnp.where(is_negative | (jnp.abs(overlaps[nearest]) > 0.1), mode, state.followed)
    unsure = ~is_negative | (jnp.dot(mode, state.followed) < _TURNED)
    at_end = (state.fmax < limits.fmax) & jnp.isinf(state.curvature_here)
    left = jnp.where(after_step & unsure, _LATER_PRODUCTS, state.products_left)
    left = jnp.where(after_step & at_end, jnp.maximum(left, 1), left)
    return mode, state.replace(products_left=left.astype(jnp.int32))


def _trial(
    chart: Chart,
    scales: Scales,
    frame: Any,
    state: RefineState,
    step: Float[Array, "M"],
    radius: Float[Array, ""],
    fills: bool,
) -> tuple[Array, Array, Array, Array, Array]:
    """Scale a step to the trust radius and take it along the curved coordinates.

    Returns:
        Positions (Å), predicted change of the energy (eV), largest change of a coordinate (Å or rad), whether the step
        was shortened, and whether the coordinates could not be transformed back.
    """
    longest = jnp.max(jnp.abs(scales.change(step)))
    scale = radius / jnp.maximum(longest, 1e-12)
    scale = scale if fills else jnp.minimum(1, scale)
    step = scale * step
    shift = chart.pull_back(frame, scales.change(step))
    target, missed = travel(chart, state.positions, frame, state.values, shift)
    predicted = jnp.dot(state.gradient, step) + jnp.dot(step, hessian_times(state.curvature, step)) / 2
    return target, predicted, scale * longest, scale < 1, missed
