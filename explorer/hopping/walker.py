"""One walker: soften, escape by dynamics or a push, relax; one force call per tick whatever it is doing."""

from enum import IntEnum
from typing import Any, NamedTuple

import jax.numpy as jnp
from flax import struct
from jaxtyping import Array, Bool, Float, Int

from explorer.config import HoppingSettings
from explorer.dynamics.velocities import at_temperature, remove_rigid_motion
from explorer.dynamics.verlet import leapfrog
from explorer.hopping.landmarks import UNKNOWN, Sketcher
from explorer.hopping.softening import SoftFilter, of_length, soften
from explorer.potential.potential import Evaluation
from explorer.relax.relaxer import Relaxer, Status
from explorer.relax.state import select

PUSH = 2.0  # Å, of the atom that moves furthest when a softened direction is followed without dynamics


class Phase(IntEnum):
    """What a walker does with its next force call."""

    SOFTEN = 0
    DYNAMICS = 1
    RELAX = 2
    DONE = 3


class Walker(struct.PyTreeNode):
    """One hop of a walker on the device, apart from the relaxer's state.

    Attributes:
        course: which walker; -1 for nobody.
        phase: a `Phase`.
        n_ticks: force calls of this hop.
        n_phase: force calls of this phase.
        positions: where the next force call is made, Å; in the end where the relaxation ended.
        velocities: Å/fs during dynamics; the displacement, Å, during softening.
        origin: the minimum that is left, Å.
        temperature: of the escape, K.
        pushed: whether a push along the softened direction takes the place of the dynamics.
        n_known: minima that were known when the hop began, which it may recognise.
        met: the one of these that its relaxation was seen to end at, and was not finished; UNKNOWN where there is none.
        energy_last, energy_before: of the last two steps of the dynamics, eV.
        n_dips: minima of the potential energy passed on the way.
        highest_energy: on the way, before relaxation, eV.
        exploded: energies on the way were not finite.
        overflow: pairs did not fit during this hop.
        escaped: where the dynamics ended and relaxation began, Å.
        energy, fmax, status: how the relaxation ended, eV and eV/Å.
    """

    course: Int[Array, ""]
    phase: Int[Array, ""]
    n_ticks: Int[Array, ""]
    n_phase: Int[Array, ""]
    positions: Float[Array, "N 3"]
    velocities: Float[Array, "N 3"]
    origin: Float[Array, "N 3"]
    temperature: Float[Array, ""]
    pushed: Bool[Array, ""]
    n_known: Int[Array, ""]
    met: Int[Array, ""]
    energy_last: Float[Array, ""]
    energy_before: Float[Array, ""]
    n_dips: Int[Array, ""]
    highest_energy: Float[Array, ""]
    exploded: Bool[Array, ""]
    overflow: Bool[Array, ""]
    escaped: Float[Array, "N 3"]
    energy: Float[Array, ""]
    fmax: Float[Array, ""]
    status: Int[Array, ""]


class Engine(NamedTuple):
    """What the phases need beside the potential; static."""

    settings: HoppingSettings
    relaxer: Relaxer
    filter_fn: SoftFilter
    masses: tuple[float, ...]
    sketcher: Sketcher | None  # None where nothing is to be recognised


NOBODY = -1


def launch(
    engine: Engine,
    course: Int[Array, ""],
    origin: Float[Array, "N 3"],
    temperature: Float[Array, ""],
    direction: Float[Array, "N 3"],
    soft: Bool[Array, ""],
    pushed: Bool[Array, ""],
    n_known: Int[Array, ""],
) -> Walker:
    """A walker at the start of a hop from a minimum, its direction to be softened first where it is not soft.

    Args:
        engine: settings and functions.
        course: which walker.
        origin: the minimum, Å.
        temperature: of the initial velocities, K.
        direction: in which to leave, of any length but zero.
        soft: whether it is soft already.
        pushed: whether to relax from a push in that direction instead of following dynamics.
        n_known: minima known by now.
    """
    settings = engine.settings
    displacement = of_length(direction, settings.softening_length)
    zero, low = jnp.zeros((), jnp.int32), jnp.asarray(-jnp.inf, origin.dtype)
    softening = Walker(
        course=course,
        phase=jnp.asarray(int(Phase.SOFTEN), jnp.int32),
        n_ticks=zero,
        n_phase=zero,
        positions=origin + displacement,
        velocities=displacement,
        origin=origin,
        temperature=jnp.asarray(temperature, origin.dtype),
        pushed=pushed,
        n_known=n_known,
        met=jnp.asarray(UNKNOWN, jnp.int32),
        energy_last=low,
        energy_before=low,
        n_dips=zero,
        highest_energy=low,
        exploded=jnp.asarray(False),
        overflow=jnp.asarray(False),
        escaped=origin,
        energy=low,
        fmax=low,
        status=zero,
    )
    return select(soft | (settings.n_softening == 0), _leave(engine, softening), softening)


def jump(walker: Walker, start: Float[Array, "N 3"]) -> Walker:
    """The walker as one that jumped: it relaxes from `start`, Å, and followed no path there."""
    return walker.replace(
        phase=jnp.full_like(walker.phase, int(Phase.RELAX)),
        positions=start,
        n_phase=jnp.zeros_like(walker.n_phase),
        velocities=jnp.zeros_like(start),
        highest_energy=jnp.full_like(walker.highest_energy, jnp.inf),
        escaped=start,
    )


