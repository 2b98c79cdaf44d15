"""Whether a potential is one: forces are its gradient, and its symmetries hold. Independent of how it is computed."""

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

STEP = 1e-3  # Å, of the differences of fourth order
CHUNK = 32  # displaced structures at a time

_evaluate = jax.jit(evaluate)
_components = jax.jit(components)


class ModelCheck(NamedTuple):
    """One claim: the deviation that was found and the largest one that float64 excuses."""

    claim: str
    deviation: float
    limit: float
    unit: str

    @property
    def passed(self) -> bool:
        """False for NaN too."""
        return self.deviation <= self.limit


def check_model(name: str, molecule: Molecule) -> list[ModelCheck]:
    """`check_potential` of a model by its name, in float64."""
    potential, _ = load_potential(name, molecule, "float64")
    return check_potential(potential, system_of(molecule, jnp.float64))


def check_potential(potential: Potential, system: System, seed: int = 0) -> list[ModelCheck]:
    """Compare forces with finite differences, and the surface with its turned, moved and permuted self.

    Args:
        potential: in float64.
        system: in float64.
        seed: of the rotation, the translation and the permutation.
    """
    rng = np.random.default_rng(seed)
    energy, forces, _ = _evaluate(potential, system)
    rotation = Rotation.random(rng=rng).as_matrix()
    turned = _evaluate(potential, system.replace(positions=system.positions @ rotation.T))
    moved = _evaluate(potential, system.replace(positions=system.positions + rng.uniform(-50, 50, 3)))
    order = rng.permutation(system.positions.shape[0])
    renumbered = _evaluate(
        potential,
        system.replace(atomic_numbers=system.atomic_numbers[order], positions=system.positions[order]),
    )
    differences = finite_difference_forces(potential, system)
    largest = float(np.abs(forces).max())
    small = 1e-9 * max(1.0, abs(float(energy)))
    checks = [
        ModelCheck("forces are finite differences", _worst(forces - differences), 1e-6 * largest, "eV/Å"),
        ModelCheck("rotation leaves the energy", _worst(turned.energy - energy), small, "eV"),
        ModelCheck("rotation turns the forces", _worst(turned.forces - forces @ rotation.T), 1e-8 * largest, "eV/Å"),
        ModelCheck("translation leaves the energy", _worst(moved.energy - energy), small, "eV"),
        ModelCheck("permutation leaves the energy", _worst(renumbered.energy - energy), small, "eV"),
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
    """Forces from energies alone, of fourth order: -(8 (E₊₁ - E₋₁) - (E₊₂ - E₋₂)) / 12 h, eV/Å."""
    shape = system.positions.shape
    units = np.eye(shape[0] * 3).reshape(-1, 1, *shape)
    steps = STEP * np.array([1, -1, 2, -2])[None, :, None, None]
    energies = np.asarray(_energies(potential, system, jnp.asarray((units * steps).reshape(-1, *shape))))
    near_up, near_down, far_up, far_down = energies.reshape(-1, 4).T
    return -(8 * (near_up - near_down) - (far_up - far_down)).reshape(shape) / (12 * STEP)


@jax.jit
def _energies(potential: Potential, system: System, shifts: Float[Array, "S N 3"]) -> Float[Array, "S"]:
    def energy(shift: Float[Array, "N 3"]) -> Float[Array, ""]:
        return evaluate(potential, system.replace(positions=system.positions + shift)).energy

    return jax.lax.map(energy, shifts, batch_size=CHUNK)


def _worst(deviation: Float[Array, "*any"]) -> float:
    return float(np.abs(np.asarray(deviation)).max())
