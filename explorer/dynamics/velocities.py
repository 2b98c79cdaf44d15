"""Masses and velocities: scaling to a temperature, taking out what moves or turns the whole molecule."""

import jax.numpy as jnp
import numpy as np
from ase.data import atomic_masses
from jaxtyping import Array, Float, Int

from explorer.units import ACCELERATION, BOLTZMANN


def masses_of(atomic_numbers: Int[np.ndarray, "N"], hydrogen_mass: float) -> Float[np.ndarray, "N"]:
    """Standard atomic masses, amu, hydrogens replaced: they only have to be slow enough for the time step."""
    masses = atomic_masses[np.asarray(atomic_numbers)]
    return np.where(np.asarray(atomic_numbers) == 1, hydrogen_mass, masses)


def kinetic_energy(velocities: Float[Array, "N 3"], masses: Float[Array, "N"]) -> Float[Array, ""]:
    """Σ m v² / 2 in eV, with velocities in Å/fs and masses in amu."""
    return jnp.sum(masses[:, None] * velocities**2) / (2 * ACCELERATION)


def remove_rigid_motion(
    velocities: Float[Array, "N 3"], positions: Float[Array, "N 3"], masses: Float[Array, "N"]
) -> Float[Array, "N 3"]:
    """Velocities without momentum and angular momentum about the centre of mass."""
    weight = masses[:, None] / jnp.sum(masses)
    centred = positions - jnp.sum(weight * positions, axis=0)
    velocities = velocities - jnp.sum(weight * velocities, axis=0)
    momentum = jnp.sum(weight * jnp.cross(centred, velocities), axis=0)
    squared = jnp.sum(weight * centred**2)
    inertia = squared * jnp.eye(3, dtype=positions.dtype) - (weight * centred).T @ centred
    # atoms on a line cannot turn about it: the small shift keeps the solve finite there
    shift = 1e-6 * (squared + 1e-6) * jnp.eye(3, dtype=positions.dtype)
    spin = _solve_3x3(inertia + shift, momentum)
    return velocities - jnp.cross(spin[None, :], centred)


def _solve_3x3(matrix: Float[Array, "3 3"], vector: Float[Array, "3"]) -> Float[Array, "3"]:
    a, b, c = matrix.T
    determinant = jnp.dot(a, jnp.cross(b, c))
    parts = jnp.stack(
        [jnp.dot(vector, jnp.cross(b, c)), jnp.dot(a, jnp.cross(vector, c)), jnp.dot(a, jnp.cross(b, vector))]
    )
    return parts / determinant


def at_temperature(
    direction: Float[Array, "N 3"], masses: Float[Array, "N"], temperature: float | Float[Array, ""]
) -> Float[Array, "N 3"]:
    """Velocities along a direction with the kinetic energy (3 N / 2) k T, Å/fs.

    Args:
        direction: any length but zero.
        masses: amu.
        temperature: T, K.
    """
    wanted = 1.5 * len(masses) * BOLTZMANN * temperature
    present = kinetic_energy(direction, masses)
    return direction * jnp.sqrt(wanted / jnp.maximum(present, 1e-30))
