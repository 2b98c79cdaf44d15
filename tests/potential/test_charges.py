"""A network with electrostatics and dispersion: conservation, symmetries, forces and padding."""

from dataclasses import replace
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from random_network import random_parameters
from scipy.spatial.transform import Rotation

from explorer.errors import CheckpointError, ConfigError
from explorer.io.build import from_smiles
from explorer.potential.hyperparameters import Hyperparameters
from explorer.potential.lennard_jones import lennard_jones
from explorer.potential.long_range import LongRange
from explorer.potential.potential import components, evaluate, evaluate_batch
from explorer.potential.so3krates import so3krates
from explorer.system import from_arrays, system_of

HP = Hyperparameters(
    n_features=8, n_heads=2, degrees=(1, 2), n_layers=1, n_radial=6, electrostatics=True, dispersion=True
)
SYSTEM = system_of(from_smiles("CCO"), jnp.float64).replace(total_charge=np.asarray(1.0))


@cache
def parameters() -> dict:
    return random_parameters(HP, 4)


@cache
def potential():
    return so3krates(HP, parameters())


@jax.jit
def both(potential, system):
    return evaluate(potential, system), components(potential, system)


@pytest.fixture(scope="module")
def reference():
    return both(potential(), SYSTEM)


def test_components_add_up_and_are_all_present(reference):
    evaluation, parts = reference
    every = [parts.local, parts.zbl, parts.electrostatic, parts.dispersion]
    assert evaluation.energy == pytest.approx(float(sum(every)), abs=1e-12)
    assert all(abs(float(part)) > 1e-6 for part in every)
    assert parts.dispersion < 0


@pytest.mark.parametrize(("charge", "unpaired"), [(-1, 0), (0, 1), (2, 0), (0, 0)])
def test_charges_sum_to_the_total_charge(charge, unpaired):
    state = {"total_charge": np.asarray(float(charge)), "num_unpaired_electrons": np.asarray(float(unpaired))}
    evaluation, parts = both(potential(), SYSTEM.replace(**state))
    assert parts.charges.sum() == pytest.approx(charge, abs=1e-12)
    assert np.ptp(parts.charges) > 1e-3
    assert np.isfinite(evaluation.forces).all()


def test_everything_rotates_with_the_molecule(reference):
    evaluation, parts = reference
    rotation = Rotation.random(rng=np.random.default_rng(0)).as_matrix()
    rotated, rotated_parts = both(potential(), SYSTEM.replace(positions=SYSTEM.positions @ rotation.T))
    assert rotated.energy == pytest.approx(float(evaluation.energy), abs=1e-10)
    np.testing.assert_allclose(rotated.forces, evaluation.forces @ rotation.T, atol=1e-10)
    np.testing.assert_allclose(rotated_parts.charges, parts.charges, atol=1e-12)
    np.testing.assert_allclose(rotated_parts.dipole, rotation @ parts.dipole, atol=1e-12)


def test_translation_moves_the_dipole_of_an_ion_only(reference):
    evaluation, parts = reference
    shift = np.array([3.0, -2, 1])
    moved, moved_parts = both(potential(), SYSTEM.replace(positions=SYSTEM.positions + shift))
    assert moved.energy == pytest.approx(float(evaluation.energy), abs=1e-10)
    np.testing.assert_allclose(moved.forces, evaluation.forces, atol=1e-10)
    np.testing.assert_allclose(moved_parts.dipole, parts.dipole + shift, atol=1e-10)


def test_atoms_may_come_in_any_order(reference):
    evaluation, parts = reference
    order = np.random.default_rng(1).permutation(9)
    permuted = SYSTEM.replace(atomic_numbers=SYSTEM.atomic_numbers[order], positions=SYSTEM.positions[order])
    result, result_parts = both(potential(), permuted)
    assert result.energy == pytest.approx(float(evaluation.energy), abs=1e-10)
    np.testing.assert_allclose(result.forces, evaluation.forces[order], atol=1e-10)
    np.testing.assert_allclose(result_parts.charges, parts.charges[order], atol=1e-12)
    np.testing.assert_allclose(result_parts.hirshfeld_ratios, parts.hirshfeld_ratios[order], atol=1e-12)


