"""Batches of trajectories of one molecule, some at constant energy and some with a thermostat."""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from explorer.devices import over_parts
from explorer.dynamics.langevin import langevin
from explorer.dynamics.velocities import at_temperature, kinetic_energy, remove_rigid_motion
from explorer.potential.potential import Potential, evaluate_batch
from explorer.system import System
from explorer.units import ACCELERATION


class TrajectoryBatch(NamedTuple):
    """State of one trajectory, or of many with a leading axis."""

    positions: Float[Array, "*B N 3"]  # Å
    velocities: Float[Array, "*B N 3"]  # Å/fs, at the time that `langevin` expects
    is_first: Bool[Array, "*B"]  # whether velocities and positions belong to the same time
    friction: Float[Array, "*B"]  # 1/fs; zero for constant energy
    temperature: Float[Array, "*B"]  # K, of the thermostat
    key: Array  # random key of the noise
    n_steps: Int[Array, "*B"]  # steps taken
    is_active: Bool[Array, "*B"]  # trajectories that are not active do not move and cost nothing on a CPU


class BlockAverages(NamedTuple):
    """Averages over the steps of a block."""

    potential: Float[Array, "B"]  # eV, mean
    kinetic: Float[Array, "B"]  # eV, mean
    total: Float[Array, "B"]  # eV, at the start of the last step
    overflow: Bool[Array, "B"]  # whether pairs did not fit in one of the steps; the averages are meaningless then


@partial(jax.jit, static_argnames="n_steps")
def advance_trajectories(
    potential: Potential,
    system: System,
    masses: Float[Array, "N"],
    batch: TrajectoryBatch,
    time_step: float,
    n_steps: int,
) -> tuple[TrajectoryBatch, BlockAverages]:
    """Advance all trajectories of a batch, which is split over the devices.

    Args:
        potential: Potential to evaluate.
        system: The molecule; its positions are not used.
        masses: Masses, amu.
        batch: Trajectories with a leading axis.
        time_step: fs.
        n_steps: Number of steps, at least 1.

    Returns:
        The trajectories after the steps, and averages over the steps.
    """
    return over_parts(partial(_advance_part, n_steps), (potential, system, masses, time_step), batch)


def _advance_part(
    n_steps: int, potential: Potential, system: System, masses: Array, time_step: float, batch: TrajectoryBatch
):
    systems = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (len(batch.is_active), *leaf.shape)), system)

    def step(_: int, carry: tuple[TrajectoryBatch, BlockAverages]) -> tuple[TrajectoryBatch, BlockAverages]:
        batch, averages = carry
        evaluation = evaluate_batch(potential, systems.replace(positions=batch.positions), batch.is_active)
        now = jax.vmap(partial(synchronised_velocities, masses=masses, time_step=time_step))(batch, evaluation.forces)
        kinetic = jax.vmap(partial(kinetic_energy, masses=masses))(now)
        moved = jax.vmap(partial(advance_one, masses=masses, time_step=time_step))(batch, evaluation.forces)
        return moved, BlockAverages(
            potential=averages.potential + evaluation.energy / n_steps,
            kinetic=averages.kinetic + kinetic / n_steps,
            total=evaluation.energy + kinetic,
            overflow=averages.overflow | (evaluation.overflow & batch.is_active),
        )

    zeros = jnp.zeros(len(batch.is_active), system.positions.dtype)
    centred = batch._replace(positions=batch.positions - batch.positions.mean(axis=1, keepdims=True))
    start = centred, BlockAverages(zeros, zeros, zeros, zeros > 0)
    return jax.lax.fori_loop(0, n_steps, step, start)


def advance_one(
    trajectory: TrajectoryBatch, forces: Float[Array, "N 3"], masses: Float[Array, "N"], time_step: float
) -> TrajectoryBatch:
    """Advance one trajectory by one step; it does not move if it is not active.

    Args:
        trajectory: State of one trajectory.
        forces: Forces at its positions, eV/Å.
        masses: Masses, amu.
        time_step: fs.
    """
    noise = jax.random.normal(jax.random.fold_in(trajectory.key, trajectory.n_steps), forces.shape, forces.dtype)
    positions, velocities = langevin(
        trajectory.positions,
        trajectory.velocities,
        forces,
        noise,
        masses,
        time_step,
        trajectory.friction,
        trajectory.temperature,
        trajectory.is_first,
    )
    return trajectory._replace(
        positions=jnp.where(trajectory.is_active, positions, trajectory.positions),
        velocities=jnp.where(trajectory.is_active, velocities, trajectory.velocities),
        is_first=trajectory.is_first & ~trajectory.is_active,
        n_steps=trajectory.n_steps + 1,
    )


