"""A row of the batch: the hop that it works on, the one that it takes up next, the one that ended."""

from typing import Any

import jax
import jax.numpy as jnp
from flax import struct
from jaxtyping import Array, Bool, Float, Int

from explorer.hopping.recognition import NOT_RECOGNISED
from explorer.hopping.walker import NO_WALKER, Engine, HopResult, Phase, Walker
from explorer.relax.state import select

WALKERS_PER_SLOT = 2  # one is computed while the host judges the other


class Slot(struct.PyTreeNode):
    """What one place of the batch holds; with two walkers to a row it works while the host judges.

    Attributes:
        now: the hop that is worked on.
        then: the hop that is taken up as soon as `now` is done.
        ended: what the host is told of the last one that was done, until the host has fetched it.
        relaxation: state of the relaxer of `now`.
        memory: what the relaxation of `ended` learned of the curvature.
        n_calls: force calls since the host looked.
    """

    current: Walker
    next: Walker
    ended: HopResult
    relaxation: Any
    memory: Any
    n_calls: Int[Array, ""]


def empty_slot(engine: Engine, positions: Float[Array, "N 3"]) -> Slot:
    """A row without a hop.

    Args:
        engine: settings and functions.
        positions: any, Å.
    """
    zero, number = jnp.zeros((), jnp.int32), jnp.zeros((), positions.dtype)
    nobody = Walker(
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
        current=nobody,
        next=nobody,
        ended=nobody.result(),
        relaxation=state,
        memory=engine.relaxer.memory(state),
        n_calls=zero,
    )


def is_empty(walker: HopResult) -> Bool[Array, ""]:
    """Whether the place is empty."""
    return walker.walker == NO_WALKER


def emptied(walker: Walker) -> Walker:
    """The place without its walker."""
    return walker.replace(
        walker=jnp.full_like(walker.walker, NO_WALKER), phase=jnp.full_like(walker.phase, int(Phase.DONE))
    )


def advance_slot(engine: Engine, row: Slot) -> Slot:
    """Put a hop that is done aside where there is room for it, and take up the next one.

    Called before every force call, so that no row waits for the host. A row with nothing to do idles.
    """
    done = (row.current.phase == Phase.DONE) & ~is_empty(row.current) & is_empty(row.ended)
    learned = engine.relaxer.memory(row.relaxation)
    ended, now, memory = select(
        done, (row.current.result(), emptied(row.current), learned), (row.ended, row.current, row.memory)
    )
    free = is_empty(now)
    now, then = select(free, (row.next, emptied(row.next)), (now, row.next))
    return row.replace(current=now, next=then, ended=ended, memory=memory)


def assign(row: Slot, walker: Walker, wanted: Bool[Array, ""]) -> Slot:
    """Give a row a hop: to work on at once where it is idle, else to be taken up next.

    Args:
        row: with room for it.
        walker: from `launch`.
        wanted: whether to do it at all.
    """
    idle = is_empty(row.current)
    now = select(wanted & idle, walker, row.current)
    then = select(wanted & ~idle, walker, row.next)
    return row.replace(current=now, next=then)


def clear_fetched(row: Slot) -> Slot:
    """The row after the host has looked: room for the next hop that ends, a count of zero."""
    ended = row.ended.replace(walker=jnp.full_like(row.ended.walker, NO_WALKER))
    return row.replace(ended=ended, n_calls=jnp.zeros_like(row.n_calls))


def empty_slots(engine: Engine, positions: Float[Array, "N 3"], n_rows: int) -> Slot:
    """A batch of empty rows."""
    one = empty_slot(engine, positions)
    return jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (n_rows, *leaf.shape)), one)
