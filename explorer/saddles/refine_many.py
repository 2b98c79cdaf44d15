"""Refinement of any number of structures to saddles, in one batch whose finished rows are refilled."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from explorer.devices import batch_sharding, over_rows, padded_batch_size, replicated_sharding, rows_at_once
from explorer.potential.capacity import with_capacity_for, with_more_capacity
from explorer.potential.padding import receives_padding, with_padded_atoms, with_padding
from explorer.potential.potential import Evaluation, Potential
from explorer.potential.prediction import Prediction, predict_batch
from explorer.relaxation.padding import padded_coordinates
from explorer.relaxation.state import select
from explorer.saddles.curvature import Curvature
from explorer.saddles.refine import begin, refine_step
from explorer.saddles.refine_state import (
    CARTESIAN_TRUST_RADIUS,
    INTERNAL_TRUST_RADIUS,
    Limits,
    Refinement,
    RefineState,
    SaddleStart,
)
from explorer.saddles.saddle_coordinates import SaddleCoordinates
from explorer.stored_programs import StoredProgram
from explorer.system import System

MAX_REFINEMENT_STEPS = 100  # steps of one refinement, without products
LOOSE_FMAX, TIGHT_FMAX = 2e-3, 1e-4  # eV/Å; the second one for saddles whose imaginary vibration is soft


class RefinedSaddles(NamedTuple):
    """Results of refinements as host arrays with a leading axis over the starts.

    Attributes:
        positions: Positions of the accepted point, Å.
        energy: Energy there, eV.
        fmax: Largest force on an atom there, eV/Å.
        status: A `Refinement`.
        n_evaluations: Force calls without that of the start.
    """

    positions: Float[np.ndarray, "n N 3"]
    energy: Float[np.ndarray, "n"]
    fmax: Float[np.ndarray, "n"]
    status: Int[np.ndarray, "n"]
    n_evaluations: Int[np.ndarray, "n"]


def limits_of(coordinates: SaddleCoordinates, fmax: float = LOOSE_FMAX) -> Limits:
    """Return the limits of refinements in some coordinates.

    Args:
        coordinates: Coordinates of the molecule.
        fmax: Largest force on an atom of a converged saddle, eV/Å.
    """
    radius = CARTESIAN_TRUST_RADIUS if coordinates.internal is None else INTERNAL_TRUST_RADIUS
    return Limits(
        fmax=np.asarray(fmax), trust_radius=np.asarray(radius), max_steps=np.asarray(MAX_REFINEMENT_STEPS, np.int32)
    )


def refine_many(
    potential: Potential,
    system: System,
    coordinates: SaddleCoordinates,
    starts: SaddleStart,
    curvature: Curvature | None = None,
    limits: Limits | None = None,
    batch: int | None = None,
    progress: Callable[[int], None] | None = None,
    may_begin: Callable[[], bool] = lambda: True,
) -> RefinedSaddles:
    """Refine any number of structures to saddles by two compiled programs of fixed batch size.

    Rows are independent, so neither the order of the starts nor the batch size matters. If pairs do not fit, the
    capacity of the potential is raised, and the rows continue where they were.

    Args:
        potential: Potential to evaluate.
        system: The molecule; its positions are not used, its dtype is that of the arithmetic.
        coordinates: Coordinates of the molecule.
        starts: Where to start, with a leading axis.
        curvature: Hessian of each start in scaled coordinates; by default the model Hessian.
        limits: Convergence; by default 2e-3 eV/Å and 100 steps.
        batch: Number of rows at a time; by default as many as `rows_at_once`.
        progress: Called with the number of force calls after each evaluation of the batch.
        may_begin: Asked before starts take the place of finished ones; when it refuses, those that wait are left out.

    Returns:
        Host arrays in the order of the starts, without those that were left out.
    """
    n, n_atoms = starts.positions.shape[:2]
    batch = padded_batch_size(batch) if batch else rows_at_once()
    potential = with_capacity_for(potential, np.asarray(starts.positions))
    shared = (
        potential,
        _padded(potential, coordinates, with_padding(potential, system)),
        limits or limits_of(coordinates),
    )
    system = with_padding(potential, system)
    system, (potential, coordinates, bounds) = jax.device_put((system, shared), replicated_sharding(batch))
    starts = _as_rows(starts, system)
    rows, results, n_begun = np.full(batch, -1), {}, 0
    state, at, prediction = _idle(potential, coordinates, bounds, starts, batch)
    unknown = Curvature(np.zeros(state.curvature.vectors.shape), np.ones(state.curvature.values.shape))
    while len(results) < n:
        fresh = np.zeros(batch, bool)
        idle = np.flatnonzero(rows < 0)[: n - n_begun]
        if n_begun and len(idle) and not may_begin():
            n = n_begun  # starts begin in their order
            continue
        rows[idle], fresh[idle] = np.arange(n_begun, n_begun + len(idle)), True
        n_begun += len(idle)
        # those of idle rows are not used
        known = unknown if curvature is None else jax.tree.map(lambda leaf: leaf[rows], curvature)
        given = _on_devices((fresh, jax.tree.map(lambda leaf: leaf[rows], starts), known), batch)
        at, state = _tick(coordinates, bounds, *given, at, prediction, state)
        status = np.asarray(state.status)
        if np.any(status == Refinement.OVERFLOW):
            potential = with_more_capacity(potential, np.asarray(at)[:, :n_atoms])
            running = np.where(status == Refinement.OVERFLOW, int(Refinement.RUNNING), status)
            state = state.replace(status=_on_devices(running, batch))
        done = (rows >= 0) & (status != Refinement.RUNNING) & (status != Refinement.OVERFLOW)
        if done.any():
            columns = [np.asarray(getattr(state, name)) for name in RefinedSaddles._fields]
            results |= {int(rows[row]): tuple(column[row] for column in columns) for row in np.flatnonzero(done)}
            rows[done] = -1
        prediction = predict_batch(potential, system, at, _on_devices(rows >= 0, batch))._replace(parts=None)
        if progress is not None:
            progress(int((rows >= 0).sum()))
    if not n:
        return RefinedSaddles(np.zeros((0, n_atoms, 3)), *np.zeros((2, 0)), *np.zeros((2, 0), int))
    stacked = RefinedSaddles(*(np.stack(column) for column in zip(*(results[k] for k in range(n)), strict=True)))
    return stacked._replace(positions=stacked.positions[:, :n_atoms], n_evaluations=stacked.n_evaluations - 1)


@partial(StoredProgram, few_calls=True)
def _tick(
    coordinates: SaddleCoordinates,
    limits: Limits,
    fresh: Bool[Array, "B"],
    starts: SaddleStart,
    curvature: Curvature,
    positions: Float[Array, "B N 3"],
    prediction: Prediction,
    state: Any,
) -> tuple[Float[Array, "B N 3"], Any]:
    """Make a step in each row. Fresh rows begin with the given energy and forces of their start."""

    def of_row(coordinates, limits, fresh, start, curvature, positions, prediction, state):
        given = Evaluation(start.energy, start.forces, prediction.overflow & ~fresh)
        at, evaluation, state = select(
            fresh,
            (start.positions, given, begin(coordinates, limits, start, curvature)),
            (positions, prediction.mean(), state),
        )
        return refine_step(coordinates, limits, at, evaluation, state)

    return over_rows(of_row, (coordinates, limits), fresh, starts, curvature, positions, prediction, state)


def joined(parts: Sequence[SaddleStart]) -> SaddleStart:
    """Join starts along their leading axis.

    Args:
        parts: Starts, each with a leading axis; at least one.
    """
    return SaddleStart(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _padded(potential: Potential, coordinates: SaddleCoordinates, system: System) -> SaddleCoordinates:
    if coordinates.internal is None or not receives_padding(potential):
        return coordinates
    return coordinates.replace(internal=padded_coordinates(coordinates.internal, len(system.atomic_numbers)))


def _as_rows(starts: SaddleStart, system: System) -> SaddleStart:
    """Starts in the precision of the system, with padded atoms."""
    missing, dtype = len(system.atomic_numbers) - starts.positions.shape[1], np.dtype(system.positions.dtype)
    rows = SaddleStart(*(np.asarray(column, dtype) for column in starts))
    return rows._replace(
        **{name: with_padded_atoms(getattr(rows, name), missing) for name in ("positions", "forces", "direction")}
    )


def _idle(
    potential: Potential, coordinates: SaddleCoordinates, limits: Limits, starts: SaddleStart, batch: int
) -> tuple[RefineState, Any, Prediction]:
    """Return state, positions and prediction of rows without a refinement."""
    n, shape, dtype = potential.n_members, starts.positions.shape[1:], starts.positions.dtype
    one = SaddleStart(*(np.zeros(column.shape[1:], dtype) for column in starts))
    shapes = jax.eval_shape(begin, coordinates, limits, one)
    state = jax.tree.map(lambda leaf: np.zeros((batch, *leaf.shape), leaf.dtype), shapes)
    state = state.replace(status=np.full(batch, int(Refinement.CONVERGED), np.int32))
    nothing: Any = np.zeros((batch, n), dtype), np.zeros((batch, n, *shape), dtype), np.zeros(batch, bool)
    return _on_devices((state, np.zeros((batch, *shape), dtype), Prediction(*nothing, parts=None)), batch)


def _on_devices(rows: Any, batch: int) -> Any:
    return jax.device_put(rows, batch_sharding(batch))
