"""Masses and velocities: kinetic energy, scaling to a temperature, removal of translation and rotation.

The functions of velocities take arrays of NumPy or of JAX and return arrays of the same library.
"""

import numpy as np
from jaxtyping import Array, Float

from explorer.arrays import AnyArray
from explorer.records.molecule import Molecule
from explorer.units import ACCELERATION, BOLTZMANN

PADDING_MASS = 1e-30  # amu, of padding: it bears no momentum, and the acceleration by a force of zero is zero


def masses_of(molecule: Molecule, hydrogen_mass: float) -> Float[np.ndarray, "N"]:
    """Return the atomic masses with those of light hydrogens replaced, amu.

    Args:
        molecule: Molecule, whose isotopes have their own masses.
        hydrogen_mass: Lowest mass of a hydrogen, amu; a larger one allows a longer time step.
    """
    masses = molecule.masses
    return np.where(molecule.atomic_numbers == 1, np.maximum(masses, hydrogen_mass), masses)


def kinetic_energy(
    velocities: Float[np.ndarray | Array, "N 3"], masses: Float[np.ndarray | Array, "N"]
) -> Float[np.ndarray | Array, ""]:
    """Compute the kinetic energy Σ m v² / 2, eV.

    Args:
        velocities: Å/fs.
        masses: Masses, amu.
    """
    return (masses[:, None] * velocities**2).sum() / (2 * ACCELERATION)


def remove_rigid_motion(
    velocities: Float[AnyArray, "N 3"], positions: Float[AnyArray, "N 3"], masses: Float[np.ndarray | Array, "N"]
) -> Float[AnyArray, "N 3"]:
    """Remove the momentum and the angular momentum about the centre of mass.

    Args:
        velocities: Å/fs.
        positions: Positions, Å.
        masses: Masses, amu.

    Returns:
        Velocities of the internal motion, Å/fs.
    """
    xp = positions.__array_namespace__()
    weight = masses[:, None] / xp.sum(masses)
    centred = positions - xp.sum(weight * positions, axis=0)
    velocities = velocities - xp.sum(weight * velocities, axis=0)
    momentum = xp.sum(weight * xp.cross(centred, velocities), axis=0)
    squared = xp.sum(weight * centred**2)
    unit = np.eye(3, dtype=positions.dtype)
    # collinear atoms have no moment of inertia about their line: the small shift keeps the solution finite
    inertia = (squared + 1e-6 * (squared + 1e-6)) * unit - (weight * centred).T @ centred
    spin = _solve_3x3(inertia, momentum)
    return velocities - xp.cross(spin[None, :], centred)


def _solve_3x3(matrix: Float[AnyArray, "3 3"], vector: Float[AnyArray, "3"]) -> Float[AnyArray, "3"]:
    """Solve a symmetric system by its adjugate, whose columns are cross products of the rows."""
    xp = matrix.__array_namespace__()
    adjugate = xp.cross(xp.roll(matrix, -1, axis=0), xp.roll(matrix, -2, axis=0))
    return vector @ adjugate / xp.dot(matrix[0], adjugate[0])


def at_temperature(
    direction: Float[AnyArray, "N 3"], masses: Float[np.ndarray | Array, "N"], temperature: float | Float[Array, ""]
) -> Float[AnyArray, "N 3"]:
    """Scale a direction to velocities with the kinetic energy (3 N / 2) k T of N atoms without padding, Å/fs.

    Args:
        direction: Direction of the velocities, not zero.
        masses: Masses, amu.
        temperature: T, K.
    """
    xp = direction.__array_namespace__()
    target = 1.5 * (masses > PADDING_MASS).sum() * BOLTZMANN * temperature
    return direction * xp.sqrt(target / xp.maximum(kinetic_energy(direction, masses), 1e-30))
