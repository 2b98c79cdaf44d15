"""Many walkers at once: the only place where the search calls the potential."""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from explorer.devices import over_parts
from explorer.hopping.escape import start_hop, tick_escape
from explorer.hopping.recognition import ProjectedMinima, recognised_minimum
from explorer.hopping.slot import Slot, advance_slot, assign, clear_fetched
from explorer.hopping.walker import Engine, Phase, Walker, jump, mark_recognised, tick_relax
from explorer.potential.potential import Evaluation, Potential, evaluate_batch
from explorer.relax.state import select
from explorer.system import System

CHUNKS = {"cpu": 2}  # relaxing walkers whose linear algebra is done at a time, all on other devices


class HopRequestBatch(NamedTuple):
    """Hops that rows are given, one for each at most.

    Attributes:
        wanted: which rows get a hop.
        courses: which walker hops.
        origins: minima they start from, Å.
        jumps: which of them relax from their aims at once.
        aims: where jumps lead, Å; the others leave in this direction.
        noisy: which directions are noise, to be made soft.
        pushed: which walkers are pushed in their direction; the others follow dynamics.
        temperatures: K.
        n_known: minima that they may recognise.
    """

    wanted: Bool[Array, "B"]
    walkers: Int[Array, "B"]
    origins: Float[Array, "B N 3"]
    jumps: Bool[Array, "B"]
    targets: Float[Array, "B N 3"]
    softened: Bool[Array, "B"]
    pushed: Bool[Array, "B"]
    temperatures: Float[Array, "B"]
    n_known: Int[Array, "B"]


@partial(jax.jit, static_argnames="engine")
def advance(
    engine: Engine,
    potential: Potential,
    system: System,
    rows: Slot,
    is_fetched: Bool[Array, ""],
    orders: HopRequestBatch,
    landmarks: ProjectedMinima,
    n_ticks: Int[Array, ""],
    limits: Int[Array, "B"],
) -> Slot:
    """So many force calls of every row that has something to do, rows spread over the devices.

    All that a round needs is one program: to call another one on all arrays of the rows takes milliseconds.

    Args:
        engine: settings and functions; static.
        potential: on which surface.
        system: the molecule; its positions are not used.
        rows: a batch.
        is_fetched: whether the host has fetched what ended in the last round.
        orders: hops that are taken up before the first force call.
        landmarks: minima that walkers recognise.
        n_ticks: force calls of each.
        limits: force calls after which a hop is not carried on.
    """
    shared = potential, system, is_fetched, landmarks, n_ticks
    return over_parts(partial(_advance_local, engine), shared, rows, orders, limits)


def _advance_local(
    engine: Engine, potential: Potential, system: System, is_fetched, landmarks, n_ticks, rows: Slot, orders, limits
) -> Slot:
    rows = accept_requests(engine, select(is_fetched, jax.vmap(clear_fetched)(rows), rows), orders)
    systems = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (len(limits), *leaf.shape)), system)

    def tick(_: int, rows: Slot) -> Slot:
        rows = jax.vmap(partial(advance_slot, engine))(rows)
        running = (rows.current.phase != Phase.DONE) & (rows.current.n_ticks < limits)
        evaluations = evaluate_batch(potential, systems.replace(positions=rows.current.positions), running)
        relaxing = running & (rows.current.phase == Phase.RELAX)
        ticked = jax.vmap(partial(tick_escape, engine))(rows.current, evaluations)
        now = jax.vmap(select)(running, ticked, rows.current)
        now, relaxation = map_masked(partial(_relax, engine), relaxing, (now, rows.relaxation), evaluations)
        if engine.projection is not None:
            met = recognised_minimum(engine.projection, landmarks, relaxation, now.n_known * relaxing)
            now = jax.vmap(mark_recognised)(now, met)
        return rows.replace(current=now, relaxation=relaxation, n_calls=rows.n_calls + running.astype(jnp.int32))

    return jax.lax.fori_loop(0, n_ticks, tick, rows)


def _relax(engine: Engine, pair: tuple[Walker, Any], evaluation: Evaluation) -> tuple[Walker, Any]:
    return tick_relax(engine, *pair, evaluation)


def map_masked(fn: Any, mask: Bool[Array, "B"], rows: Any, *others: Any) -> Any:
    """fn(row, *others) for the rows where the mask holds, in chunks: the work follows their number.

    A relaxation step costs as much linear algebra as a force call, and a fifth of the walkers relax;
    under a plain vmap all of them would pay.

    Args:
        fn: maps a row (and the same row of the others) to a row of the same structure.
        mask: which rows.
        rows: a pytree with leading axis B.
        others: further pytrees with leading axis B.
    """
    n_rows = len(mask)
    chunk = min(CHUNKS.get(jax.default_backend(), n_rows), n_rows)
    order = jnp.argsort(~mask, stable=True)

    def one_chunk(state: tuple[Int[Array, ""], Any]) -> tuple[Int[Array, ""], Any]:
        k, rows = state
        place = k * chunk + jnp.arange(chunk)
        index = order[jnp.minimum(place, n_rows - 1)]
        picked = jax.tree.map(lambda leaf: leaf[index], (rows, *others))
        changed = jax.vmap(fn)(*picked)
        target = jnp.where(mask[index] & (place < n_rows), index, n_rows)  # out of range: dropped
        rows = jax.tree.map(lambda leaf, new: leaf.at[target].set(new, mode="drop"), rows, changed)
        return k + 1, rows

    n_chunks = (jnp.sum(mask) + chunk - 1) // chunk
    return jax.lax.while_loop(lambda state: state[0] < n_chunks, one_chunk, (jnp.zeros((), n_chunks.dtype), rows))[1]


def accept_requests(engine: Engine, rows: Slot, orders: HopRequestBatch) -> Slot:
    """The rows with the hops that they are given."""
    wanted, courses, origins, jumps, aims, noisy, pushed, temperatures, n_known = orders
    directions = map_masked(lambda aim, origin: engine.filter_fn(origin, aim), wanted & noisy, aims, origins)
    launched = jax.vmap(partial(start_hop, engine))(courses, origins, temperatures, directions, ~noisy, pushed, n_known)
    walkers = jax.vmap(select)(jumps, jax.vmap(jump)(launched, aims), launched)
    return jax.vmap(assign)(rows, walkers, wanted)


@jax.jit
def evaluate_ticks(
    potential: Potential, system: System, positions: Float[Array, "B N 3"], n_ticks: Int[Array, ""]
) -> Float[Array, "B N 3"]:
    """The force calls of a round and nothing else, to measure the share of the potential in a run."""

    def local(potential: Potential, system: System, n_ticks: Array, positions: Array) -> Array:
        systems = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (len(positions), *leaf.shape)), system)

        def tick(_: int, positions: Array) -> Array:
            forces = evaluate_batch(potential, systems.replace(positions=positions)).forces
            return positions + 1e-9 * forces  # each call needs the one before, so that none is left out

        return jax.lax.fori_loop(0, n_ticks, tick, positions)

    return over_parts(local, (potential, system, n_ticks), positions)
