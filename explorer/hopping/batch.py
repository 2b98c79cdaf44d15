"""Batched walkers: one compiled program advances all slots by a round of force calls."""

from functools import partial
from typing import Any, Generic, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from explorer.arrays import AnyArray
from explorer.devices import over_rows
from explorer.hopping.escape import tick_dynamics, tick_softening
from explorer.hopping.recognition import NOT_RECOGNISED, ProjectedMinima, recognised_minimum
from explorer.hopping.slot import Slot, advance_slot, assign, clear_fetched
from explorer.hopping.walker import Engine, Phase, Walker, mark_recognised, tick_relax
from explorer.potential.potential import Evaluation, Potential, evaluate
from explorer.relaxation.state import update_if
from explorer.stored_programs import StoredProgram
from explorer.system import System


class HopRequestBatch(NamedTuple, Generic[AnyArray]):
    """Walkers at the start of a hop, at most one for each slot.

    Attributes:
        wanted: Whether the slot is given a hop.
        walkers: Index of the walker that hops.
        phases: A `Phase`.
        origins: Minima from which the hops start, Å.
        positions: Positions of the first force call, Å.
        velocities: Velocities, Å/fs; during softening the displacement, Å.
        highest_energies: Highest energy so far, eV.
        pushed: Whether the walker is pushed along its direction; otherwise it follows dynamics.
        temperatures: Temperatures of the initial velocities, K.
        n_known: Number of minima that the hop may recognise.
    """

    wanted: Bool[AnyArray, "B"]
    walkers: Int[AnyArray, "B"]
    phases: Int[AnyArray, "B"]
    origins: Float[AnyArray, "B N 3"]
    positions: Float[AnyArray, "B N 3"]
    velocities: Float[AnyArray, "B N 3"]
    highest_energies: Float[AnyArray, "B"]
    pushed: Bool[AnyArray, "B"]
    temperatures: Float[AnyArray, "B"]
    n_known: Int[AnyArray, "B"]


@StoredProgram
def advance(
    engine: Engine,
    potential: Potential,
    system: System,
    slots: Slot,
    is_fetched: Bool[Array, ""],
    requests: HopRequestBatch[Array],
    known_minima: ProjectedMinima,
    n_ticks: Int[Array, ""],
    limits: Int[Array, "B"],
) -> Slot:
    """Advance every busy slot by a number of force calls, with the slots spread over the devices.

    A round is one program, including the exchange with the host: another call on all arrays of the slots would take
    milliseconds. A CPU advances one slot after the other, so that the arrays of a walker stay in the cache of a core
    and only the phase that it is in is computed. Other devices advance all slots at once.

    Args:
        engine: Settings and data of the hops.
        potential: Potential to evaluate.
        system: Molecule; its positions are not used.
        slots: Slots with a leading batch axis.
        is_fetched: Whether the host has fetched the hops that ended in the last round.
        requests: Hops that are assigned before the first force call.
        known_minima: Minima that walkers recognise.
        n_ticks: Force calls of each slot.
        limits: Number of force calls at which the current hop of a slot is paused.
    """

    def of_slot(engine, potential, system, is_fetched, known_minima, n_ticks, slot, request, limit):
        slot = accept_request(clear_fetched(slot, is_fetched), request)
        tick = partial(_tick, engine, potential, system, known_minima, limit)
        return jax.lax.fori_loop(0, n_ticks, lambda _, slot: tick(slot), slot)

    shared = engine, potential, system, is_fetched, known_minima, n_ticks
    return over_rows(of_slot, shared, slots, requests, limits)


def _tick(
    engine: Engine,
    potential: Potential,
    system: System,
    known_minima: ProjectedMinima,
    limit: Int[Array, ""],
    slot: Slot,
) -> Slot:
    """Make one force call of a slot, if its hop is not done and not paused."""

    def run(slot: Slot) -> Slot:
        walker = slot.current
        evaluation = evaluate(potential, system.replace(positions=walker.positions))
        walker = walker.replace(n_ticks=walker.n_ticks + 1, n_phase=walker.n_phase + 1)
        phase, escapes = walker.phase, (tick_softening, tick_dynamics, lambda _, walker, __: walker)
        walker = jax.lax.switch(phase, escapes, engine, walker, evaluation)  # in the order of `Phase`
        walker, relaxation = update_if(
            phase == Phase.RELAX,
            lambda pair: _relax(engine, known_minima, evaluation, *pair),
            (walker, slot.relaxation),
        )
        return slot.replace(current=walker, relaxation=relaxation, n_calls=slot.n_calls + 1)

    slot = advance_slot(engine, slot)
    running = (slot.current.phase != Phase.DONE) & (slot.current.n_ticks < limit)
    return update_if(running, run, slot)


def _relax(
    engine: Engine, known_minima: ProjectedMinima, evaluation: Evaluation, walker: Walker, relaxation: Any
) -> tuple[Walker, Any]:
    walker, relaxation = tick_relax(engine, walker, relaxation, evaluation)
    if engine.projection is not None:
        recognised = recognised_minimum(engine.projection, known_minima, relaxation, walker.n_known)
        walker = mark_recognised(walker, recognised)
    return walker, relaxation


def accept_request(slot: Slot, request: HopRequestBatch[Array]) -> Slot:
    """Return the slot with the requested hop assigned to it, where one is wanted.

    Args:
        slot: Slot with room for a hop.
        request: Request for this slot.
    """
    zero, dtype = jnp.zeros((), jnp.int32), slot.current.positions.dtype
    low = jnp.asarray(-jnp.inf, dtype)
    walker = Walker(
        walker=request.walkers,
        phase=request.phases,
        n_ticks=zero,
        n_phase=zero,
        positions=request.positions,
        velocities=request.velocities,
        origin=request.origins,
        temperature=request.temperatures,
        pushed=request.pushed,
        n_known=request.n_known,
        recognised=jnp.asarray(NOT_RECOGNISED, jnp.int32),
        energy_last=low,
        energy_before=low,
        n_dips=zero,
        highest_energy=request.highest_energies,
        exploded=jnp.asarray(False),
        overflow=jnp.asarray(False),
        escaped=request.positions,
        energy=low,
        fmax=low,
        status=zero,
    )
    return assign(slot, walker, request.wanted)
