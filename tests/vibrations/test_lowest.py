"""The softest vibration by Davidson's method is that of the whole Hessian, for fewer products."""

import jax.numpy as jnp
import numpy as np
import pytest

from explorer.system import system_of
from explorer.vibrations.hessian import hessians
from explorer.vibrations.lowest import MAX_PRODUCTS, lowest_modes_fn
from explorer.vibrations.modes import rigid_modes, wavenumber


@pytest.fixture(scope="module")
def measured(peptide, force_field):
    """Eight structures on and off the minimum, their lowest modes and their projected mass-weighted Hessians."""
    rng = np.random.default_rng(0)
    scales = np.repeat([0.0, 0.02, 0.04, 0.06], 2)[:, None, None]
    positions = peptide.positions + scales * rng.normal(size=(8, peptide.n_atoms, 3))
    masses = peptide.masses
    root = np.repeat(np.sqrt(masses), 3)
    system = system_of(peptide, jnp.float64)
    rigid = np.array([rigid_modes(x, masses) for x in positions])
    lowest = lowest_modes_fn(peptide)(force_field, system, jnp.asarray(positions), jnp.asarray(rigid))
    weighted = hessians(force_field, system, positions) / np.outer(root, root)
    projectors = np.eye(len(root)) - rigid @ np.swapaxes(rigid, 1, 2)
    return lowest, projectors @ weighted @ projectors, projectors


def test_lowest_eigenvalue_is_that_of_numpy_within_a_percent(measured):
    lowest, projected, projectors = measured
    for k, (matrix, projector) in enumerate(zip(projected, projectors, strict=True)):
        away = 1e6 * (np.eye(len(matrix)) - projector)  # rigid motions far above all vibrations
        exact = np.linalg.eigvalsh(matrix + away)
        assert lowest.converged[k]
        assert float(lowest.eigenvalue[k]) == pytest.approx(exact[0], rel=0.01)
    found = wavenumber(np.asarray(lowest.eigenvalue))
    assert found.min() < -100  # saddles among them
    assert found.max() > 10


def test_mode_is_an_eigenvector_without_rigid_motion(measured):
    lowest, projected, projectors = measured
    for value, mode, matrix, projector in zip(lowest.eigenvalue, lowest.mode, projected, projectors, strict=True):
        assert np.linalg.norm(mode) == pytest.approx(1, abs=1e-8)
        np.testing.assert_allclose(projector @ mode, mode, atol=1e-8)
        left = np.linalg.norm(matrix @ mode - float(value) * np.asarray(mode))
        assert left < 0.1 * max(abs(float(value)), 4e-4)


def test_it_takes_a_third_of_the_products_of_a_whole_hessian(measured):
    lowest, projected, _ = measured
    assert np.max(lowest.n_products) < MAX_PRODUCTS
    assert np.mean(lowest.n_products) < len(projected[0]) / 2.5
