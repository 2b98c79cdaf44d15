"""Batches of trajectories: equality with single steps, mean temperature, and trajectories that end at a broken bond."""

from dataclasses import replace
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from explorer.dynamics.batch import TrajectoryBatch, advance_trajectories, set_total_energy, start_trajectories
from explorer.dynamics.langevin import langevin
from explorer.dynamics.stability import StabilityTest, drift_of
from explorer.dynamics.velocities import kinetic_energy, masses_of
from explorer.io.build import from_smiles
from explorer.potential.potential import Potential, evaluate
from explorer.records.trajectories import StabilitySettings, ThermodynamicEnsemble
from explorer.system import system_of
from explorer.units import BOLTZMANN
from explorer.workflows.stability import follow

MOLECULE = from_smiles("CO")
FAST = StabilitySettings(picoseconds=0.2, n_seeds=12, equilibration=0.05, block=20)  # one program


@cache
def springs(depth: float = np.inf) -> Potential:
    """Springs of 20 eV/Å² between all pairs at the lengths of the given structure, each with a well depth in eV."""
    first, second = np.triu_indices(MOLECULE.n_atoms, 1)
    lengths = np.linalg.norm(MOLECULE.positions[first] - MOLECULE.positions[second], axis=-1)

    def energy(params, system, pairs):
        apart = jnp.linalg.norm(system.positions[first] - system.positions[second], axis=-1)
        stretched = 10.0 * (apart - params) ** 2
        return jnp.sum(stretched if np.isinf(depth) else depth * (1 - jnp.exp(-stretched / depth)))

    return Potential(jnp.asarray(lengths, jnp.float32), energy)


@pytest.fixture(scope="module")
def started():
    masses = jnp.asarray(masses_of(MOLECULE, 1.008), jnp.float32)
    temperatures = np.array([300.0, 300.0, 500.0])
    made = start_trajectories(MOLECULE.positions, masses, temperatures, temperatures, 0.01, jax.random.key(3))
    return made._replace(friction=jnp.array([0.0, 0.01, 0.02], jnp.float32)), masses


def test_block_of_a_batch_is_step_after_step_of_each(started):
    batch, masses = started
    system, potential = system_of(MOLECULE), springs()
    after, averages = advance_trajectories(potential, system, masses, batch, 0.5, 5)
    for k in range(3):
        x, v = batch.positions[k] - batch.positions[k].mean(axis=0), batch.velocities[k]
        energies = []
        for n in range(5):
            evaluation = evaluate(potential, system.replace(positions=x))
            noise = jax.random.normal(jax.random.fold_in(batch.key[k], n), x.shape, x.dtype)
            energies.append(float(evaluation.energy))
            x, v = langevin(
                x,
                v,
                evaluation.forces,
                noise,
                masses,
                0.5,
                batch.friction[k],
                batch.temperature[k],
                jnp.asarray(n == 0),
            )
        np.testing.assert_allclose(after.positions[k], x, atol=1e-5)
        np.testing.assert_allclose(after.velocities[k], v, atol=1e-6)
        assert float(averages.potential[k]) == pytest.approx(np.mean(energies), rel=1e-3, abs=1e-6)
    assert after.n_steps.tolist() == [5, 5, 5]


def test_failed_trajectory_does_not_move(started):
    batch, masses = started
    batch = batch._replace(is_active=jnp.array([True, False, True]))
    after, _ = advance_trajectories(springs(), system_of(MOLECULE), masses, batch, 0.5, 5)
    centred = batch.positions[1] - batch.positions[1].mean(axis=0)
    np.testing.assert_allclose(after.positions[1], centred, atol=1e-6)
    assert float(jnp.abs(after.positions[0] - centred).max()) > 1e-3


def test_velocities_are_scaled_to_the_requested_energy(started):
    batch, masses = started
    system, potential = system_of(MOLECULE), springs()
    energies = jnp.array([0.5, 0.7, 0.9], jnp.float32)
    made: TrajectoryBatch = set_total_energy(potential, system, masses, batch, jnp.array([True, False, True]), energies)
    for k in (0, 2):
        energy = evaluate(potential, system.replace(positions=made.positions[k])).energy
        assert float(energy + kinetic_energy(made.velocities[k], masses)) == pytest.approx(float(energies[k]), rel=1e-4)
    assert made.friction.tolist() == pytest.approx([0, 0.01, 0])
    np.testing.assert_array_equal(made.velocities[1], batch.velocities[1])


def test_mean_temperature_is_the_requested_one():
    settings = replace(FAST, picoseconds=6.0, equilibration=2.0)
    found = follow(springs(), MOLECULE, (0, MOLECULE.positions), settings)
    for ensemble in ThermodynamicEnsemble:
        for temperature in (300.0, 500.0):
            group = [t for t in found if (t.ensemble, t.temperature) == (ensemble, temperature)]
            assert len(group) == 12
            assert np.mean([t.mean_temperature for t in group]) == pytest.approx(temperature, rel=0.05)
    free = [t for t in found if t.ensemble == ThermodynamicEnsemble.CONSTANT_ENERGY]
    assert max(abs(t.drift) for t in free) < 0.05  # meV per atom and ps
    assert all(np.isnan(t.drift) for t in found if t.ensemble == ThermodynamicEnsemble.THERMOSTATTED)
    assert [t.picoseconds for t in found] == pytest.approx([6.0] * 48)
    assert not any(t.failure for t in found)


def test_weak_bonds_end_a_trajectory_with_time_and_reason():
    settings = replace(FAST, picoseconds=1.0, temperatures=(4000.0,), n_seeds=3)
    found = follow(springs(depth=0.3), MOLECULE, (7, MOLECULE.positions), settings)
    assert all(t.failure and t.reason for t in found)
    assert all(0 <= t.picoseconds < 1.0 and t.minimum == 7 for t in found)


def test_interrupted_trajectories_are_kept_as_far_as_they_came():
    calls = []

    def stop():
        calls.append(0)
        return len(calls) == 9  # five blocks of the equilibration, four after it

    found = follow(springs(), MOLECULE, (0, MOLECULE.positions), FAST, stop=stop)
    assert [t.picoseconds for t in found] == pytest.approx([0.04] * 48)
    assert follow(springs(), MOLECULE, (0, MOLECULE.positions), FAST, stop=lambda: True) == ()


def test_progress_counts_the_blocks_to_the_last():
    counts = []
    follow(springs(), MOLECULE, (0, MOLECULE.positions), FAST, lambda done, total: counts.append((done, total)))
    assert counts == [(k, 25) for k in range(1, 26)]


def test_drift_is_the_slope_of_the_energies():
    assert drift_of([1.0, 3.0, 5.0]) == (pytest.approx(2.0), pytest.approx(np.std([1, 3, 5])))
    assert all(np.isnan(drift_of([1.0])))


def test_plan_holds_every_seed_of_every_ensemble_at_every_temperature():
    test = StabilityTest(springs(), MOLECULE, (0, MOLECULE.positions), FAST)
    assert len(set(test.plan)) == 2 * 2 * 12
    hot = np.array([float(kinetic_energy(v, test.masses)) for v in test.batch.velocities])
    degrees = 3 * MOLECULE.n_atoms - 6
    assert hot == pytest.approx(degrees * BOLTZMANN * test.temperatures, rel=1e-4)  # twice ½ f kT