@pytest.mark.parametrize("cutoff", [None, 5.0])
def test_forces_are_finite_differences_although_charges_respond(cutoff):
    potential = so3krates(HP, parameters(), long_range=LongRange(cutoff))
    directions = np.random.default_rng(2).normal(size=(4, 9, 3))
    shifts = 2e-5 * np.concatenate([directions, -directions, np.zeros((1, 9, 3))])
    systems = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (9, *leaf.shape)), SYSTEM)
    batch = jax.jit(evaluate_batch)(potential, systems.replace(positions=SYSTEM.positions + shifts))
    slopes = (batch.energy[4:8] - batch.energy[:4]) / 4e-5
    np.testing.assert_allclose(np.sum(batch.forces[8] * directions, axis=(1, 2)), slopes, rtol=1e-6, atol=1e-7)


def test_padding_changes_nothing(reference):
    evaluation, parts = reference
    padded = SYSTEM.replace(
        atomic_numbers=jnp.pad(SYSTEM.atomic_numbers, (0, 3)),
        positions=jnp.pad(SYSTEM.positions, ((0, 3), (0, 0))),  # all three in one place, on the molecule
        atom_mask=jnp.pad(SYSTEM.atom_mask, (0, 3)),
    )
    result, result_parts = both(potential(), padded)
    assert result.energy == pytest.approx(float(evaluation.energy), abs=1e-10)
    np.testing.assert_allclose(result.forces[:9], evaluation.forces, atol=1e-10)
    np.testing.assert_array_equal(result.forces[9:], 0)
    np.testing.assert_allclose(result_parts.charges[:9], parts.charges, atol=1e-12)
    np.testing.assert_array_equal(result_parts.charges[9:], 0)
    np.testing.assert_allclose(result_parts.dipole, parts.dipole, atol=1e-12)


def test_coincident_and_distant_atoms_give_finite_numbers_in_float32():
    for positions in ([[0, 0, 0], [0, 0, 0], [1.1, 0, 0]], [[0, 0, 0], [1e6, 0, 0], [0, 1.1, 0]]):
        evaluation, parts = both(potential(), from_arrays(np.array([6, 8, 1]), np.array(positions, float)))
        assert np.isfinite(evaluation.energy)
        assert np.isfinite(evaluation.forces).all()
        assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(parts))


def test_a_single_ion_has_its_whole_charge():
    numbers = np.array([17] + [0] * 8, np.int32)
    ion = SYSTEM.replace(
        atomic_numbers=numbers, positions=np.zeros((9, 3)), total_charge=np.asarray(-1.0), atom_mask=numbers > 0
    )
    _, parts = both(potential(), ion)
    assert parts.charges == pytest.approx([-1.0] + [0.0] * 8)
    assert parts.electrostatic == parts.dispersion == 0


def test_components_are_nan_where_the_pairs_do_not_fit():
    parts = jax.jit(components)(so3krates(HP, parameters(), capacity=10), SYSTEM)
    assert all(np.isnan(leaf).all() for leaf in jax.tree.leaves(parts))


def test_a_network_without_charges_and_an_analytic_potential_lack_components():
    hp = replace(HP, electrostatics=False, dispersion=False)
    plain = {k: v for k, v in parameters().items() if k not in ("charges", "hirshfeld")}
    parts = jax.jit(components)(so3krates(hp, plain), SYSTEM)
    assert parts.charges is parts.hirshfeld_ratios is parts.dipole is None
    assert parts.electrostatic == parts.dispersion == 0
    with pytest.raises(ConfigError, match="analytic"):
        components(lennard_jones(), SYSTEM)


def test_dispersion_of_an_element_without_free_atom_data_is_refused():
    with pytest.raises(CheckpointError, match="Br"):
        replace(HP, trained_elements=(1, 6, 35))
