"""The optimizer takes orthogonal steps for matrices, one head at a time, and steps of Adam for other parameters."""

import jax.numpy as jnp
import numpy as np

from explorer.train.optimizer import make_optimizer


def step(gradient, n_before=0, learning_rate=0.1):
    optimizer = make_optimizer(learning_rate)
    zero = {name: jnp.zeros_like(g) for name, g in gradient.items()}
    state = optimizer.init(zero)
    for _ in range(n_before + 1):
        update, state = optimizer.update(gradient, state, zero)
    return {name: np.asarray(u) for name, u in update.items()}


def test_matrices_move_by_their_orthogonal_factor_head_by_head():
    rng = np.random.default_rng(0)
    factors = [np.linalg.svd(rng.normal(size=(8, 8))) for _ in range(2)]
    heads = [u @ np.diag(np.geomspace(1, 0.05, 8)) @ vt for u, _, vt in factors]
    updates = step({"kernel": jnp.asarray(np.array(heads))}, n_before=10)["kernel"]
    for (u, _, vt), update in zip(factors, updates, strict=True):
        assert (update * -(u @ vt)).sum() / np.linalg.norm(update) / np.sqrt(8) > 0.97
        singular = np.linalg.svd(update, compute_uv=False)
        assert singular.max() / singular.min() < 2  # 20 in the gradient


def test_other_parameters_move_by_the_sign_of_the_gradient_as_with_adam():
    gradient = {"bias": jnp.array([1e-3, -2e-3, 4e-3]), "kernel": jnp.array([[1e-3], [-1e-3]])}
    for name, update in step(gradient, n_before=10).items():
        np.testing.assert_allclose(update, -0.2 * 0.1 * np.sign(gradient[name]), rtol=2e-2)
