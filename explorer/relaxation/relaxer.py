"""Relaxers for molecules, and the loops that relax many structures with them."""

from collections.abc import Callable
from functools import partial
from itertools import islice
from threading import Thread
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from explorer.config import RelaxSettings
from explorer.devices import (
    batch_sharding,
    over_rows,
    padded_batch_size,
    replicated_sharding,
    rows_at_once,
)
from explorer.errors import ConfigError
from explorer.potential.capacity import with_capacity_for, with_more_capacity
from explorer.potential.padding import with_padded_atoms, with_padding
from explorer.potential.potential import Potential
from explorer.potential.prediction import Prediction, predict_batch, predict_rows, prediction_arguments
from explorer.records.molecule import Molecule
from explorer.relaxation.coordinates import internal_coordinates
from explorer.relaxation.fallback import INTERNAL
from explorer.relaxation.fire import FIRE
from explorer.relaxation.lbfgs import CARTESIAN
from explorer.relaxation.padding import padded_relaxer
from explorer.relaxation.quasi_newton import CARTESIAN_TRUST_RADIUS
from explorer.relaxation.state import STATUS_TEXT, Convergence, Relaxer, Status, ending, select
from explorer.stored_programs import StoredProgram
from explorer.system import System

__all__ = ["STATUS_TEXT", "RelaxResult", "Relaxer", "Status", "careful", "ending", "make_relaxer", "relax_many"]

_RELAX_METHODS = ("auto", "internal", "cartesian", "lbfgs", "fire")
_MIN_STEP_LIMIT, _STEP_LIMIT_PER_ATOM = 150, 3  # default limit of force calls; 281 atoms needed 370, 571 needed 493
# Å or rad and eV, for relaxations that start beside a saddle; see `careful`
CAREFUL_RADIUS, CAREFUL_FALL = 0.1, 0.05


class RelaxResult(NamedTuple):
    """Results of relaxations as host arrays with a leading axis over structures.

    Attributes:
        positions: Positions after the last accepted step, Å.
        energy: Energy at `positions`, eV.
        fmax: Largest per-atom force norm at `positions`, eV/Å.
        status: A `Status`; `STATUS_TEXT` explains it.
        n_steps: Force calls of each structure, including rejected steps.
        fallback: A `Fallback`, the reason why internal coordinates were left.
    """

    positions: Float[np.ndarray, "B N 3"]
    energy: Float[np.ndarray, "B"]
    fmax: Float[np.ndarray, "B"]
    status: Int[np.ndarray, "B"]
    n_steps: Int[np.ndarray, "B"]
    fallback: Int[np.ndarray, "B"]


def make_relaxer(molecule: Molecule, settings: RelaxSettings, method: str = "auto") -> Relaxer:
    """Build the relaxer for a molecule.

    Args:
        molecule: Molecule in any conformation.
        settings: Convergence thresholds, limit of force calls and trust radius.
        method: "internal", "cartesian" (also called "lbfgs"), "fire", or "auto": internal coordinates for a molecule
            with bonds and Cartesian ones otherwise.

    Raises:
        ConfigError: If the method is unknown, or internal coordinates are wanted without bonds.
    """
    if method not in _RELAX_METHODS:
        raise ConfigError(f"A relaxation method is one of {', '.join(_RELAX_METHODS)}, received {method!r}.")
    has_bonds = len(molecule.bonds) > 0
    if method == "internal" and not has_bonds:
        raise ConfigError(f"{molecule.name} has no bonds, so it has no internal coordinates. Try method 'cartesian'.")
    is_internal = method in ("auto", "internal") and has_bonds
    default_limit = max(_MIN_STEP_LIMIT, _STEP_LIMIT_PER_ATOM * molecule.n_atoms)
    trust_radius = np.asarray(
        settings.trust_radius if is_internal else min(settings.trust_radius, CARTESIAN_TRUST_RADIUS)
    )
    convergence = Convergence(
        fmax=np.asarray(settings.fmax),
        energy_change=np.asarray(settings.energy_change),
        step=np.asarray(settings.step),
        trust_radius=trust_radius,
        max_steps=np.asarray(settings.max_steps or default_limit, np.int32),
        careful_radius=trust_radius,
        careful_fall=np.zeros(()),
    )
    if is_internal:
        return Relaxer(internal_coordinates(molecule), convergence, INTERNAL)
    return Relaxer(None, convergence, FIRE if method == "fire" else CARTESIAN)


