"""A network with more channels computes the same function, and its new channels have different gradients."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from random_network import random_parameters

from explorer.errors import ConfigError
from explorer.io.build import from_smiles
from explorer.potential.checkpoint import save_checkpoint
from explorer.potential.hyperparameters import Hyperparameters
from explorer.potential.potential import evaluate
from explorer.potential.so3krates import initialize, so3krates
from explorer.system import system_of
from explorer.train.grow import with_channels, with_value_filter
from explorer.train.train_model import load_fine_tuning_config

SYSTEM = system_of(from_smiles("CC(=O)NC"), jnp.float64)


def network(n_channels: int) -> tuple[Hyperparameters, dict]:
    hp = Hyperparameters(
        n_features=16,
        n_heads=2,
        degrees=(1, 2),
        n_channels=n_channels,
        n_layers=2,
        n_radial=6,
        charge_spin_embedding=False,
        zbl=False,
    )
    return hp, random_parameters(hp, 3)


@pytest.mark.parametrize(
    ("before", "after", "in_filters"),
    [
        (1, 4, 0),
        (2, 4, 2),
        *(pytest.param(*sizes, marks=pytest.mark.slow) for sizes in ((1, 2, 0), (2, 2, 0), (2, 4, 0), (2, 8, 4))),
    ],
)
def test_network_with_more_channels_is_the_same_function(before, after, in_filters):
    hp, params = network(before)
    larger, more = with_channels(hp, params, after, in_filters)
    assert (larger.n_channels, larger.n_filter_channels) == (after, in_filters or after)
    shapes = jax.tree.map(lambda leaf: leaf.shape, more)
    assert shapes == jax.tree.map(lambda leaf: leaf.shape, jax.eval_shape(lambda: initialize(larger, 0)))
    old, new = (jax.jit(evaluate)(so3krates(*one), SYSTEM) for one in ((hp, params), (larger, more)))
    assert float(new.energy) == pytest.approx(float(old.energy), abs=1e-12)
    np.testing.assert_allclose(new.forces, old.forces, atol=1e-12)


def test_new_channels_have_gradients_of_their_own():
    hp, params = with_channels(*network(1), 2)
    gradient = jax.jit(jax.grad(lambda p: evaluate(so3krates(hp, p), SYSTEM).energy))(params)
    gates = np.asarray(gradient["layer_0"]["exchange"]["kernel"])[:, hp.n_features :]
    for first, second in ((0, 1), (2, 3)):  # of one degree
        assert np.abs(gates[:, first] - gates[:, second]).max() > 0.1 * np.abs(gates[:, first]).max() > 0


def test_network_with_value_filters_is_the_same_function_and_trains_them():
    hp, params = network(1)
    larger, more = with_value_filter(hp, params)
    shapes = jax.tree.map(lambda leaf: leaf.shape, more)
    assert shapes == jax.tree.map(lambda leaf: leaf.shape, jax.eval_shape(lambda: initialize(larger, 0)))
    energy = jax.jit(jax.value_and_grad(lambda p: evaluate(so3krates(larger, p), SYSTEM).energy))
    value, gradient = energy(more)
    assert float(value) == pytest.approx(float(jax.jit(evaluate)(so3krates(hp, params), SYSTEM).energy), abs=1e-12)
    for layer in ("layer_0", "layer_1"):
        assert np.abs(gradient[layer]["attention"]["filter_value"]["kernel"]).max() > 1e-6


def test_number_of_channels_can_grow_only_to_a_multiple(tmp_path):
    hp, params = network(2)
    save_checkpoint(tmp_path, hp, params)
    same, _ = load_fine_tuning_config(None, {}, str(tmp_path))
    larger, _ = load_fine_tuning_config(None, {"model.n_channels": "4", "model.value_filter": "true"}, str(tmp_path))
    assert (same.hyperparameters.n_channels, larger.hyperparameters.n_channels) == (2, 4)
    assert (same.hyperparameters.value_filter, larger.hyperparameters.value_filter) == (False, True)
    assert larger.digest == same.digest
    with pytest.raises(ConfigError, match=r"grow to a multiple of 2, received 3"):
        with_channels(hp, params, 3)
    with pytest.raises(ConfigError, match=r"filter_channels can grow to a multiple of 2, received 1"):
        with_channels(hp, params, 4, 1)
