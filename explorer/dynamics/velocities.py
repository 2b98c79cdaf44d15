"""Masses and velocities: kinetic energy, scaling to a temperature, removal of translation and rotation."""

import jax.numpy as jnp
import numpy as np
from ase.data import atomic_masses
from jaxtyping import Array, Float, Int

from explorer.units import ACCELERATION, BOLTZMANN


def masses_of(atomic_numbers: Int[np.ndarray, "N"], hydrogen_mass: float) -> Float[np.ndarray, "N"]:
    """Return standard atomic masses with that of hydrogen replaced, amu.

    Args:
        atomic_numbers: Atomic numbers.
        hydrogen_mass: Mass of hydrogen, amu; a larger one allows a longer time step.
    """
    masses = atomic_masses[np.asarray(atomic_numbers)]
    return np.where(np.asarray(atomic_numbers) == 1, hydrogen_mass, masses)


def kinetic_energy(velocities: Float[Array, "N 3"], masses: Float[Array, "N"]) -> Float[Array, ""]:
    """Compute the kinetic energy Σ m v² / 2, eV.

    Args:
        velocities: Å/fs.
        masses: amu.
    """
    return jnp.sum(masses[:, None] * velocities**2) / (2 * ACCELERATION)


def remove_rigid_motion(
    velocities: Float[Array, "N 3"], positions: Float[Array, "N 3"], masses: Float[Array, "N"]
) -> Float[Array, "N 3"]:
    """Remove the momentum and the angular momentum about the centre of mass.

    Args:
        velocities: Å/fs.
        positions: Å.
        masses: amu.

    Returns:
        Velocities of the internal motion, Å/fs.
    """
    weight = masses[:, None] / jnp.sum(masses)
    centred = positions - jnp.sum(weight * positions, axis=0)
    velocities = velocities - jnp.sum(weight * velocities, axis=0)
    momentum = jnp.sum(weight * jnp.cross(centred, velocities), axis=0)
    squared = jnp.sum(weight * centred**2)
    inertia = squared * jnp.eye(3, dtype=positions.dtype) - (weight * centred).T @ centred
    # collinear atoms have no moment of inertia about their line: the small shift keeps the solution finite
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
    """Scale a direction to velocities with the kinetic energy (3 N / 2) k T, Å/fs.

    Args:
        direction: Direction of the velocities, not zero.
        masses: amu.
        temperature: T, K.
    """
    target = 1.5 * len(masses) * BOLTZMANN * temperature
    current = kinetic_energy(direction, masses)
    return direction * jnp.sqrt(target / jnp.maximum(current, 1e-30))