def careful(relaxer: Relaxer) -> Relaxer:
    """Return a relaxer for starts beside a saddle: it makes short steps until the energy has fallen by 0.05 eV.

    With long steps at once, one end of four of 16 saddles was another minimum than the one below it.

    Args:
        relaxer: Result of `make_relaxer`. The compiled programs are the same.
    """
    limits = relaxer.convergence
    radius = np.minimum(limits.trust_radius, CAREFUL_RADIUS)
    return relaxer.replace(convergence=limits._replace(careful_radius=radius, careful_fall=np.asarray(CAREFUL_FALL)))


def relax_many(
    potential: Potential,
    relaxer: Relaxer,
    system: System,
    positions: Float[np.ndarray, "n N 3"],
    batch: int | None = None,
    progress: Callable[[int, int], None] | None = None,
    memory: Any = None,
    watch: Callable[[Int[np.ndarray, "B"], Any], Bool[np.ndarray, "B"]] | None = None,
) -> RelaxResult:
    """Relax any number of structures by two compiled programs of fixed batch size, refilling finished rows.

    Rows are independent, so neither the order of the starts nor the batch size matters. If pairs do not fit, the
    capacity of the potential is raised, which compiles its program again, and the rows continue where they were.

    Args:
        potential: Potential to evaluate.
        relaxer: Result of `make_relaxer`.
        system: The molecule; its positions are not used, its dtype is that of the arithmetic.
        positions: Starting structures, Å; they are centred.
        batch: Number of rows relaxed at a time; by default as many as `rows_at_once`, whose programs are shared.
        progress: Called with (finished, n) whenever a row is finished.
        memory: `relaxer.memory` of relaxations that ended at the starts, with a leading axis.
        watch: Called after each step with the number of the start in each row, -1 for none, and the state of all rows.
            It returns which relaxations are to end here; their status stays RUNNING.

    Returns:
        Host arrays in the order of the starts.
    """
    starts = np.asarray(positions, dtype=system.positions.dtype)
    starts = starts - starts.mean(axis=1, keepdims=True)
    n_atoms, batch = starts.shape[1], padded_batch_size(batch) if batch else rows_at_once()
    potential, relaxer, system = _on_all_devices(with_capacity_for(potential, starts), relaxer, system, batch)
    starts = with_padded_atoms(starts, len(system.positions) - n_atoms)
    rows = np.full(batch, -1)  # index of the start in each row; -1: idle
    results: dict[int, tuple] = {}
    waiting = iter(range(len(starts)))
    state, at, prediction = _idle(potential, relaxer, starts[0], batch)
    begun = not_begun = ()
    while len(results) < len(starts):
        idle = np.flatnonzero(rows < 0)
        fresh = np.zeros(batch, bool)
        for row, start in zip(idle, islice(waiting, len(idle)), strict=False):
            rows[row], fresh[row] = start, True
        if fresh.any():
            begun = _on_devices((fresh, starts[rows], _memory(relaxer, memory, starts, rows)), batch)
            not_begun = _on_devices(np.zeros(batch, bool), batch), *begun[1:]
        at, state = _tick(relaxer, *(begun if fresh.any() else not_begun), at, prediction, state)
        status = np.asarray(state.status)
        if np.any(status == Status.OVERFLOW):
            potential = with_more_capacity(potential, np.asarray(at)[:, :n_atoms])
            state = state.replace(status=_on_devices(np.where(status == Status.OVERFLOW, 0, status), batch))
        done = (rows >= 0) & (status != Status.RUNNING) & (status != Status.OVERFLOW)
        if watch is not None:
            stopped = watch(rows, state) & (rows >= 0) & (status == Status.RUNNING)
            if stopped.any():
                state = state.replace(status=_on_devices(np.where(stopped, int(Status.CONVERGED), state.status), batch))
                done |= stopped
        if done.any():
            columns = [np.asarray(getattr(state, name)) for name in RelaxResult._fields]
            results |= {int(rows[row]): tuple(column[row] for column in columns) for row in np.flatnonzero(done)}
            rows[done] = -1
            if progress is not None:
                progress(len(results), len(starts))
        prediction = predict_batch(potential, system, at, _on_devices(rows >= 0, batch))._replace(parts=None)
    columns = (np.stack(column) for column in zip(*(results[k] for k in range(len(starts))), strict=True))
    result = RelaxResult(*columns)
    return result._replace(positions=result.positions[:, :n_atoms])