def tick_escape(engine: Engine, walker: Walker, evaluation: Evaluation) -> Walker:
    """Use one evaluation for softening or dynamics; walkers in other phases stay as they are."""
    walker = walker.replace(
        n_ticks=walker.n_ticks + jnp.where(walker.phase == Phase.DONE, 0, 1).astype(jnp.int32),
        n_phase=walker.n_phase + 1,
        overflow=walker.overflow | ((walker.phase != Phase.DONE) & evaluation.overflow),
    )
    softened = _tick_softening(engine, walker, evaluation)
    moved = _tick_dynamics(engine, walker, evaluation)
    after = select(walker.phase == Phase.DYNAMICS, moved, walker)
    return select(walker.phase == Phase.SOFTEN, softened, after)


def tick_relax(engine: Engine, walker: Walker, relaxation: Any, evaluation: Evaluation) -> tuple[Walker, Any]:
    """Use one evaluation for relaxation, for walkers in that phase only.

    Args:
        engine: settings and functions.
        walker: in this phase.
        relaxation: state of the relaxer; at the first tick of the phase it is begun anew.
        evaluation: at the walker's positions.
    """
    begun = select(walker.n_phase == 1, engine.relaxer.init(walker.positions), relaxation)
    positions, state = engine.relaxer.step(walker.positions, evaluation, begun)
    done = state.status != Status.RUNNING
    return walker.replace(
        positions=jnp.where(done, state.positions, positions),
        phase=jnp.where(done, int(Phase.DONE), walker.phase).astype(jnp.int32),
        energy=state.energy,
        fmax=state.fmax,
        status=state.status,
    ), state


def recognise(walker: Walker, met: Int[Array, ""]) -> Walker:
    """The walker, done where its relaxation was seen to end at a known minimum.

    Args:
        walker: after its force call.
        met: id of that minimum; UNKNOWN where there is none.
    """
    is_met = (met != UNKNOWN) & (walker.phase != Phase.DONE)
    return walker.replace(
        met=jnp.where(is_met, met, walker.met), phase=jnp.where(is_met, int(Phase.DONE), walker.phase).astype(jnp.int32)
    )


def _tick_softening(engine: Engine, walker: Walker, evaluation: Evaluation) -> Walker:
    settings = engine.settings
    displacement = soften(walker.velocities, evaluation.forces, settings.softening_step, settings.softening_length)
    walker = walker.replace(velocities=displacement, positions=walker.origin + displacement)
    return select(walker.n_phase >= settings.n_softening, _leave(engine, walker), walker)


def _leave(engine: Engine, walker: Walker) -> Walker:
    """Along the softened displacement: by a push beyond the next ridge, or by dynamics."""
    furthest = jnp.sqrt(jnp.max(jnp.sum(walker.velocities**2, axis=-1)))
    pushed = jump(walker, walker.origin + walker.velocities * (PUSH / furthest))
    return select(walker.pushed, pushed, _start_dynamics(engine, walker))


def _start_dynamics(engine: Engine, walker: Walker) -> Walker:
    masses = jnp.asarray(engine.masses, walker.origin.dtype)
    direction = remove_rigid_motion(walker.velocities, walker.origin, masses)
    return walker.replace(
        phase=jnp.full_like(walker.phase, int(Phase.DYNAMICS)),
        n_phase=jnp.zeros_like(walker.n_phase),
        positions=walker.origin,
        velocities=at_temperature(direction, masses, walker.temperature),
    )


def _tick_dynamics(engine: Engine, walker: Walker, evaluation: Evaluation) -> Walker:
    settings = engine.settings
    masses = jnp.asarray(engine.masses, walker.origin.dtype)
    positions, velocities = leapfrog(
        walker.positions, walker.velocities, evaluation.forces, masses, settings.time_step, walker.n_phase == 1
    )
    is_dip = (walker.energy_last < walker.energy_before) & (walker.energy_last < evaluation.energy)
    n_dips = walker.n_dips + jnp.where(is_dip, 1, 0).astype(jnp.int32)
    arrived = (n_dips >= settings.mdmin) | (walker.n_phase >= settings.max_dynamics_steps)
    exploded = ~(jnp.isfinite(evaluation.energy) & jnp.all(jnp.isfinite(positions)))
    moved = walker.replace(
        positions=positions,
        velocities=velocities,
        energy_before=walker.energy_last,
        energy_last=evaluation.energy,
        n_dips=n_dips,
        highest_energy=jnp.maximum(walker.highest_energy, evaluation.energy),
    )
    relaxing = moved.replace(
        phase=jnp.full_like(walker.phase, int(Phase.RELAX)),
        n_phase=jnp.zeros_like(walker.n_phase),
        positions=walker.positions,
        escaped=walker.positions,
    )
    moved = select(arrived, relaxing, moved)
    failed = walker.replace(phase=jnp.full_like(walker.phase, int(Phase.DONE)), exploded=jnp.asarray(True))
    return select(exploded, failed, moved)
