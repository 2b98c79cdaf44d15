"""Batched walkers: one compiled program advances all slots by a round of force calls."""

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
from explorer.relaxation.state import select
from explorer.system import System

# Relaxing walkers whose linear algebra is done at a time; all of them on other backends. Not tuned.
RELAXATION_CHUNK = {"cpu": 2}


class HopRequestBatch(NamedTuple):
    """Requests for at most one hop of each slot.

    Attributes:
        wanted: Whether the slot is given a hop.
        walkers: Index of the walker that hops.
        origins: Minima from which the hops start, Å.
        jumps: Whether the walker relaxes from its target at once.
        targets: Structures to which jumps lead, Å; for the others the direction of the escape.
        softened: Whether the direction is noise that must be softened first.
        pushed: Whether the walker is pushed along its direction; otherwise it follows dynamics.
        temperatures: Temperatures of the initial velocities, K.
        n_known: Number of minima that the hop may recognise.
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
    slots: Slot,
    is_fetched: Bool[Array, ""],
    requests: HopRequestBatch,
    known_minima: ProjectedMinima,
    n_ticks: Int[Array, ""],
    limits: Int[Array, "B"],
) -> Slot:
    """Advance every busy slot by a number of force calls, with the slots spread over the devices.

    A round is one program, including the exchange with the host: another call on all arrays of the slots would take
    milliseconds.

    Args:
        engine: Settings and functions of the hops; static.
        potential: Potential to evaluate.
        system: Molecule; its positions are not used.
        slots: Slots with a leading batch axis.
        is_fetched: Whether the host has fetched the hops that ended in the last round.
        requests: Hops that are assigned before the first force call.
        known_minima: Minima that walkers recognise.
        n_ticks: Force calls of each slot.
        limits: Number of force calls at which the current hop of a slot is paused.
    """
    shared = potential, system, is_fetched, known_minima, n_ticks
    return over_parts(partial(_advance_local, engine), shared, slots, requests, limits)


def _advance_local(
    engine: Engine,
    potential: Potential,
    system: System,
    is_fetched: Bool[Array, ""],
    known_minima: ProjectedMinima,
    n_ticks: Int[Array, ""],
    slots: Slot,
    requests: HopRequestBatch,
    limits: Int[Array, "b"],
) -> Slot:
    slots = accept_requests(engine, select(is_fetched, jax.vmap(clear_fetched)(slots), slots), requests)
    systems = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (len(limits), *leaf.shape)), system)

    def tick(_: int, slots: Slot) -> Slot:
        slots = jax.vmap(partial(advance_slot, engine))(slots)
        running = (slots.current.phase != Phase.DONE) & (slots.current.n_ticks < limits)
        evaluations = evaluate_batch(potential, systems.replace(positions=slots.current.positions), running)
        relaxing = running & (slots.current.phase == Phase.RELAX)
        ticked = jax.vmap(partial(tick_escape, engine))(slots.current, evaluations)
        current = jax.vmap(select)(running, ticked, slots.current)
        current, relaxation = map_masked(partial(_relax, engine), relaxing, (current, slots.relaxation), evaluations)
        if engine.projection is not None:
            recognised = recognised_minimum(engine.projection, known_minima, relaxation, current.n_known * relaxing)
            current = jax.vmap(mark_recognised)(current, recognised)
        n_calls = slots.n_calls + running.astype(jnp.int32)
        return slots.replace(current=current, relaxation=relaxation, n_calls=n_calls)

    return jax.lax.fori_loop(0, n_ticks, tick, slots)


def _relax(engine: Engine, pair: tuple[Walker, Any], evaluation: Evaluation) -> tuple[Walker, Any]:
    return tick_relax(engine, *pair, evaluation)


def map_masked(fn: Any, mask: Bool[Array, "B"], values: Any, *others: Any) -> Any:
    """Replace element b of a batch by fn(element, *others) where the mask is true, in chunks.

    The work is proportional to the number of true elements. A relaxation step costs as much linear algebra as a force
    call, and about a fifth of the walkers relax at a time. Under a plain vmap all of them would pay for it.

    Args:
        fn: Maps an element, and the same element of the others, to an element of the same structure.
        mask: Elements to be replaced.
        values: Pytree with leading axis B.
        others: Further pytrees with leading axis B.
    """
    n_elements = len(mask)
    chunk = min(RELAXATION_CHUNK.get(jax.default_backend(), n_elements), n_elements)
    order = jnp.argsort(~mask, stable=True)

    def one_chunk(state: tuple[Int[Array, ""], Any]) -> tuple[Int[Array, ""], Any]:
        k, values = state
        place = k * chunk + jnp.arange(chunk)
        index = order[jnp.minimum(place, n_elements - 1)]
        picked = jax.tree.map(lambda leaf: leaf[index], (values, *others))
        changed = jax.vmap(fn)(*picked)
        target = jnp.where(mask[index] & (place < n_elements), index, n_elements)  # out of range: dropped
        values = jax.tree.map(lambda leaf, new: leaf.at[target].set(new, mode="drop"), values, changed)
        return k + 1, values

    n_chunks = (jnp.sum(mask) + chunk - 1) // chunk
    start = jnp.zeros((), n_chunks.dtype), values
    return jax.lax.while_loop(lambda state: state[0] < n_chunks, one_chunk, start)[1]


def accept_requests(engine: Engine, slots: Slot, requests: HopRequestBatch) -> Slot:
    """Return the slots with the requested hops assigned to them.

    Args:
        engine: Settings and functions of the hops.
        slots: Slots with a leading batch axis.
        requests: One request for each slot.
    """
    r = requests
    directions = map_masked(
        lambda target, origin: engine.filter_fn(origin, target), r.wanted & r.softened, r.targets, r.origins
    )
    started = jax.vmap(partial(start_hop, engine))(
        r.walkers, r.origins, r.temperatures, directions, ~r.softened, r.pushed, r.n_known
    )
    walkers = jax.vmap(select)(r.jumps, jax.vmap(jump)(started, r.targets), started)
    return jax.vmap(assign)(slots, walkers, r.wanted)


@jax.jit
def evaluate_ticks(
    potential: Potential, system: System, positions: Float[Array, "B N 3"], n_ticks: Int[Array, ""]
) -> Float[Array, "B N 3"]:
    """Make the force calls of a round and nothing else, to measure the share of the potential in a run.

    Args:
        potential: Potential to evaluate.
        system: Molecule; its positions are not used.
        positions: Structures of the batch, Å.
        n_ticks: Force calls of each structure.

    Returns:
        Positions that depend on all force calls, Å.
    """

    def local(potential: Potential, system: System, n_ticks: Array, positions: Array) -> Array:
        systems = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (len(positions), *leaf.shape)), system)

        def tick(_: int, positions: Array) -> Array:
            forces = evaluate_batch(potential, systems.replace(positions=positions)).forces
            return positions + 1e-9 * forces  # each call depends on the one before, so that none is optimised away

        return jax.lax.fori_loop(0, n_ticks, tick, positions)

    return over_parts(local, (potential, system, n_ticks), positions)
