"""A row of the batch: the hop that it works on, the one that it takes up next, the one that ended."""

from typing import Any

import jax
import jax.numpy as jnp
from flax import struct
from jaxtyping import Array, Bool, Float, Int

from explorer.hopping.landmarks import UNKNOWN
from explorer.hopping.walker import NOBODY, Engine, Phase, Report, Walker
from explorer.relax.state import select

WALKERS_PER_ROW = 2  # one is computed while the host judges the other


class Row(struct.PyTreeNode):
    """What one place of the batch holds; with two walkers to a row it works while the host judges.

    Attributes:
        now: the hop that is worked on.
        then: the hop that is taken up as soon as `now` is done.
        ended: what the host is told of the last one that was done, until the host has fetched it.
        relaxation: state of the relaxer of `now`.
        memory: what the relaxation of `ended` learned of the curvature.
        n_calls: force calls since the host looked.
    """

    now: Walker
    then: Walker
    ended: Report
    relaxation: Any
    memory: Any
    n_calls: Int[Array, ""]


def empty_row(engine: Engine, positions: Float[Array, "N 3"]) -> Row:
    """A row without a hop.

    Args:
        engine: settings and functions.
        positions: any, Å.
    """
    zero, number = jnp.zeros((), jnp.int32), jnp.zeros((), positions.dtype)
    nobody = Walker(
        course=jnp.asarray(NOBODY, jnp.int32),
        phase=jnp.asarray(int(Phase.DONE), jnp.int32),
        n_ticks=zero, n_phase=zero,
        positions=positions, velocities=jnp.zeros_like(positions), origin=positions,
        temperature=number, pushed=jnp.asarray(False), n_known=zero,
        met=jnp.asarray(UNKNOWN, jnp.int32), energy_last=number, energy_before=number, n_dips=zero,
        highest_energy=number,
        exploded=jnp.asarray(False), overflow=jnp.asarray(False),
        escaped=positions, energy=number, fmax=number, status=zero,
    )  # fmt: skip
    state = engine.relaxer.init(positions)
    return Row(nobody, nobody, nobody.report(), relaxation=state, memory=engine.relaxer.memory(state), n_calls=zero)


def is_nobody(walker: Report) -> Bool[Array, ""]:
    """Whether the place is empty."""
    return walker.course == NOBODY


def vacated(walker: Walker) -> Walker:
    """The place without its walker."""
    return walker.replace(
        course=jnp.full_like(walker.course, NOBODY), phase=jnp.full_like(walker.phase, int(Phase.DONE))
    )


def turn(engine: Engine, row: Row) -> Row:
    """Put a hop that is done aside where there is room for it, and take up the next one.

    Called before every force call, so that no row waits for the host. A row with nothing to do idles.
    """
    done = (row.now.phase == Phase.DONE) & ~is_nobody(row.now) & is_nobody(row.ended)
    learned = engine.relaxer.memory(row.relaxation)
    ended, now, memory = select(done, (row.now.report(), vacated(row.now), learned), (row.ended, row.now, row.memory))
    free = is_nobody(now)
    now, then = select(free, (row.then, vacated(row.then)), (now, row.then))
    return row.replace(now=now, then=then, ended=ended, memory=memory)


def place(row: Row, walker: Walker, wanted: Bool[Array, ""]) -> Row:
    """Give a row a hop: to work on at once where it is idle, else to be taken up next.

    Args:
        row: with room for it.
        walker: from `launch`.
        wanted: whether to do it at all.
    """
    idle = is_nobody(row.now)
    now = select(wanted & idle, walker, row.now)
    then = select(wanted & ~idle, walker, row.then)
    return row.replace(now=now, then=then)


def fetched(row: Row) -> Row:
    """The row after the host has looked: room for the next hop that ends, a count of zero."""
    ended = row.ended.replace(course=jnp.full_like(row.ended.course, NOBODY))
    return row.replace(ended=ended, n_calls=jnp.zeros_like(row.n_calls))


def rows_of(engine: Engine, positions: Float[Array, "N 3"], n_rows: int) -> Row:
    """A batch of empty rows."""
    one = empty_row(engine, positions)
    return jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (n_rows, *leaf.shape)), one)
