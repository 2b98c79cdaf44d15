"""Analytic potentials that are finite everywhere: springs between all atoms, and a chain of four atoms."""

import jax.numpy as jnp
import numpy as np

from explorer.potential.potential import Potential
from explorer.records.molecule import Molecule
from explorer.topology.torsions import dihedrals

STIFFNESS = 20.0  # eV/Å²
CHAIN = Molecule(
    name="chain",
    atomic_numbers=np.array([1, 8, 8, 1]),
    positions=np.array([[-0.3, 0.9, 0.2], [0.0, 0.0, 0.0], [1.45, 0.0, 0.0], [1.75, 0.9, -0.2]]),
    bonds=np.array([[0, 1], [1, 2], [2, 3]]),
    bond_orders=np.ones(3),
    formal_charges=np.zeros(4, int),
)


def springs(places: np.ndarray) -> Potential:
    """E = k/8 Σ (r² - r₀²)² / r₀² over all pairs: zero at the distances of given positions, Å."""
    first, second = np.triu_indices(len(places), 1)
    wanted = np.sum((places[first] - places[second]) ** 2, axis=-1)

    def energy(params, system, pairs):
        squared = jnp.sum((system.positions[first] - system.positions[second]) ** 2, axis=-1)
        return STIFFNESS / 8 * jnp.sum((squared - params) ** 2 / params)

    return Potential(params=jnp.asarray(wanted), energy_fn=energy)


def stretched_chain(angle: float) -> Potential:
    """The chain with bonds of 1 and 1.45 Å and two angles with minima at `angle` (degrees); the lowest energy is 0."""
    wanted = float(np.cos(np.radians(angle)))

    def energy(params, system, pairs):
        x = system.positions
        legs = x[jnp.array([0, 2, 3])] - x[jnp.array([1, 1, 2])]
        lengths = jnp.linalg.norm(legs, axis=-1)
        units = legs / lengths[:, None]
        cosines = jnp.stack([units[0] @ units[1], -units[1] @ units[2]])
        # linear in the cosine, so that a straight angle is an ordinary quadratic minimum
        bends = 1 + cosines if angle == 180 else (cosines - wanted) ** 2
        return STIFFNESS / 2 * jnp.sum((lengths - params) ** 2) + 3 * jnp.sum(bends)

    return Potential(params=jnp.array([1.0, 1.45, 1.0]), energy_fn=energy)


def with_torsion(potential: Potential, torsion, slope: float) -> Potential:
    """Add a function of the chain's dihedral (rad) and of a slope to the energy; one program serves all slopes."""

    def energy(params, system, pairs):
        x = system.positions
        f, g, h = x[0] - x[1], x[1] - x[2], x[3] - x[2]
        a, b = jnp.cross(f, g), jnp.cross(h, g)
        angle = jnp.arctan2(jnp.cross(b, a) @ g / jnp.linalg.norm(g), a @ b)
        rest, slope = params
        return potential.energy_fn(rest, system, pairs) + torsion(angle, slope)

    return potential.replace(params=(potential.params, jnp.asarray(slope)), energy_fn=energy)


def chain_dihedral(positions: np.ndarray) -> float:
    """Dihedral of the chain, rad."""
    return float(np.radians(dihedrals(positions, np.arange(4))))
