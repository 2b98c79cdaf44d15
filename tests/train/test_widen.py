"""A network with more features computes the same function, and its copies of features have different gradients."""

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
from explorer.train.train_model import load_fine_tuning_config
from explorer.train.widen import with_features

SYSTEM = system_of(from_smiles("CC(=O)[O-]"), jnp.float64)
FAST = dict(
    n_channels=2,
    n_members=3,
    radial_filter="linear",
    value_filter=True,
    electrostatics=True,
    charge_spin_embedding=False,
)
PUBLISHED = dict(electrostatics=True, dispersion=True, radial_basis="chebyshev")


def network(**others) -> tuple[Hyperparameters, dict]:
    hp = Hyperparameters(n_features=16, n_heads=2, degrees=(1, 2), n_layers=2, n_radial=6, **others)
    params = random_parameters(hp, 3)
    # no parameter is zero, as after training
    return hp, jax.tree.map(
        lambda leaf: np.asarray(leaf) + 0.1 * np.sin(np.arange(leaf.size)).reshape(leaf.shape), params
    )


@pytest.mark.parametrize(
    "copies", [pytest.param(1, marks=pytest.mark.slow), 2, pytest.param(3, marks=pytest.mark.slow)]
)
@pytest.mark.parametrize("variant", [FAST, pytest.param(PUBLISHED, marks=pytest.mark.slow)], ids=["fast", "published"])
def test_network_with_more_features_is_the_same_function(variant, copies):
    hp, params = network(**variant)
    larger, more = with_features(hp, params, 16 * copies)
    assert larger.n_features == 16 * copies
    shapes = jax.tree.map(lambda leaf: leaf.shape, more)
    assert shapes == jax.tree.map(lambda leaf: leaf.shape, jax.eval_shape(lambda: initialize(larger, 0)))
    old, new = (jax.jit(evaluate)(so3krates(*one), SYSTEM) for one in ((hp, params), (larger, more)))
    assert float(new.energy) == pytest.approx(float(old.energy), rel=1e-10)
    np.testing.assert_allclose(new.forces, old.forces, atol=1e-9 * float(np.abs(old.forces).max()))


def test_copies_have_gradients_of_their_own():
    hp, params = with_features(*network(**FAST), 32)
    gradient = jax.jit(jax.grad(lambda p: evaluate(so3krates(hp, p), SYSTEM).energy))(params)
    of_layer = gradient["layer_0"]
    hidden = of_layer["residual_mlp"]["dense_1"]["kernel"]
    for copied in (hidden.T, of_layer["attention"]["value"]["kernel"][0], of_layer["norm_1"]["scale"][:, None]):
        first, second = np.asarray(copied[::2]), np.asarray(copied[1::2])
        assert np.abs(first - second).max() > 0.1 * np.abs(first).max() > 0


def test_number_of_features_can_grow_only_to_a_multiple(tmp_path):
    hp, params = network(**FAST)
    save_checkpoint(tmp_path, hp, params)
    both = {"model.n_features": "32", "model.n_channels": "4"}
    larger, _ = load_fine_tuning_config(None, both, str(tmp_path))
    old = jax.jit(evaluate)(so3krates(hp, params), SYSTEM)
    new = jax.jit(evaluate)(so3krates(larger.hyperparameters, larger.params), SYSTEM)
    assert (larger.hyperparameters.n_features, larger.hyperparameters.n_channels) == (32, 4)
    assert float(new.energy) == pytest.approx(float(old.energy), rel=1e-6)
    for n_features in (24, 8, 0, -16):
        with pytest.raises(ConfigError, match=rf"grow to a multiple of 16, received {n_features}"):
            with_features(hp, params, n_features)
