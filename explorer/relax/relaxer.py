"""From a molecule to a relaxer, and from starts to relaxed structures: the loops around `Relaxer.step`."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from explorer.config import RelaxSettings
from explorer.devices import batch_sharding, everywhere, full_rows, over_parts
from explorer.errors import ConfigError
from explorer.potential.capacity import with_more_capacity
from explorer.potential.pairs import count_pairs
from explorer.potential.potential import Potential, evaluate_batch
from explorer.records.molecule import Molecule
from explorer.relax.fallback import internal_relaxer
from explorer.relax.fire import fire_relaxer
from explorer.relax.lbfgs import cartesian_relaxer
from explorer.relax.state import STATUS_TEXT, Relaxer, RelaxState, Status, ending
from explorer.system import System

__all__ = ["STATUS_TEXT", "RelaxResult", "Relaxer", "Status", "ending", "make_relaxer", "relax_batch", "relax_many"]

METHODS = ("auto", "internal", "cartesian", "lbfgs", "fire")
TICKS = 16  # force calls between two looks by the host
FEWEST_STEPS, STEPS_PER_ATOM = 150, 3  # force calls that are allowed by default; 281 atoms needed 370, 571 needed 493


class RelaxResult(NamedTuple):
    """Where relaxations ended, on the host, with a leading axis over structures.

    Attributes:
        positions: Å, of the last accepted step.
        energy: eV, of `positions`.
        fmax: eV/Å, largest per-atom force norm of `positions`.
        status: a `Status`; `STATUS_TEXT` says it in words.
        n_steps: force calls of each structure, rejected steps included.
        fallback: a `Fallback`; why internal coordinates were left, if they were.
    """

    positions: Float[np.ndarray, "B N 3"]
    energy: Float[np.ndarray, "B"]
    fmax: Float[np.ndarray, "B"]
    status: Int[np.ndarray, "B"]
    n_steps: Int[np.ndarray, "B"]
    fallback: Int[np.ndarray, "B"]


def make_relaxer(molecule: Molecule, settings: RelaxSettings, method: str = "auto") -> Relaxer:
    """The relaxer for a molecule.

    Args:
        molecule: any conformer of it.
        settings: when it is done.
        method: "internal" needs bonds; "cartesian" and "lbfgs" are one and the same; "auto" is
            internal where there are bonds and Cartesian otherwise.

    Raises:
        ConfigError: for an unknown method, or internal coordinates without bonds.
    """
    if method not in METHODS:
        raise ConfigError(f"A relaxation method is one of {', '.join(METHODS)}, received {method!r}.")
    settings = replace(settings, max_steps=settings.max_steps or max(FEWEST_STEPS, STEPS_PER_ATOM * molecule.n_atoms))
    if method == "fire":
        return fire_relaxer(settings)
    has_bonds = len(molecule.bonds) > 0
    if method == "internal" and not has_bonds:
        raise ConfigError(f"{molecule.name} has no bonds, so it has no internal coordinates. Try method 'cartesian'.")
    if method in ("auto", "internal") and has_bonds:
        return internal_relaxer(molecule, settings)
    return cartesian_relaxer(molecule.n_atoms, settings)


def relax_batch(potential: Potential, relaxer: Relaxer, systems: System, max_steps: int) -> RelaxResult:
    """Relaxes a batch on the device: one batched force call per step until every row is final.

    Args:
        potential: on which surface.
        relaxer: from `make_relaxer`.
        systems: a batch; rows that are done are frozen.
        max_steps: at most so many steps; rows that still run are NOT_CONVERGED then.
    """
    positions = systems.positions
    state = jax.vmap(relaxer.init)(positions)
    positions, state = _advance(potential, relaxer, systems, positions, state, max_steps)
    result = RelaxResult(*(np.asarray(getattr(state, name)) for name in RelaxResult._fields))
    status = np.where(result.status == Status.RUNNING, int(Status.NOT_CONVERGED), result.status)
    return result._replace(status=status)


@partial(jax.jit, static_argnames="relaxer")
def _advance(potential, relaxer, systems, positions, state, n_ticks):
    """Up to `n_ticks` steps of every row that runs, rows spread over the devices."""
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
    """Rows marked fresh begin anew from `starts`; NaN of what they replace does not survive."""

    def choose(new, old):
        return jnp.where(fresh.reshape(-1, *[1] * (new.ndim - 1)), new, old)

    begun = choose(starts, positions), jax.tree.map(choose, jax.vmap(relaxer.init)(starts, memory), state)
    # the same placement as after `_advance`, which would be compiled again for another one
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
    """Relaxes any number of starts in a batch of fixed size, finished rows refilled, compiled once.

    Rows are independent, so the order and the size of the batch do not matter. When pairs do not
    fit, the potential's capacity is grown (which compiles again) and the rows go on where they were.

    Args:
        potential: on which surface.
        relaxer: from `make_relaxer`.
        system: the molecule; its dtype is that of the arithmetic.
        positions: starts, Å; they are centred.
        batch: rows relaxed at a time.
        progress: called with (finished, n) whenever the host looks.
        memory: `relaxer.memory` of relaxations that ended at the starts, with a leading axis.
        keep_batch: as many rows for fewer starts too, so that one program serves any number of them; rows without a
            start rest.

    Returns:
        Host arrays in the order of the starts.
    """
    starts = np.asarray(positions, dtype=system.positions.dtype)
    starts = starts - starts.mean(axis=1, keepdims=True)
    n = len(starts)
    batch = full_rows(batch if keep_batch else max(1, min(batch, n)))
    if 0 < potential.capacity < count_pairs(starts, potential.cutoff):
        potential = with_more_capacity(potential, starts)
    potential = jax.device_put(potential, everywhere(batch))
    systems = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (batch, *leaf.shape)), system)
    rows = np.where(np.arange(batch) < n, np.arange(batch), -1)  # which start each row works on; -1: nothing left
    waiting, results = min(batch, n), {}
    at = jnp.asarray(starts[rows])
    state = _begin(relaxer, at, _rows(memory, rows))
    state = state.replace(status=jnp.where(rows < 0, int(Status.CONVERGED), state.status))  # nothing to do there
    systems, at, state = jax.device_put((systems, at, state), batch_sharding(batch))
    while len(results) < n:
        at, state = _advance(potential, relaxer, systems, at, state, TICKS)
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
            begun = starts[rows], _rows(memory, rows)
            at, state = _refill(relaxer, fresh, *begun, at, state)
    return RelaxResult(*(np.stack(column) for column in zip(*(results[k] for k in range(n)), strict=True)))


def _rows(memory: Any, rows: Int[np.ndarray, "B"]) -> Any:
    return jax.tree.map(lambda leaf: leaf[rows], memory)


def _harvest(state: RelaxState, rows: Int[np.ndarray, "B"], done: np.ndarray) -> dict[int, tuple]:
    columns = [np.asarray(getattr(state, name)) for name in RelaxResult._fields]
    return {int(rows[row]): tuple(column[row] for column in columns) for row in np.flatnonzero(done)}
