"""Escape of a walker from its minimum: softening, then dynamics or a push."""

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from explorer.dynamics.velocities import at_temperature, remove_rigid_motion
from explorer.dynamics.verlet import leapfrog
from explorer.hopping.recognition import NOT_RECOGNISED
from explorer.hopping.softening import of_length, soften
from explorer.hopping.walker import Engine, Phase, Walker, jump
from explorer.potential.potential import Evaluation
from explorer.relaxation.state import select

PUSH_LENGTH = 2.0  # Å, displacement of the atom that moves most when a walker is pushed out of its minimum; not tuned


def start_hop(
    engine: Engine,
    walker: Int[Array, ""],
    origin: Float[Array, "N 3"],
    temperature: Float[Array, ""],
    direction: Float[Array, "N 3"],
    is_soft: Bool[Array, ""],
    pushed: Bool[Array, ""],
    n_known: Int[Array, ""],
) -> Walker:
    """Return a walker at the start of a hop. Its direction is softened first where it is not soft.

    Args:
        engine: Settings and functions of the hop.
        walker: Index of the walker.
        origin: Minimum that is left, Å.
        temperature: Temperature of the initial velocities, K.
        direction: Direction of the escape, of any length but zero.
        is_soft: Whether the direction is soft already.
        pushed: Whether to relax after a push in that direction, without dynamics.
        n_known: Number of minima that the hop may recognise.
    """
    settings = engine.settings
    displacement = of_length(direction, settings.softening_length)
    zero, low = jnp.zeros((), jnp.int32), jnp.asarray(-jnp.inf, origin.dtype)
    softening = Walker(
        walker=walker,
        phase=jnp.asarray(int(Phase.SOFTEN), jnp.int32),
        n_ticks=zero,
        n_phase=zero,
        positions=origin + displacement,
        velocities=displacement,
        origin=origin,
        temperature=jnp.asarray(temperature, origin.dtype),
        pushed=pushed,
        n_known=n_known,
        recognised=jnp.asarray(NOT_RECOGNISED, jnp.int32),
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
    return select(is_soft | (settings.n_softening == 0), _leave(engine, softening), softening)


def tick_escape(engine: Engine, walker: Walker, evaluation: Evaluation) -> Walker:
    """Use one evaluation for softening or dynamics. Walkers in other phases only count it.

    Args:
        engine: Settings and functions of the hop.
        walker: Walker in any phase.
        evaluation: Energy and forces at its positions.
    """
    walker = walker.replace(
        n_ticks=walker.n_ticks + jnp.where(walker.phase == Phase.DONE, 0, 1).astype(jnp.int32),
        n_phase=walker.n_phase + 1,
        overflow=walker.overflow | ((walker.phase != Phase.DONE) & evaluation.overflow),
    )
    softened = _tick_softening(engine, walker, evaluation)
    moved = _tick_dynamics(engine, walker, evaluation)
    after = select(walker.phase == Phase.DYNAMICS, moved, walker)
    return select(walker.phase == Phase.SOFTEN, softened, after)


def _tick_softening(engine: Engine, walker: Walker, evaluation: Evaluation) -> Walker:
    settings = engine.settings
    displacement = soften(walker.velocities, evaluation.forces, settings.softening_step, settings.softening_length)
    walker = walker.replace(velocities=displacement, positions=walker.origin + displacement)
    return select(walker.n_phase >= settings.n_softening, _leave(engine, walker), walker)


def _leave(engine: Engine, walker: Walker) -> Walker:
    """Leave along the softened displacement: by a push over the next ridge, or by dynamics."""
    furthest = jnp.sqrt(jnp.max(jnp.sum(walker.velocities**2, axis=-1)))
    pushed = jump(walker, walker.origin + walker.velocities * (PUSH_LENGTH / furthest))
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
    """Make one step, or start to relax after enough minima of the potential energy along the trajectory."""
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
