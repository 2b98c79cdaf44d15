"""Radial bases, cutoff functions and spherical harmonics against e3x, quadrature and closed forms."""

import e3x
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from explorer.potential.basis import (
    BERNSTEIN_GAMMA,
    bernstein_basis,
    cosine_cutoff,
    phys_cutoff,
    physnet_basis,
    spherical_harmonics,
)

DISTANCES = np.linspace(0.3, 8.0, 40)


def test_bernstein_basis_equals_e3x():
    theirs = e3x.nn.exponential_bernstein(jnp.asarray(DISTANCES), 16, gamma=BERNSTEIN_GAMMA)
    # e3x counts the functions from the other end and keeps their binomial coefficients in float32
    np.testing.assert_allclose(bernstein_basis(jnp.asarray(DISTANCES), 16)[:, ::-1], theirs, rtol=2e-6, atol=1e-12)


def test_bernstein_basis_sums_to_one():
    np.testing.assert_allclose(bernstein_basis(jnp.asarray(DISTANCES), 32).sum(-1), 1, atol=1e-10)


def test_physnet_functions_peak_at_their_centres():
    centres = np.linspace(np.exp(-5.0), 1.0, 8)[:-1]
    values = np.asarray(physnet_basis(jnp.asarray(-np.log(centres)), 8, 5.0))
    np.testing.assert_allclose(np.diagonal(values), 1, atol=1e-10)
    assert (values.argmax(axis=1) == np.arange(7)).all()


@pytest.mark.parametrize("cutoff_fn", [phys_cutoff, cosine_cutoff])
def test_cutoff_is_one_at_zero_and_smoothly_zero_at_the_cutoff(cutoff_fn):
    value = jax.vmap(jax.value_and_grad(lambda d: cutoff_fn(d[None], 5.0)[0]))
    energies, slopes = value(jnp.array([1e-9, 4.9999, 5.0, 6.0]))
    np.testing.assert_allclose(energies, [1, 0, 0, 0], atol=1e-8)
    np.testing.assert_allclose(slopes, 0, atol=1e-4)


def test_polynomial_cutoff_has_no_curvature_at_the_cutoff():
    curvature = jax.grad(jax.grad(lambda d: phys_cutoff(d[None], 5.0)[0]))
    assert abs(curvature(4.99999)) < 1e-4


def test_spherical_harmonics_are_orthonormal_on_the_sphere():
    nodes, weights = np.polynomial.legendre.leggauss(8)
    phi = np.arange(16) * 2 * np.pi / 16
    z, phi = (a.ravel() for a in np.meshgrid(nodes, phi, indexing="ij"))
    s = np.sqrt(1 - z**2)
    y = np.asarray(spherical_harmonics(jnp.asarray(np.stack([s * np.cos(phi), s * np.sin(phi), z], -1)), (1, 2, 3, 4)))
    overlap = (y * np.repeat(weights, 16)[:, None] * 2 * np.pi / 16).T @ y
    np.testing.assert_allclose(overlap, np.eye(24), atol=1e-12)


def test_spherical_harmonics_have_the_parity_of_their_degree():
    u = np.random.default_rng(0).normal(size=(5, 3))
    u /= np.linalg.norm(u, axis=-1, keepdims=True)
    y, reversed_y = (np.asarray(spherical_harmonics(jnp.asarray(v), (1, 2))) for v in (u, -u))
    np.testing.assert_allclose(reversed_y, y * np.repeat([-1, 1], [3, 5]), atol=1e-14)


def test_basis_keeps_float32():
    d = jnp.asarray(DISTANCES, jnp.float32)
    u = jnp.asarray([[0.0, 0.6, 0.8]], jnp.float32)
    assert {bernstein_basis(d, 8).dtype, physnet_basis(d, 8, 5.0).dtype, phys_cutoff(d, 5.0).dtype} == {d.dtype}
    assert spherical_harmonics(u, (1, 2)).dtype == d.dtype
