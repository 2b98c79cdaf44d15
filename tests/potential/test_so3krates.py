"""Symmetries, padding, batching, precision and variants of the network."""

from dataclasses import replace
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from random_network import random_parameters
from scipy.spatial.transform import Rotation

from explorer.errors import CheckpointError
from explorer.io.build import from_smiles
from explorer.potential.hyperparameters import Hyperparameters
from explorer.potential.potential import evaluate, evaluate_batch
from explorer.potential.so3krates import so3krates
from explorer.system import system_of

HP = Hyperparameters(n_features=16, n_heads=2, degrees=(1, 2), n_channels=2, n_layers=2, n_radial=6, value_filter=True)
ETHANOL = from_smiles("CCO")
SYSTEM = system_of(ETHANOL, jnp.float64).replace(total_charge=np.asarray(1.0))  # the shapes of nearly all programs
N_PAIRS = 34  # all pairs of ethanol are 36
evaluate_jit, batch_jit = jax.jit(evaluate), jax.jit(evaluate_batch)


@cache
def parameters() -> dict:
    return random_parameters(HP, 1)


@cache
def potential():
    return so3krates(HP, parameters())


@pytest.fixture(scope="module")
def reference():
    return evaluate_jit(potential(), SYSTEM)


def test_energy_is_invariant_and_forces_rotate_with_the_molecule(reference):
    rotation = Rotation.random(rng=np.random.default_rng(0)).as_matrix()
    rotated = evaluate_jit(potential(), SYSTEM.replace(positions=SYSTEM.positions @ rotation.T + 3.0))
    assert rotated.energy == pytest.approx(float(reference.energy), abs=1e-10)
    np.testing.assert_allclose(rotated.forces, reference.forces @ rotation.T, atol=1e-10)


def test_energy_is_invariant_under_reflection(reference):
    mirrored = evaluate_jit(potential(), SYSTEM.replace(positions=SYSTEM.positions * jnp.array([1, 1, -1])))
    assert mirrored.energy == pytest.approx(float(reference.energy), abs=1e-10)


def test_forces_are_permuted_with_the_atoms(reference):
    order = np.random.default_rng(1).permutation(9)
    permuted = SYSTEM.replace(atomic_numbers=SYSTEM.atomic_numbers[order], positions=SYSTEM.positions[order])
    result = evaluate_jit(potential(), permuted)
    assert result.energy == pytest.approx(float(reference.energy), abs=1e-10)
    np.testing.assert_allclose(result.forces, reference.forces[order], atol=1e-10)


def test_forces_and_torque_sum_to_zero(reference):
    np.testing.assert_allclose(reference.forces.sum(axis=0), 0, atol=1e-10)
    np.testing.assert_allclose(np.cross(SYSTEM.positions, reference.forces).sum(axis=0), 0, atol=1e-10)


def test_padding_atoms_change_nothing(reference):
    padded = SYSTEM.replace(
        atomic_numbers=jnp.pad(SYSTEM.atomic_numbers, (0, 3)),
        positions=jnp.pad(SYSTEM.positions, ((0, 3), (0, 0))),  # all three in one place, on the molecule
        atom_mask=jnp.pad(SYSTEM.atom_mask, (0, 3)),
    )
    result = evaluate_jit(potential(), padded)
    assert result.energy == pytest.approx(float(reference.energy), abs=1e-10)
    np.testing.assert_allclose(result.forces[:9], reference.forces, atol=1e-10)
    np.testing.assert_array_equal(result.forces[9:], 0)


def test_overflow_is_flagged_and_gives_nan():
    result = evaluate_jit(so3krates(HP, parameters(), capacity=N_PAIRS), SYSTEM)
    assert result.overflow
    assert np.isnan(result.energy)
    assert np.isnan(result.forces).all()


def test_sufficient_capacity_gives_the_energy_of_all_pairs(reference):
    stretched = SYSTEM.replace(positions=SYSTEM.positions * jnp.array([2.5, 1.0, 1.0]))
    short, full = (evaluate_jit(so3krates(HP, parameters(), n), stretched) for n in (N_PAIRS, 0))
    assert not short.overflow
    assert short.energy == pytest.approx(float(full.energy), abs=1e-10)
    np.testing.assert_allclose(short.forces, full.forces, atol=1e-10)


def test_row_of_a_batch_equals_a_single_evaluation(reference):
    shifts = 0.05 * np.random.default_rng(2).normal(size=(3, 9, 3))
    shifts[1] = 0
    systems = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (3, *leaf.shape)), SYSTEM)
    batch = batch_jit(potential(), systems.replace(positions=SYSTEM.positions + shifts), jnp.ones(3, bool))
    assert batch.energy[1] == pytest.approx(float(reference.energy), abs=1e-10)
    np.testing.assert_allclose(batch.forces[1], reference.forces, atol=1e-10)