def compile_relaxation(
    potential: Potential, relaxer: Relaxer, system: System, start: Float[np.ndarray, "N 3"]
) -> list[Thread]:
    """Compile the two programs of `relax_many` in the background, by calls on idle rows.

    Args:
        potential: Potential to evaluate.
        relaxer: Result of `make_relaxer`.
        system: The molecule.
        start: Any structure, Å.
    """
    batch = rows_at_once()
    potential, relaxer, system = _on_all_devices(potential, relaxer, system, batch)
    start = with_padded_atoms(np.asarray(start, system.positions.dtype), len(system.positions) - len(start))
    state, at, prediction = _idle(potential, relaxer, start, batch)
    idle = np.zeros(batch, bool)
    rows = _on_devices((idle, _zeros(start, batch), _memory(relaxer, None, start[None], idle.astype(int))), batch)
    return [
        predict_rows.compile_in_background(*prediction_arguments(potential, system, at, rows[0])),
        _tick.compile_in_background(relaxer, *rows, at, prediction, state),
    ]


@partial(StoredProgram, few_calls=True)
def _tick(
    relaxer: Relaxer,
    fresh: Bool[Array, "B"],
    starts: Float[Array, "B N 3"],
    memory: Any,
    positions: Float[Array, "B N 3"],
    prediction: Prediction,
    state: Any,
) -> tuple[Float[Array, "B N 3"], Any]:
    """Begin in fresh rows, and make a step in the others; NaN in what is replaced does not survive."""

    def of_row(relaxer, fresh, start, memory, positions, prediction, state):
        stepped = relaxer.step(positions, prediction.mean(), state)
        return select(fresh, (start, relaxer.init(start, memory)), stepped)

    return over_rows(of_row, (relaxer,), fresh, starts, memory, positions, prediction, state)


@jax.jit
def _blank(relaxer: Relaxer, start: Float[Array, "N 3"]) -> tuple[Any, Any]:
    state = relaxer.init(start)
    return state, relaxer.memory(state)


def _on_all_devices(
    potential: Potential, relaxer: Relaxer, system: System, batch: int
) -> tuple[Potential, Relaxer, System]:
    """The potential, and relaxer and system with padding, on all devices that have rows."""
    system = with_padding(potential, system)
    relaxer = padded_relaxer(potential, relaxer, len(system.positions))
    return jax.device_put((potential, relaxer, system), replicated_sharding(batch))


def _zeros(shapes: Any, batch: int) -> Any:
    return jax.tree.map(lambda leaf: np.zeros((batch, *leaf.shape), leaf.dtype), shapes)


def _idle(potential: Potential, relaxer: Relaxer, start: Float[np.ndarray, "N 3"], batch: int) -> tuple[Any, Any, Any]:
    """Return state, positions and prediction of rows without a relaxation."""
    n, dtype = potential.n_members, start.dtype
    nothing = np.zeros(n, dtype), np.zeros((n, *start.shape), dtype), np.zeros((), bool)
    state, _ = jax.eval_shape(_blank, relaxer, start)
    state, at, prediction = _zeros((state, start, nothing), batch)
    state = state.replace(status=np.full(batch, int(Status.CONVERGED), np.int32))
    return _on_devices((state, at, Prediction(*prediction, parts=None)), batch)


def _memory(relaxer: Relaxer, memory: Any, starts: Float[np.ndarray, "n N 3"], rows: Int[np.ndarray, "B"]) -> Any:
    """Return what relaxations learned that ended at the starts in the rows; nothing where there was none."""
    if memory is not None:
        return jax.tree.map(lambda leaf: leaf[rows], memory)
    return _zeros(jax.eval_shape(_blank, relaxer, starts[0])[1], len(rows))


def _on_devices(rows: Any, batch: int) -> Any:
    return jax.device_put(rows, batch_sharding(batch))
