"""Leapfrog conserves energy; velocities have no rigid motion and the requested temperature."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from explorer.dynamics.velocities import at_temperature, kinetic_energy, masses_of, remove_rigid_motion
from explorer.dynamics.verlet import leapfrog
from explorer.io.build import from_smiles
from explorer.potential.lennard_jones import lennard_jones
from explorer.potential.potential import evaluate
from explorer.system import from_arrays
from explorer.units import ACCELERATION, BOLTZMANN

TETRAHEDRON = 2 ** (1 / 6) / np.sqrt(8) * np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1.0]])
MASSES = jnp.full(4, 40.0)


def total_energies(time_step: float, n_steps: int) -> np.ndarray:
    system = from_arrays(np.full(4, 18), TETRAHEDRON, dtype=jnp.float64)
    noise = jax.random.normal(jax.random.key(0), (4, 3))
    velocities = at_temperature(remove_rigid_motion(noise, system.positions, MASSES), MASSES, jnp.asarray(800.0))

    def step(carry, k):
        x, v = carry
        evaluation = evaluate(lennard_jones(), system.replace(positions=x))
        x, after = leapfrog(x, v, evaluation.forces, MASSES, time_step, k == 0)
        now = after - 0.5 * time_step * ACCELERATION * evaluation.forces / MASSES[:, None]
        return (x, after), evaluation.energy + kinetic_energy(now, MASSES)

    return np.asarray(jax.lax.scan(step, (system.positions, velocities), jnp.arange(n_steps))[1])


def test_energy_error_falls_with_the_square_of_the_time_step():
    coarse, fine = (np.ptp(total_energies(h, int(200 / h))) for h in (1.0, 0.5))
    assert fine < 1e-3
    assert coarse / fine == pytest.approx(4, rel=0.3)


def test_rigid_motion_is_removed_and_only_that():
    positions = jnp.asarray(np.random.default_rng(1).normal(size=(7, 3)))
    masses = jnp.asarray(np.random.default_rng(2).uniform(1, 20, 7))
    velocities = jnp.asarray(np.random.default_rng(3).normal(size=(7, 3)))
    inner = remove_rigid_motion(velocities, positions, masses)
    centred = positions - (masses[:, None] * positions).sum(0) / masses.sum()
    assert np.allclose((masses[:, None] * inner).sum(0), 0, atol=1e-10)
    assert np.allclose((masses[:, None] * jnp.cross(centred, inner)).sum(0), 0, atol=1e-4)
    again = remove_rigid_motion(inner + jnp.cross(jnp.array([0.1, -0.2, 0.3]), centred) + 0.5, positions, masses)
    assert np.allclose(again, inner, atol=1e-4)


@pytest.mark.parametrize("positions", [[[0.0, 0, 0]], [[0.0, 0, 0], [0, 0, 1]], [[0.0, 0, 0], [0, 0, 1], [0, 0, 2]]])
def test_atoms_on_a_line_give_finite_velocities(positions):
    velocities = remove_rigid_motion(jnp.ones((len(positions), 3)), jnp.asarray(positions), jnp.ones(len(positions)))
    assert np.isfinite(velocities).all()


def test_velocities_have_the_kinetic_energy_of_the_temperature():
    velocities = at_temperature(jnp.ones((4, 3)), MASSES, jnp.asarray(500.0))
    assert float(kinetic_energy(velocities, MASSES)) == pytest.approx(1.5 * 4 * BOLTZMANN * 500)


def test_hydrogen_has_the_requested_mass():
    assert masses_of(from_smiles("C"), 8.0) == pytest.approx([12.011, 8, 8, 8, 8])


def test_isotopes_keep_their_masses():
    molecule = from_smiles("[2H][13C]([3H])=O")
    np.testing.assert_array_equal(masses_of(molecule, 1.0), [2, 13, 3, 15.999])
    assert masses_of(molecule, 8.0)[0] == 8.0