def test_isolated_atoms_have_finite_energies_and_no_forces():
    result = evaluate_jit(potential(), SYSTEM.replace(positions=40.0 * SYSTEM.positions))
    assert np.isfinite(result.energy)
    np.testing.assert_array_equal(result.forces, 0)


def test_energy_is_continuous_at_the_cutoff():
    def energy(distance):
        positions = np.zeros((9, 3))
        positions[2, 2] = distance
        others = np.isin(np.arange(9), (0, 2), invert=True)
        pair = SYSTEM.replace(
            atomic_numbers=np.where(others, 0, SYSTEM.atomic_numbers), positions=positions, atom_mask=~others
        )
        return float(evaluate_jit(potential(), pair).energy)

    assert energy(4.5 - 1e-4) == pytest.approx(energy(4.5 + 1e-4), abs=1e-9)


def test_float32_is_close_to_float64(reference):
    single = evaluate_jit(potential(), jax.tree.map(lambda x: x.astype(jnp.float32) if x.dtype == float else x, SYSTEM))
    assert single.energy.dtype == single.forces.dtype == jnp.float32
    assert single.energy == pytest.approx(float(reference.energy), abs=1e-4)
    np.testing.assert_allclose(single.forces, reference.forces, atol=1e-4 * np.abs(reference.forces).max())


def test_neutral_closed_shell_does_not_depend_on_the_charge_embedding():
    changed = parameters() | {
        "embedding": parameters()["embedding"]
        | {"charge": jax.tree.map(lambda p: p + 1, parameters()["embedding"]["charge"])}
    }
    neutral = SYSTEM.replace(total_charge=np.asarray(0.0))
    energies = [float(evaluate_jit(so3krates(HP, p), neutral).energy) for p in (parameters(), changed)]
    assert energies[0] == energies[1]


def test_original_variant_runs_and_is_invariant():
    hp = Hyperparameters(
        n_features=12,
        n_heads=2,
        degrees=(1, 2, 3),
        n_layers=1,
        n_radial=6,
        radial_basis="physnet",
        cutoff_function="cosine",
        cutoff=5.0,
        attention_scale="sqrt_features",
        layer_norm=False,
        residual_mlp=False,
        charge_spin_embedding=False,
        zbl=False,
        radial_filter="linear",
        energy_activation="identity",
    )
    potential = so3krates(hp, random_parameters(hp, 0))
    rotation = Rotation.random(rng=np.random.default_rng(3)).as_matrix()
    straight = evaluate_jit(potential, SYSTEM)
    rotated = evaluate_jit(potential, SYSTEM.replace(positions=SYSTEM.positions @ rotation.T))
    assert np.abs(straight.forces).max() > 1e-6
    assert rotated.energy == pytest.approx(float(straight.energy), abs=1e-10)
    np.testing.assert_allclose(rotated.forces, straight.forces @ rotation.T, atol=1e-10)


def test_unwanted_rows_are_not_evaluated_and_do_not_affect_others(reference):
    rows = jax.tree.map(lambda leaf: jnp.stack([leaf, leaf, leaf]), SYSTEM)
    rows = rows.replace(positions=rows.positions.at[1].set(jnp.nan))
    result = batch_jit(potential(), rows, jnp.array([True, False, True]))
    np.testing.assert_allclose(result.energy[jnp.array([0, 2])], reference.energy, rtol=1e-12)
    np.testing.assert_allclose(result.forces[2], reference.forces, atol=1e-12)
    if jax.default_backend() == "cpu":
        assert result.energy[1] == 0


def test_a_model_that_is_loaded_twice_is_traced_once(reference):
    n_programs = evaluate_jit._cache_size()
    again = evaluate_jit(so3krates(replace(HP, zbl=True), parameters()), SYSTEM)  # an equal object, not the same one
    np.testing.assert_array_equal(again.forces, reference.forces)
    assert evaluate_jit._cache_size() == n_programs


def test_channels_share_the_features_evenly():
    with pytest.raises(CheckpointError, match=r"the number of degrees times n_channels \(6\), received 16"):
        replace(HP, n_channels=3)
    with pytest.raises(CheckpointError, match="n_channels must be between 1 and 64, received 0"):
        replace(HP, n_channels=0)
    with pytest.raises(CheckpointError, match=r"n_channels must be divisible by filter_channels \(4\), received 2"):
        replace(HP, filter_channels=4)
