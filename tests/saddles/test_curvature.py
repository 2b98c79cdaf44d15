"""The Hessian of low rank equals the dense TS-BFGS matrix, and keeps what it was told."""

import jax
import jax.numpy as jnp
import numpy as np

from explorer.saddles import curvature as library
from explorer.saddles.curvature import hessian_times, no_curvature

YES = jnp.asarray(True)
with_pair = jax.jit(library.with_pair)


def dense_update(hessian, s, y):
    """The formula of Anglada and Bofill on the whole matrix, with |H| from all of its eigenvalues."""
    values, vectors = np.linalg.eigh(hessian)
    absolute = (vectors * np.abs(values)) @ vectors.T
    j = y - hessian @ s
    w = (y @ s) * y + (s @ absolute @ s) * (absolute @ s)
    crossed = np.outer(j, w)
    return hessian + (crossed + crossed.T) / (w @ s) - (j @ s) * np.outer(w, w) / (w @ s) ** 2


def as_matrix(curvature):
    n = curvature.vectors.shape[1]
    return np.array(jax.vmap(hessian_times, (None, 0))(curvature, jnp.eye(n)))


def test_equals_the_dense_update_while_it_fits():
    rng, n = np.random.default_rng(1), 30
    true = rng.normal(size=(n, n))
    true = np.eye(n) + (true + true.T) / 6  # indefinite
    curvature, dense = no_curvature(n, jnp.float64), np.eye(n)
    for _ in range(12):
        s = rng.normal(size=n)
        curvature, dense = with_pair(curvature, s, true @ s, YES), dense_update(dense, s, true @ s)
        np.testing.assert_allclose(as_matrix(curvature), dense, atol=1e-9)
        np.testing.assert_allclose(hessian_times(curvature, s), true @ s, atol=1e-9)


def test_learns_a_whole_small_hessian_with_its_negative_eigenvalue():
    rng, n = np.random.default_rng(2), 6
    vectors, _ = np.linalg.qr(rng.normal(size=(n, n)))
    true = (vectors * np.array([-2.0, 0.3, 1.0, 2.0, 5.0, 9.0])) @ vectors.T
    curvature = no_curvature(n, jnp.float64)
    for s in vectors.T:  # conjugate directions, so that later updates keep earlier ones
        curvature = with_pair(curvature, s, true @ s, YES)
    np.testing.assert_allclose(as_matrix(curvature), true, atol=1e-8)


def test_unusable_pairs_change_nothing():
    rng, n = np.random.default_rng(3), 8
    start = with_pair(no_curvature(n, jnp.float64), rng.normal(size=n), rng.normal(size=n), YES)
    for s, y, useful in (
        (np.zeros(n), np.zeros(n), True),
        (np.full(n, np.nan), np.ones(n), True),
        (np.ones(n), np.full(n, np.inf), True),
        (np.ones(n), np.ones(n), False),
    ):
        after = with_pair(start, jnp.asarray(s), jnp.asarray(y), jnp.asarray(useful))
        np.testing.assert_array_equal(as_matrix(after), as_matrix(start))


def test_rank_stays_bounded_and_vectors_orthonormal():
    rng, n = np.random.default_rng(4), 200
    curvature = no_curvature(n, jnp.float64)
    for _ in range(40):
        s = rng.normal(size=n)
        curvature = with_pair(curvature, s, s + 0.3 * rng.normal(size=n), YES)
    overlaps = np.array(curvature.vectors @ curvature.vectors.T)
    np.testing.assert_allclose(overlaps, np.eye(len(overlaps)), atol=1e-9)