def synchronised_velocities(
    trajectory: TrajectoryBatch, forces: Float[Array, "N 3"], masses: Float[Array, "N"], time_step: float
) -> Float[Array, "N 3"]:
    """Compute the velocities at the time of the positions, Å/fs, by the half kick that is still missing.

    Args:
        trajectory: State of one trajectory.
        forces: Forces at its positions, eV/Å.
        masses: Masses, amu.
        time_step: fs.
    """
    half_kick = jnp.where(trajectory.is_first, 0.0, 0.5) * time_step * ACCELERATION * forces / masses[:, None]
    return trajectory.velocities + half_kick


def start_trajectories(
    positions: Float[np.ndarray, "N 3"],
    masses: Float[Array, "N"],
    temperatures: Float[np.ndarray, "B"],
    kinetic_temperatures: Float[np.ndarray, "B"],
    friction: float,
    key: Array,
) -> TrajectoryBatch:
    """Start trajectories from one structure with Maxwell-distributed velocities without translation and rotation.

    Args:
        positions: Starting structure, Å.
        masses: Masses, amu.
        temperatures: Temperatures of the thermostat, K.
        kinetic_temperatures: Temperatures of the initial velocities, K.
        friction: Friction coefficient of the thermostat, 1/fs.
        key: Random key of velocities and noise.
    """
    n = len(temperatures)
    starts = jnp.broadcast_to(jnp.asarray(positions, masses.dtype), (n, *positions.shape))
    keys = jax.random.split(key, (n, 2))

    def velocities(key: Array, temperature: Array) -> Array:
        noise = jax.random.normal(key, positions.shape, masses.dtype)
        inner = remove_rigid_motion(noise / jnp.sqrt(masses)[:, None], starts[0], masses)
        return at_temperature(inner, masses, temperature)

    true, dtype = jnp.ones(n, bool), masses.dtype
    return TrajectoryBatch(
        positions=starts,
        velocities=jax.vmap(velocities)(keys[:, 0], jnp.asarray(kinetic_temperatures, dtype)),
        is_first=true,
        friction=jnp.full(n, friction, dtype),
        temperature=jnp.asarray(temperatures, dtype),
        key=keys[:, 1],
        n_steps=jnp.zeros(n, jnp.int32),
        is_active=true,
    )


@jax.jit
def set_total_energy(
    potential: Potential,
    system: System,
    masses: Float[Array, "N"],
    batch: TrajectoryBatch,
    chosen: Bool[Array, "B"],
    energies: Float[Array, "B"],
) -> TrajectoryBatch:
    """Remove thermostat and rigid motion from chosen trajectories, and scale their velocities to a total energy.

    At least a tenth of the kinetic energy is kept.

    Args:
        potential: Potential to evaluate.
        system: The molecule; its positions are not used.
        masses: Masses, amu.
        batch: Trajectories with a leading axis.
        chosen: Trajectories to switch; the others stay as they are.
        energies: Total energies, eV.
    """
    systems = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (len(chosen), *leaf.shape)), system)
    potential_energy = evaluate_batch(potential, systems.replace(positions=batch.positions)).energy

    def scaled(trajectory: TrajectoryBatch, chosen: Array, kinetic: Array) -> TrajectoryBatch:
        inner = remove_rigid_motion(trajectory.velocities, trajectory.positions, masses)
        current = jnp.maximum(kinetic_energy(inner, masses), 1e-30)
        factor = jnp.sqrt(jnp.maximum(kinetic, 0.1 * current) / current)
        return trajectory._replace(
            velocities=jnp.where(chosen, factor * inner, trajectory.velocities),
            is_first=trajectory.is_first | chosen,
            friction=jnp.where(chosen, 0.0, trajectory.friction),
        )

    return jax.vmap(scaled)(batch, chosen, energies - potential_energy)
