"""Relaxers for molecules, and the loops that relax many structures with them."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from explorer.config import RelaxSettings
from explorer.devices import batch_sharding, over_parts, padded_batch_size, replicated_sharding
from explorer.errors import ConfigError
from explorer.potential.capacity import with_more_capacity
from explorer.potential.pairs import count_pairs
from explorer.potential.potential import Potential, evaluate_batch
from explorer.records.molecule import Molecule
from explorer.relaxation.fallback import internal_relaxer
from explorer.relaxation.fire import fire_relaxer
from explorer.relaxation.lbfgs import cartesian_relaxer
from explorer.relaxation.state import STATUS_TEXT, Relaxer, RelaxState, Status, ending
from explorer.system import System

__all__ = ["STATUS_TEXT", "RelaxResult", "Relaxer", "Status", "ending", "make_relaxer", "relax_batch", "relax_many"]

_RELAX_METHODS = ("auto", "internal", "cartesian", "lbfgs", "fire")
_STEPS_PER_SYNC = 16  # force calls between two looks of the host at the status of a batch; not tuned
_MIN_STEP_LIMIT, _STEP_LIMIT_PER_ATOM = 150, 3  # default limit of force calls; 281 atoms needed 370, 571 needed 493


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
        molecule: Molecule; any conformer serves.
        settings: Convergence thresholds, limit of force calls and trust radius.
        method: "internal", "cartesian" (also called "lbfgs"), "fire", or "auto": internal coordinates for a molecule
            with bonds and Cartesian ones otherwise.

    Raises:
        ConfigError: If the method is unknown, or internal coordinates are wanted without bonds.
    """
    if method not in _RELAX_METHODS:
        raise ConfigError(f"A relaxation method is one of {', '.join(_RELAX_METHODS)}, received {method!r}.")
    default_limit = max(_MIN_STEP_LIMIT, _STEP_LIMIT_PER_ATOM * molecule.n_atoms)
    settings = replace(settings, max_steps=settings.max_steps or default_limit)
    if method == "fire":
        return fire_relaxer(settings)
    has_bonds = len(molecule.bonds) > 0
    if method == "internal" and not has_bonds:
        raise ConfigError(f"{molecule.name} has no bonds, so it has no internal coordinates. Try method 'cartesian'.")
    if method in ("auto", "internal") and has_bonds:
        return internal_relaxer(molecule, settings)
    return cartesian_relaxer(molecule.n_atoms, settings)


def relax_batch(potential: Potential, relaxer: Relaxer, systems: System, max_steps: int) -> RelaxResult:
    """Relax a batch on the device by one batched force call per step, until every row is final.

    Args:
        potential: Potential to evaluate.
        relaxer: Result of `make_relaxer`.
        systems: Batch of systems; rows that are final do not change.
        max_steps: Limit of steps; rows that still run afterwards become NOT_CONVERGED.
    """
    positions = systems.positions
    state = jax.vmap(relaxer.init)(positions)
    positions, state = _advance(potential, relaxer, systems, positions, state, max_steps)
    result = RelaxResult(*(np.asarray(getattr(state, name)) for name in RelaxResult._fields))
    status = np.where(result.status == Status.RUNNING, int(Status.NOT_CONVERGED), result.status)
    return result._replace(status=status)


@partial(jax.jit, static_argnames="relaxer")
def _advance(potential, relaxer, systems, positions, state, n_ticks):
    """Up to `n_ticks` steps of every running row, with the rows split over the devices."""
    return over_parts(partial(_advance_local, relaxer), (potential, n_ticks), systems, positions, state)


def _advance_local(relaxer, potential, n_ticks, systems, positions, state):
    def unfinished(carry):
        tick, _, state = carry
        return (tick < n_ticks) & jnp.any(state.status == Status.RUNNING)

    def tick(carry):
        tick, positions, state = carry
        running = state.status == Status.RUNNING
        evaluations = evaluate_batch(potential, systems.replace(positions=positions), running)
        positions, state = jax.vmap(relaxer.step)(positions, evaluations, state)
        return tick + 1, positions, state

    return jax.lax.while_loop(unfinished, tick, (0, positions, state))[1:]


