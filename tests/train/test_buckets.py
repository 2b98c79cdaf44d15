"""Shapes are as good as those of an exhaustive search, every frame fits, and padding changes no loss."""

from dataclasses import replace
from itertools import combinations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from random_network import random_parameters

from explorer.potential.hyperparameters import Hyperparameters
from explorer.potential.potential import evaluate
from explorer.potential.so3krates import so3krates
from explorer.system import from_arrays
from explorer.train.buckets import PAIR_MULTIPLE, PAIRS_PER_ATOM, assign_shapes, choose_shapes
from explorer.train.frames import fill_buckets
from explorer.train.loss import LossSettings, batch_gradient, huber
from explorer.train.predict import predict
from explorer.train.torques import find_torsion_axes, torques

HP = Hyperparameters(
    n_features=16,
    n_heads=2,
    degrees=(1, 2),
    n_layers=1,
    n_radial=8,
    radial_filter="linear",
    electrostatics=True,
    n_members=3,
    trained_elements=(1, 6, 8),
    atomic_energies=(-1.0, -2.0, -3.0),
)


def cost(shapes, n_atoms, n_pairs):
    of = np.array(shapes)[assign_shapes(shapes, n_atoms, n_pairs)]
    return int((of[:, 1] + PAIRS_PER_ATOM * of[:, 0]).sum())


@pytest.mark.parametrize("n_shapes", [1, 2, 3])
def test_shapes_are_the_best_of_all_cuts(n_shapes):
    rng = np.random.default_rng(n_shapes)
    n_pairs = rng.integers(1, 150, 60)
    n_atoms = 4 + n_pairs // 8 + rng.integers(0, 6, 60)
    shapes = choose_shapes(n_atoms, n_pairs, n_shapes)
    assert len(shapes) == n_shapes
    rounded = PAIR_MULTIPLE * -(-n_pairs // PAIR_MULTIPLE)
    levels = np.unique(rounded)

    def total(last):  # cost of groups that end at these levels, each as large as its largest frame
        groups = np.searchsorted(last, rounded)
        return sum(
            (groups == k).sum() * (end + PAIRS_PER_ATOM * n_atoms[groups == k].max()) for k, end in enumerate(last)
        )

    cheapest = min(total([*inner, levels[-1]]) for inner in combinations(levels[:-1], n_shapes - 1))
    # a frame with few atoms may fit into an earlier shape than its group's, which is cheaper still
    assert cost(shapes, n_atoms, n_pairs) <= cheapest


def test_every_frame_fits():
    rng = np.random.default_rng(0)
    n_atoms, n_pairs = rng.integers(2, 40, 300), rng.integers(0, 400, 300)
    shapes = choose_shapes(n_atoms, n_pairs, 4)
    of = np.array(shapes)[assign_shapes(shapes, n_atoms, n_pairs)]
    assert (of >= np.stack([n_atoms, n_pairs], axis=1)).all()


@pytest.fixture(scope="module")
def params():
    return random_parameters(HP, 3)


@pytest.fixture(scope="module")
def two_molecules(ethanol_data):
    """Return ethanol, and its first six atoms as another molecule with a charge."""
    ethanol = ethanol_data["ethanol"]
    part = replace(
        ethanol,
        atomic_numbers=ethanol.atomic_numbers[:6],
        bonds=ethanol.bonds[:3],
        total_charge=1,
        positions=ethanol.positions[:, :6],
        energy=ethanol.energy - 1.0,
        forces=ethanol.forces[:, :6],
    )
    return {"ethanol": ethanol, "part": part}


@pytest.mark.slow
def test_padded_frames_have_the_energies_and_forces_of_the_molecule_alone(two_molecules, params):
    predicted, labels = predict(fill_buckets(two_molecules, HP, 1), HP, params)
    shifts = {"ethanol": -6.0 - 4 - 3, "part": 0.0}
    start = 0
    for name, data in two_molecules.items():
        n = len(data.atomic_numbers)
        shift = sum({1: -1.0, 6: -2.0, 8: -3.0}[int(z)] for z in data.atomic_numbers)
        assert name != "ethanol" or shift == shifts["ethanol"]
        for k in (0, 17, 39):
            system = from_arrays(data.atomic_numbers, data.positions[k], float(data.total_charge))
            energy, forces, _ = evaluate(so3krates(HP, params), system)
            assert predicted.energy[start + k] == pytest.approx(float(energy), abs=1e-4)
            np.testing.assert_allclose(predicted.forces[start + k, :n], forces, atol=1e-4)
            assert not predicted.forces[start + k, n:].any()
            assert labels.energy[start + k] == pytest.approx(data.energy[k] - shift, abs=1e-4)
        start += len(data.energy)


@pytest.mark.slow
def test_gradient_of_a_batch_is_that_of_the_mean_loss(two_molecules, params):
    (bucket,) = fill_buckets(two_molecules, HP, 1)
    index = np.array([3, 50, 12, 77])
    frames = jax.tree.map(lambda a: a[index], bucket.frames)
    weights = jnp.asarray(np.random.default_rng(0).dirichlet(np.ones(3), 4), jnp.float32)
    gradient, errors = batch_gradient(params, HP, frames, weights, LossSettings(2.0, 3.0, 0.07))

    def mean_loss(params):
        """Compute the loss without padding or batches."""
        losses = []
        for row, weight in zip(bucket.index[index], weights, strict=True):
            data = list(two_molecules.values())[row // 40]
            system = from_arrays(data.atomic_numbers, data.positions[row % 40], float(data.total_charge))

            def energy(positions, system=system, weight=weight):
                pot = so3krates(HP, params)
                members = pot.components_fn(params, system.replace(positions=positions), all_of(system)).members
                return members @ weight

            value, slope = jax.value_and_grad(energy)(system.positions)
            shift = sum({1: -1.0, 6: -2.0, 8: -3.0}[int(z)] for z in data.atomic_numbers)
            energy_error = value - (data.energy[row % 40] - shift)
            force_errors = -slope - data.forces[row % 40].astype(np.float32)
            forces = huber(force_errors, 0.07).mean()
            torque_errors = torques(
                system.positions, force_errors, find_torsion_axes(data.bonds, len(data.atomic_numbers))
            )
            others = 2.0 * huber(energy_error, 0.5) + 3.0 * huber(torque_errors, 0.05).sum()
            losses.append(forces + others / len(data.atomic_numbers))
        return sum(losses) / 4

    expected = jax.grad(mean_loss)(params)
    jax.tree.map(lambda g, e: np.testing.assert_allclose(g, e, atol=2e-4, rtol=2e-3), gradient, expected)
    assert float(errors.forces) > 0


def all_of(system):
    from explorer.potential.pairs import find_pairs, n_all_pairs

    n_atoms = len(system.atomic_numbers)
    return find_pairs(system.positions, system.atom_mask, HP.cutoff, n_all_pairs(n_atoms))[0]
