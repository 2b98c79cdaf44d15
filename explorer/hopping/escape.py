"""Escape of a walker from its minimum: softening, then dynamics or a push."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from explorer.arrays import AnyArray
from explorer.dynamics.velocities import at_temperature, remove_rigid_motion
from explorer.dynamics.verlet import leapfrog
from explorer.hopping.softening import soften
from explorer.hopping.walker import Engine, Phase, Walker
from explorer.potential.potential import Evaluation

PUSH_LENGTH = 2.0  # Å, displacement of the atom that moves most when a walker is pushed out of its minimum; not tuned


def leave(
    origin: Float[AnyArray, "N 3"],
    displacement: Float[AnyArray, "N 3"],
    masses: Float[np.ndarray | Array, "N"],
    temperature: Any,
) -> tuple[Float[AnyArray, "N 3"], Float[AnyArray, "N 3"]]:
    """Return both ways to leave a minimum along a soft displacement: velocities for dynamics, positions after a push.

    Args:
        origin: Minimum, Å.
        displacement: Displacement from the minimum, Å.
        masses: Masses of the atoms, amu.
        temperature: Temperature of the dynamics, K.

    Returns:
        Initial velocities without rigid motion, Å/fs, and positions after a push over the next ridge, Å, as arrays of
        the library of the arguments.
    """
    xp = origin.__array_namespace__()
    velocities = at_temperature(remove_rigid_motion(displacement, origin, masses), masses, temperature)
    furthest = xp.sqrt(xp.max((displacement**2).sum(axis=-1)))
    return velocities, origin + displacement * (PUSH_LENGTH / furthest)


def tick_softening(engine: Engine, walker: Walker, evaluation: Evaluation) -> Walker:
    """Use one evaluation to soften the displacement; after the last one, leave along it.

    Args:
        engine: Settings and data of the hops.
        walker: Walker in the phase of softening.
        evaluation: Energy and forces at its positions.
    """
    settings = engine.settings
    displacement = soften(walker.velocities, evaluation.forces, settings.softening_step, settings.softening_length)
    softer = walker.replace(
        velocities=displacement,
        positions=walker.origin + displacement,
        overflow=walker.overflow | evaluation.overflow,
    )
    is_last = walker.n_phase >= settings.n_softening
    return jax.lax.cond(is_last, _left, lambda _, softer: softer, engine, softer)


def _left(engine: Engine, walker: Walker) -> Walker:
    velocities, pushed = leave(walker.origin, walker.velocities, engine.masses, walker.temperature)
    dynamics = walker.replace(
        phase=jnp.full_like(walker.phase, int(Phase.DYNAMICS)), positions=walker.origin, velocities=velocities
    )
    relaxing = walker.replace(
        phase=jnp.full_like(walker.phase, int(Phase.RELAX)),
        positions=pushed,
        velocities=jnp.zeros_like(pushed),
        highest_energy=jnp.full_like(walker.highest_energy, jnp.inf),
        escaped=pushed,
    )
    left = jax.tree.map(lambda a, b: jnp.where(walker.pushed, a, b), relaxing, dynamics)
    return left.replace(n_phase=jnp.zeros_like(walker.n_phase))


def tick_dynamics(engine: Engine, walker: Walker, evaluation: Evaluation) -> Walker:
    """Make one step, or start to relax after enough minima of the potential energy along the trajectory.

    Args:
        engine: Settings and data of the hops.
        walker: Walker in the phase of dynamics.
        evaluation: Energy and forces at its positions.
    """
    settings = engine.settings
    positions, velocities = leapfrog(
        walker.positions, walker.velocities, evaluation.forces, engine.masses, settings.time_step, walker.n_phase == 1
    )
    is_dip = (walker.energy_last < walker.energy_before) & (walker.energy_last < evaluation.energy)
    n_dips = walker.n_dips + jnp.where(is_dip, 1, 0).astype(jnp.int32)
    arrived = (n_dips >= settings.mdmin) | (walker.n_phase >= settings.max_dynamics_steps)
    exploded = ~(jnp.isfinite(evaluation.energy) & jnp.all(jnp.isfinite(positions)))
    phase = jnp.where(arrived, int(Phase.RELAX), int(Phase.DYNAMICS))
    stays = arrived | exploded  # the relaxation begins with another force call at the same positions
    return walker.replace(
        phase=jnp.where(exploded, int(Phase.DONE), phase).astype(jnp.int32),
        n_phase=jnp.where(arrived, 0, walker.n_phase).astype(jnp.int32),
        positions=jnp.where(stays, walker.positions, positions),
        velocities=jnp.where(exploded, walker.velocities, velocities),
        energy_before=walker.energy_last,
        energy_last=evaluation.energy,
        n_dips=n_dips,
        highest_energy=jnp.where(
            exploded, walker.highest_energy, jnp.maximum(walker.highest_energy, evaluation.energy)
        ),
        escaped=jnp.where(arrived & ~exploded, walker.positions, walker.escaped),
        exploded=walker.exploded | exploded,
        overflow=walker.overflow | evaluation.overflow,
    )
