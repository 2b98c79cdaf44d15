"""The two-loop recursion against a dense inverse BFGS matrix, built explicitly in numpy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from explorer.relaxation.lbfgs_memory import (
    N_CURVATURE_PAIRS,
    inverse_hessian_times,
    newest_scale,
    no_curvature_pairs,
    remember,
)

N = 7  # coordinates
TRUE = jnp.asarray(True)


@pytest.fixture(scope="module")
def model() -> np.ndarray:
    """Inverse model Hessian, symmetric and positive definite."""
    root = np.random.default_rng(0).normal(size=(N, N))
    return root @ root.T + np.eye(N)


def times_gradient(pairs, model, gradient):
    compute = jax.jit(lambda pairs, gradient: inverse_hessian_times(gradient, pairs, lambda p: jnp.asarray(model) @ p))
    return np.asarray(compute(pairs, gradient))


def updated(inverse: np.ndarray, s: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Inverse BFGS matrix after a pair: (1 - ρ s yᵀ) H⁻¹ (1 - ρ y sᵀ) + ρ s sᵀ (Nocedal & Wright, equation 6.17)."""
    rho = 1 / (s @ y)
    left = np.eye(N) - rho * np.outer(s, y)
    return left @ inverse @ left.T + rho * np.outer(s, s)


def positive_pairs(n: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Random steps with y = H s of a fixed positive definite H and some noise: no damping is needed."""
    rng = np.random.default_rng(1)
    root = rng.normal(size=(N, N))
    hessian = root @ root.T + np.eye(N)
    steps = rng.normal(size=(n, N))
    return [(s, hessian @ s * rng.uniform(0.9, 1.1)) for s in steps]


def filled(pairs):
    memory = no_curvature_pairs(N, jnp.float64)
    for s, y in pairs:
        memory = remember(memory, jnp.asarray(s), jnp.asarray(y), jnp.asarray(y), TRUE)
    return memory


def test_empty_memory_is_the_model_hessian(model):
    gradient = np.arange(1.0, N + 1)
    np.testing.assert_allclose(
        times_gradient(no_curvature_pairs(N, jnp.float64), model, gradient), model @ gradient, rtol=1e-13
    )


@pytest.mark.parametrize("n_pairs", [1, 2, 5, N_CURVATURE_PAIRS])
def test_recursion_equals_the_dense_matrix(model, n_pairs):
    pairs = positive_pairs(n_pairs)
    inverse = model
    for s, y in pairs:
        inverse = updated(inverse, s, y)
    for gradient in np.random.default_rng(2).normal(size=(3, N)):
        np.testing.assert_allclose(times_gradient(filled(pairs), model, gradient), inverse @ gradient, rtol=1e-9)


def test_newest_pair_satisfies_the_secant_equation(model):
    pairs = positive_pairs(5)
    s, y = pairs[-1]
    np.testing.assert_allclose(times_gradient(filled(pairs), model, y), s, rtol=1e-9)


def test_full_memory_forgets_the_oldest_pair(model):
    pairs = positive_pairs(N_CURVATURE_PAIRS + 3)
    gradient = np.arange(1.0, N + 1)
    expected = times_gradient(filled(pairs[3:]), model, gradient)
    np.testing.assert_allclose(times_gradient(filled(pairs), model, gradient), expected, rtol=1e-12)


def test_negative_curvature_is_damped_and_the_matrix_stays_positive_definite(model):
    hessian, rng = np.linalg.inv(model), np.random.default_rng(3)
    s = rng.normal(size=N)
    y = hessian @ s - 3 * (s @ hessian @ s) / (s @ s) * s  # s·y = -2 s·H s
    memory = remember(no_curvature_pairs(N, jnp.float64), s, jnp.asarray(y), jnp.asarray(hessian @ s), TRUE)
    theta = 0.8 * (s @ hessian @ s) / (s @ hessian @ s - s @ y)
    damped = theta * y + (1 - theta) * hessian @ s
    assert s @ damped == pytest.approx(0.2 * s @ hessian @ s)
    inverse = updated(model, s, damped)
    columns = np.array([times_gradient(memory, model, unit) for unit in np.eye(N)])
    np.testing.assert_allclose(columns, inverse, rtol=1e-9, atol=1e-12)
    assert np.linalg.eigvalsh((columns + columns.T) / 2).min() > 0


@pytest.mark.parametrize("useless", ["rejected", "not a number", "zero step", "zero model curvature"])
def test_useless_pairs_are_not_stored(useless):
    s, y = positive_pairs(1)[0]
    before = filled(positive_pairs(2))
    hessian_s, useful = jnp.asarray(y), jnp.asarray(useless != "rejected")
    if useless == "not a number":
        y = y * np.nan
    if useless == "zero step":
        s = 0 * s
    if useless == "zero model curvature":
        hessian_s = 0 * hessian_s
    after = remember(before, jnp.asarray(s), jnp.asarray(y), hessian_s, useful)
    for new, old in zip(after, before, strict=True):
        np.testing.assert_array_equal(new, old)


def test_scale_is_the_inverse_curvature_of_the_newest_pair():
    pairs = positive_pairs(3)
    s, y = pairs[-1]
    assert float(newest_scale(filled(pairs))) == pytest.approx(s @ y / (y @ y))
    assert float(newest_scale(no_curvature_pairs(N, jnp.float64))) == 1
