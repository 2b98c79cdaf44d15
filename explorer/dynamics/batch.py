"""Many trajectories of one molecule at once, some at constant energy and some with a thermostat."""

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
    """One trajectory, or many with a leading axis."""

    positions: Float[Array, "*B N 3"]  # Å
    velocities: Float[Array, "*B N 3"]  # Å/fs, see `langevin`
    is_first: Bool[Array, "*B"]  # whether they belong to the same time as the positions
    friction: Float[Array, "*B"]  # 1/fs; zero keeps the energy constant
    temperature: Float[Array, "*B"]  # K, of the thermostat
    key: Array  # of the noise
    n_steps: Int[Array, "*B"]  # done
    moves: Bool[Array, "*B"]  # the others stand still, which costs nothing on a CPU


class BlockAverages(NamedTuple):
    """What was seen while trajectories moved on by some steps."""

    potential: Float[Array, "B"]  # eV, mean
    kinetic: Float[Array, "B"]  # eV, mean
    total: Float[Array, "B"]  # eV, at the last step but one
    overflow: Bool[Array, "B"]  # whether pairs did not fit once: the rest means nothing


@partial(jax.jit, static_argnames="n_steps")
def move(
    potential: Potential,
    system: System,
    masses: Float[Array, "N"],
    movers: TrajectoryBatch,
    time_step: float,
    n_steps: int,
) -> tuple[TrajectoryBatch, BlockAverages]:
    """Moves all trajectories by so many steps of `time_step` fs; a batch is spread over the devices.

    Args:
        potential: on which surface.
        system: the molecule.
        masses: amu.
        movers: a batch.
        time_step: fs.
        n_steps: at least 1.
    """
    return over_parts(partial(_move, n_steps), (potential, system, masses, time_step), movers)


def _move(n_steps: int, potential: Potential, system: System, masses: Array, time_step: Array, movers: TrajectoryBatch):
    systems = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (len(movers.moves), *leaf.shape)), system)

    def step(_: int, carry: tuple[TrajectoryBatch, BlockAverages]) -> tuple[TrajectoryBatch, BlockAverages]:
        movers, seen = carry
        evaluation = evaluate_batch(potential, systems.replace(positions=movers.positions), movers.moves)
        now = jax.vmap(partial(same_time, masses=masses, time_step=time_step))(movers, evaluation.forces)
        kinetic = jax.vmap(partial(kinetic_energy, masses=masses))(now)
        moved = jax.vmap(partial(move_one, masses=masses, time_step=time_step))(movers, evaluation.forces)
        return moved, BlockAverages(
            seen.potential + evaluation.energy / n_steps,
            seen.kinetic + kinetic / n_steps,
            evaluation.energy + kinetic,
            seen.overflow | (evaluation.overflow & movers.moves),
        )

    nothing = jnp.zeros(len(movers.moves), system.positions.dtype)
    centred = movers._replace(positions=movers.positions - movers.positions.mean(axis=1, keepdims=True))
    start = centred, BlockAverages(nothing, nothing, nothing, nothing > 0)
    return jax.lax.fori_loop(0, n_steps, step, start)


def move_one(
    mover: TrajectoryBatch, forces: Float[Array, "N 3"], masses: Float[Array, "N"], time_step: float
) -> TrajectoryBatch:
    """One step of one trajectory with its forces, eV/Å."""
    noise = jax.random.normal(jax.random.fold_in(mover.key, mover.n_steps), forces.shape, forces.dtype)
    positions, velocities = langevin(
        mover.positions,
        mover.velocities,
        forces,
        noise,
        masses,
        time_step,
        mover.friction,
        mover.temperature,
        mover.is_first,
    )
    return mover._replace(
        positions=jnp.where(mover.moves, positions, mover.positions),
        velocities=jnp.where(mover.moves, velocities, mover.velocities),
        is_first=mover.is_first & ~mover.moves,
        n_steps=mover.n_steps + 1,
    )


def same_time(
    mover: TrajectoryBatch, forces: Float[Array, "N 3"], masses: Float[Array, "N"], time_step: float
) -> Float[Array, "N 3"]:
    """Velocities at the time of the positions, Å/fs."""
    half_kick = jnp.where(mover.is_first, 0.0, 0.5) * time_step * ACCELERATION * forces / masses[:, None]
    return mover.velocities + half_kick


def start_at(
    positions: Float[np.ndarray, "N 3"],
    masses: Float[Array, "N"],
    temperatures: Float[np.ndarray, "B"],
    kinetic_temperatures: Float[np.ndarray, "B"],
    friction: float,
    key: Array,
) -> TrajectoryBatch:
    """Trajectories from one structure with Maxwell velocities, neither moving nor turning as a whole.

    Args:
        positions: Å.
        masses: amu.
        temperatures: of the thermostat, K.
        kinetic_temperatures: of the velocities, K.
        friction: 1/fs.
        key: of all random numbers.
    """
    n = len(temperatures)
    places = jnp.broadcast_to(jnp.asarray(positions, masses.dtype), (n, *positions.shape))
    keys = jax.random.split(key, (n, 2))

    def velocities(key: Array, temperature: Array) -> Array:
        noise = jax.random.normal(key, positions.shape, masses.dtype)
        inner = remove_rigid_motion(noise / jnp.sqrt(masses)[:, None], places[0], masses)
        return at_temperature(inner, masses, temperature)

    yes, dtype = jnp.ones(n, bool), masses.dtype
    return TrajectoryBatch(
        positions=places,
        velocities=jax.vmap(velocities)(keys[:, 0], jnp.asarray(kinetic_temperatures, dtype)),
        is_first=yes,
        friction=jnp.full(n, friction, dtype),
        temperature=jnp.asarray(temperatures, dtype),
        key=keys[:, 1],
        n_steps=jnp.zeros(n, jnp.int32),
        moves=yes,
    )


@jax.jit
def at_energy(
    potential: Potential,
    system: System,
    masses: Float[Array, "N"],
    movers: TrajectoryBatch,
    chosen: Bool[Array, "B"],
    energies: Float[Array, "B"],
) -> TrajectoryBatch:
    """Chosen trajectories without thermostat and without rigid motion, their velocities scaled to a total energy (eV).

    Where that leaves less than a tenth of the kinetic energy that was there, a tenth stays.
    """
    systems = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (len(chosen), *leaf.shape)), system)
    potential_energy = evaluate_batch(potential, systems.replace(positions=movers.positions)).energy

    def scaled(mover: TrajectoryBatch, chosen: Array, wanted: Array) -> TrajectoryBatch:
        inner = remove_rigid_motion(mover.velocities, mover.positions, masses)
        present = jnp.maximum(kinetic_energy(inner, masses), 1e-30)
        factor = jnp.sqrt(jnp.maximum(wanted, 0.1 * present) / present)
        return mover._replace(
            velocities=jnp.where(chosen, factor * inner, mover.velocities),
            is_first=mover.is_first | chosen,
            friction=jnp.where(chosen, 0.0, mover.friction),
        )

    return jax.vmap(scaled)(movers, chosen, energies - potential_energy)