@partial(jax.jit, static_argnames="relaxer")
def _begin(relaxer, starts, memory):
    return jax.vmap(relaxer.init)(starts, memory)


@partial(jax.jit, static_argnames="relaxer")
def _refill(relaxer, fresh, starts, memory, positions, state):
    """Restart the rows marked fresh from `starts`; NaN in what they replace does not survive."""

    def choose(new, old):
        return jnp.where(fresh.reshape(-1, *[1] * (new.ndim - 1)), new, old)

    begun = choose(starts, positions), jax.tree.map(choose, jax.vmap(relaxer.init)(starts, memory), state)
    # the same sharding as after `_advance`, which would be compiled again for another one
    return jax.lax.with_sharding_constraint(begun, batch_sharding(len(starts)))


def relax_many(
    potential: Potential,
    relaxer: Relaxer,
    system: System,
    positions: Float[np.ndarray, "n N 3"],
    batch: int = 16,
    progress: Callable[[int, int], None] | None = None,
    memory: Any = None,
    keep_batch: bool = False,
) -> RelaxResult:
    """Relax any number of structures by one compiled program of fixed batch size, refilling finished rows.

    Rows are independent, so neither the order of the starts nor the batch size matters. If pairs do not fit, the
    capacity of the potential is raised, which compiles the program again, and the rows continue where they were.

    Args:
        potential: Potential to evaluate.
        relaxer: Result of `make_relaxer`.
        system: The molecule; its positions are not used, its dtype is that of the arithmetic.
        positions: Starting structures, Å; they are centred.
        batch: Number of rows relaxed at a time.
        progress: Called with (finished, n) whenever the host looks at the batch.
        memory: `relaxer.memory` of relaxations that ended at the starts, with a leading axis.
        keep_batch: Keep the batch size for fewer starts too, so that one program serves any number of them; rows
            without a start stay idle.

    Returns:
        Host arrays in the order of the starts.
    """
    starts = np.asarray(positions, dtype=system.positions.dtype)
    starts = starts - starts.mean(axis=1, keepdims=True)
    n = len(starts)
    batch = padded_batch_size(batch if keep_batch else max(1, min(batch, n)))
    if 0 < potential.capacity < count_pairs(starts, potential.cutoff):
        potential = with_more_capacity(potential, starts)
    potential = jax.device_put(potential, replicated_sharding(batch))
    systems = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (batch, *leaf.shape)), system)
    rows = np.where(np.arange(batch) < n, np.arange(batch), -1)  # index of the start in each row; -1: idle
    waiting, results = min(batch, n), {}
    at = jnp.asarray(starts[rows])
    state = _begin(relaxer, at, _rows(memory, rows))
    state = state.replace(status=jnp.where(rows < 0, int(Status.CONVERGED), state.status))  # idle rows
    systems, at, state = jax.device_put((systems, at, state), batch_sharding(batch))
    while len(results) < n:
        at, state = _advance(potential, relaxer, systems, at, state, _STEPS_PER_SYNC)
        status = np.asarray(state.status)
        if np.any(status == Status.OVERFLOW):
            potential = with_more_capacity(potential, np.asarray(at))
            state = state.replace(status=jnp.where(state.status == Status.OVERFLOW, 0, state.status))
            continue
        done = (status != Status.RUNNING) & (rows >= 0)
        results.update(_harvest(state, rows, done))
        if progress is not None:
            progress(len(results), n)
        fresh = np.zeros(batch, bool)
        for row in np.flatnonzero(done):
            fresh[row], rows[row] = waiting < n, waiting if waiting < n else -1
            waiting += fresh[row]
        if fresh.any():
            at, state = _refill(relaxer, fresh, starts[rows], _rows(memory, rows), at, state)
    return RelaxResult(*(np.stack(column) for column in zip(*(results[k] for k in range(n)), strict=True)))


def _rows(memory: Any, rows: Int[np.ndarray, "B"]) -> Any:
    return jax.tree.map(lambda leaf: leaf[rows], memory)


def _harvest(state: RelaxState, rows: Int[np.ndarray, "B"], done: np.ndarray) -> dict[int, tuple]:
    columns = [np.asarray(getattr(state, name)) for name in RelaxResult._fields]
    return {int(rows[row]): tuple(column[row] for column in columns) for row in np.flatnonzero(done)}
