"""Checks of a potential: forces are its gradient, and its symmetries hold; independent of the implementation."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from scipy.spatial.transform import Rotation

from explorer.potential.load import load_potential
from explorer.potential.potential import Potential, components, evaluate
from explorer.records.molecule import Molecule
from explorer.system import System, system_of

_DIFFERENCE_STEP = 1e-3  # Å, of finite differences of fourth order; not tuned
_DIFFERENCE_BATCH_SIZE = 32  # displaced structures evaluated at a time; not tuned

_evaluate = jax.jit(evaluate)
_components = jax.jit(components)


class ModelCheck(NamedTuple):
    """Result of one check: the deviation found, and the largest one that float64 rounding explains."""

    claim: str
    deviation: float
    limit: float
    unit: str

    @property
    def passed(self) -> bool:
        """Whether the deviation is within the limit; false for NaN."""
        return self.deviation <= self.limit


def check_model(name: str, molecule: Molecule) -> list[ModelCheck]:
    """Check the model with this name in float64; see `check_potential`."""
    potential, _ = load_potential(name, molecule, "float64")
    return check_potential(potential, system_of(molecule, jnp.float64))


def check_potential(potential: Potential, system: System, seed: int = 0) -> list[ModelCheck]:
    """Compare forces with finite differences, and evaluations before and after rotation, translation and permutation.

    Args:
        potential: Potential to check, in float64.
        system: One molecule, in float64.
        seed: Seed of the random rotation, translation and permutation.
    """
    rng = np.random.default_rng(seed)
    energy, forces, _ = _evaluate(potential, system)
    rotation = Rotation.random(rng=rng).as_matrix()
    rotated = _evaluate(potential, system.replace(positions=system.positions @ rotation.T))
    translated = _evaluate(potential, system.replace(positions=system.positions + rng.uniform(-50, 50, 3)))
    order = rng.permutation(system.positions.shape[0])
    permuted = _evaluate(
        potential,
        system.replace(atomic_numbers=system.atomic_numbers[order], positions=system.positions[order]),
    )
    differences = finite_difference_forces(potential, system)
    largest = float(np.abs(forces).max())
    small = 1e-9 * max(1.0, abs(float(energy)))
    checks = [
        ModelCheck("forces are finite differences", _worst(forces - differences), 1e-6 * largest, "eV/Å"),
        ModelCheck("rotation leaves the energy", _worst(rotated.energy - energy), small, "eV"),
        ModelCheck("rotation turns the forces", _worst(rotated.forces - forces @ rotation.T), 1e-8 * largest, "eV/Å"),
        ModelCheck("translation leaves the energy", _worst(translated.energy - energy), small, "eV"),
        ModelCheck("permutation leaves the energy", _worst(permuted.energy - energy), small, "eV"),
        ModelCheck("forces sum to zero", _worst(forces.sum(axis=0)), 1e-8 * largest, "eV/Å"),
    ]
    if potential.components_fn is not None:
        charges = _components(potential, system).charges
        if charges is not None:
            checks.append(
                ModelCheck("charges sum to the total charge", _worst(charges.sum() - system.total_charge), 1e-9, "e")
            )
    return checks


def finite_difference_forces(potential: Potential, system: System) -> Float[np.ndarray, "N 3"]:
    """Compute forces from energies by differences of fourth order, -(8 (E₊₁ - E₋₁) - (E₊₂ - E₋₂)) / 12 h, eV/Å."""
    shape = system.positions.shape
    units = np.eye(shape[0] * 3).reshape(-1, 1, *shape)
    steps = _DIFFERENCE_STEP * np.array([1, -1, 2, -2])[None, :, None, None]
    energies = np.asarray(_energies(potential, system, jnp.asarray((units * steps).reshape(-1, *shape))))
    near_up, near_down, far_up, far_down = energies.reshape(-1, 4).T
    return -(8 * (near_up - near_down) - (far_up - far_down)).reshape(shape) / (12 * _DIFFERENCE_STEP)


@jax.jit
def _energies(potential: Potential, system: System, shifts: Float[Array, "S N 3"]) -> Float[Array, "S"]:
    def energy(shift: Float[Array, "N 3"]) -> Float[Array, ""]:
        return evaluate(potential, system.replace(positions=system.positions + shift)).energy

    return jax.lax.map(energy, shifts, batch_size=_DIFFERENCE_BATCH_SIZE)


def _worst(deviation: Float[Array, "*any"]) -> float:
    return float(np.abs(np.asarray(deviation)).max())
