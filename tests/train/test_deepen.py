"""Layers that are added change no energy, take part in the training, and are there for good."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from explorer.potential.hyperparameters import Hyperparameters
from explorer.potential.pairs import find_pairs
from explorer.potential.so3krates import So3krates, apply, initialize
from explorer.system import from_arrays
from explorer.train.deepen import deepened

SMALL = Hyperparameters(
    n_features=16, n_heads=2, n_layers=1, degrees=(1, 2), n_radial=8, n_members=2, electrostatics=True
)
METHANOL = from_arrays(
    np.array([6, 8, 1, 1, 1, 1]),
    np.array([[0, 0.7, 0], [0, -0.8, 0], [-1.1, 1, 0], [0.4, 1.1, 0.9], [0.4, 1.1, -0.9], [0.9, -1, 0]]),
)


def energy(hp, params, positions):
    system = METHANOL.replace(positions=positions)
    return apply(So3krates(hp), params, system, find_pairs(positions, system.atom_mask, hp.cutoff, 15)[0]).members.sum()


def randomised(params, seed=3):
    """Norms and biases that are not what they begin with."""
    leaves, tree = jax.tree.flatten(params)
    keys = jax.random.split(jax.random.key(seed), len(leaves))
    return jax.tree.unflatten(
        tree, [p + 0.3 * jax.random.normal(k, p.shape) for p, k in zip(leaves, keys, strict=True)]
    )


@pytest.mark.parametrize("variant", [{}, {"layer_norm": False}, {"residual_mlp": False}, {"n_layers": 2}])
def test_energy_and_forces_are_what_they_were(variant):
    hp = replace(SMALL, **variant)
    params = randomised(initialize(hp, 0))
    positions = jnp.asarray(METHANOL.positions)
    before = jax.value_and_grad(energy, argnums=2)(hp, params, positions)
    deep, more = deepened(hp, params, hp.n_layers + 2, seed=1)
    after = jax.value_and_grad(energy, argnums=2)(deep, more, positions)
    assert deep == replace(hp, n_layers=hp.n_layers + 2)
    assert jax.tree.structure(more) == jax.tree.structure(initialize(deep, 0))
    np.testing.assert_allclose(after[0], before[0], rtol=1e-5)
    np.testing.assert_allclose(after[1], before[1], rtol=1e-4, atol=1e-4 * np.abs(before[1]).max())


def test_new_layers_learn():
    deep, params = deepened(SMALL, randomised(initialize(SMALL, 0)), 2, seed=1)
    gradient = jax.grad(energy, argnums=1)(deep, params, jnp.asarray(METHANOL.positions))["layer_1"]
    for part in (gradient["attention"]["value"], gradient["residual_mlp"]["dense_2"], gradient["exchange"]):
        assert np.abs(part["kernel"]).max() > 0


def test_as_many_layers_are_the_same_network():
    params = initialize(SMALL, 0)
    assert deepened(SMALL, params, 1, seed=1) == (SMALL, params)
