"""Slot of the batch: the current hop, the next one and the one that ended last."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct
from jaxtyping import Array, Bool, Float, Int

from explorer.hopping.recognition import NOT_RECOGNISED
from explorer.hopping.walker import NO_WALKER, Engine, HopResult, Phase, Walker
from explorer.relaxation.state import select, update_if

WALKERS_PER_SLOT = 2  # one is computed on the device while the host concludes the hop of the other


class Slot(struct.PyTreeNode):
    """One place of the batch. With two walkers per slot, the device never waits for the host.

    Attributes:
        current: Hop that uses the next force calls.
        next: Hop that follows as soon as `current` is done.
        ended: Result of the last hop that was done, until the host has fetched it.
        relaxation: State of the relaxer of `current`.
        memory: Curvature that the relaxation of `ended` learned.
        n_calls: Force calls since the host last fetched results.
    """

    current: Walker
    next: Walker
    ended: HopResult
    relaxation: Any
    memory: Any
    n_calls: Int[Array, ""]


def empty_slot(engine: Engine, positions: Float[Array, "N 3"]) -> Slot:
    """Return a slot without a hop.

    Args:
        engine: Settings and functions of the hops.
        positions: Any positions, Å.
    """
    zero, number = jnp.zeros((), jnp.int32), jnp.zeros((), positions.dtype)
    no_walker = Walker(
        walker=jnp.asarray(NO_WALKER, jnp.int32),
        phase=jnp.asarray(int(Phase.DONE), jnp.int32),
        n_ticks=zero,
        n_phase=zero,
        positions=positions,
        velocities=jnp.zeros_like(positions),
        origin=positions,
        temperature=number,
        pushed=jnp.asarray(False),
        n_known=zero,
        recognised=jnp.asarray(NOT_RECOGNISED, jnp.int32),
        energy_last=number,
        energy_before=number,
        n_dips=zero,
        highest_energy=number,
        exploded=jnp.asarray(False),
        overflow=jnp.asarray(False),
        escaped=positions,
        energy=number,
        fmax=number,
        status=zero,
    )
    state = engine.relaxer.init(positions)
    return Slot(
        current=no_walker,
        next=no_walker,
        ended=no_walker.result(),
        relaxation=state,
        memory=engine.relaxer.memory(state),
        n_calls=zero,
    )


def empty_slots(engine: Engine, positions: Float[np.ndarray, "N 3"], n_slots: int) -> Slot:
    """Return a batch of empty slots as arrays of NumPy."""
    one = jax.device_get(_compiled_empty_slot(engine, positions))
    return jax.tree.map(lambda leaf: np.broadcast_to(leaf, (n_slots, *leaf.shape)), one)


_compiled_empty_slot = jax.jit(empty_slot)


def is_empty(walker: HopResult) -> Bool[Array, ""]:
    """Return whether the arrays of a walker hold no hop."""
    return walker.walker == NO_WALKER


def emptied(walker: Walker) -> Walker:
    """Return a walker with the mark that its arrays hold no hop."""
    return walker.replace(
        walker=jnp.full_like(walker.walker, NO_WALKER), phase=jnp.full_like(walker.phase, int(Phase.DONE))
    )


def advance_slot(engine: Engine, slot: Slot) -> Slot:
    """Move a finished hop to `ended` if that is free, and begin the next hop.

    It is called before every force call, so that no slot waits for the host. A slot without a hop idles.

    Args:
        engine: Settings and functions of the hops.
        slot: Slot in any state.
    """
    done = (slot.current.phase == Phase.DONE) & ~is_empty(slot.current) & is_empty(slot.ended)
    slot = update_if(done, partial(_with_ended, engine), slot)
    return update_if(is_empty(slot.current) & ~is_empty(slot.next), _with_next, slot)


def _with_ended(engine: Engine, slot: Slot) -> Slot:
    memory = engine.relaxer.memory(slot.relaxation)
    return slot.replace(ended=slot.current.result(), current=emptied(slot.current), memory=memory)


def _with_next(slot: Slot) -> Slot:
    return slot.replace(current=slot.next, next=emptied(slot.next))


def assign(slot: Slot, walker: Walker, wanted: Bool[Array, ""]) -> Slot:
    """Assign a hop to a slot: as the current one where the slot is idle, otherwise as the next one.

    Args:
        slot: Slot with room for a hop.
        walker: Walker at the start of its hop.
        wanted: Whether to assign it at all.
    """
    idle = is_empty(slot.current)
    current = select(wanted & idle, walker, slot.current)
    following = select(wanted & ~idle, walker, slot.next)
    return slot.replace(current=current, next=following)


def clear_fetched(slot: Slot, is_fetched: Bool[Array, ""]) -> Slot:
    """Return the slot with room for another ended hop, and a count of zero.

    Args:
        slot: Slot in any state.
        is_fetched: Whether the host has fetched its results; otherwise nothing changes.
    """
    ended = slot.ended.replace(walker=jnp.where(is_fetched, NO_WALKER, slot.ended.walker).astype(jnp.int32))
    return slot.replace(ended=ended, n_calls=jnp.where(is_fetched, 0, slot.n_calls).astype(jnp.int32))
