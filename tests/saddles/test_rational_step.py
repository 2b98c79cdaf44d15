"""The partitioned step equals that of the eigenvectors of both augmented matrices."""

import jax.numpy as jnp
import numpy as np
import pytest

from explorer.saddles.curvature import Curvature
from explorer.saddles.rational_step import rational_step


def augmented(hessian, gradient, highest):
    """Step of the eigenvector of [[H, g], [gᵀ, 0]] with the highest or the lowest eigenvalue."""
    n = len(gradient)
    matrix = np.zeros((n + 1, n + 1))
    matrix[:n, :n], matrix[:n, n], matrix[n, :n] = hessian, gradient, gradient
    vector = np.linalg.eigh(matrix)[1][:, -1 if highest else 0]
    return vector[:n] / vector[n]


@pytest.mark.parametrize("values", [(-2.0, 0.5, 1.7), (-1.0, -0.3, 2.0), (0.4, 0.9, 3.0)])
def test_step_is_uphill_along_the_mode_and_downhill_in_the_rest(values):
    rng, n = np.random.default_rng(5), 9
    vectors = np.linalg.qr(rng.normal(size=(n, n)))[0].T
    gradient = rng.normal(size=n)
    curvature = Curvature(jnp.asarray(np.vstack([vectors[:3], np.zeros((2, n))])), jnp.asarray([*values, 1.0, 1.0]))
    step = np.array(rational_step(curvature, jnp.asarray(gradient), jnp.asarray(0)))
    own, rest = vectors[:1], vectors[1:]
    up = augmented(np.array([[values[0]]]), own @ gradient, highest=True)
    down = augmented(np.diag([*values[1:], *np.ones(n - 3)]), rest @ gradient, highest=False)
    np.testing.assert_allclose(step, up @ own + down @ rest, atol=1e-8)
    assert step @ own[0] * (gradient @ own[0]) > 0


def test_step_without_a_gradient_is_zero():
    curvature = Curvature(jnp.eye(2, 4), jnp.asarray([-1.0, 1.5]))
    np.testing.assert_allclose(rational_step(curvature, jnp.zeros(4), jnp.asarray(0)), 0, atol=1e-9)
