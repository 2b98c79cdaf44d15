"""The softest vibrations by Davidson's method are those of the whole Hessian, for fewer products."""

import jax.numpy as jnp
import numpy as np
import pytest

from explorer.system import system_of
from explorer.vibrations.hessian import hessians
from explorer.vibrations.lowest import MAX_PRODUCTS, lowest_modes_fn
from explorer.vibrations.modes import rigid_modes, wavenumber


@pytest.fixture(scope="module", params=[1, 2])
def measured(request, peptide, force_field):
    """Eight structures on and off the minimum, their lowest modes and their projected mass-weighted Hessians."""
    rng = np.random.default_rng(0)
    scales = np.repeat([0.0, 0.02, 0.04, 0.06], 2)[:, None, None]
    positions = peptide.positions + scales * rng.normal(size=(8, peptide.n_atoms, 3))
    masses = peptide.masses
    root = np.repeat(np.sqrt(masses), 3)
    system = system_of(peptide, jnp.float64)
    rigid = np.array([rigid_modes(x, masses) for x in positions])
    lowest = lowest_modes_fn(peptide, request.param)(force_field, system, jnp.asarray(positions), jnp.asarray(rigid))
    weighted = hessians(force_field, system, positions) / np.outer(root, root)
    projectors = np.eye(len(root)) - rigid @ np.swapaxes(rigid, 1, 2)
    return lowest, projectors @ weighted @ projectors, projectors


def test_lowest_eigenvalues_are_those_of_numpy_within_a_percent(measured):
    lowest, projected, projectors = measured
    for k, (matrix, projector) in enumerate(zip(projected, projectors, strict=True)):
        away = 1e6 * (np.eye(len(matrix)) - projector)  # rigid motions far above all vibrations
        exact = np.linalg.eigvalsh(matrix + away)[: len(lowest.eigenvalues[k])]
        assert lowest.converged[k]
        np.testing.assert_allclose(lowest.eigenvalues[k], exact, rtol=0.01)
    found = wavenumber(np.asarray(lowest.eigenvalues))
    assert found.min() < -100  # saddles among them
    assert found.max() > 10


def test_modes_are_eigenvectors_without_rigid_motion(measured):
    lowest, projected, projectors = measured
    for values, modes, matrix, projector in zip(*lowest[:2], projected, projectors, strict=True):
        np.testing.assert_allclose(modes @ modes.T, np.eye(len(modes)), atol=1e-8)
        np.testing.assert_allclose(modes @ projector, modes, atol=1e-8)
        left = np.linalg.norm(modes @ matrix - values[:, None] * modes, axis=1)
        assert np.all(left < 0.1 * np.maximum(np.abs(values), 4e-4))


def test_it_takes_fewer_products_than_a_whole_hessian(measured):
    lowest, projected, _ = measured
    n_modes = lowest.eigenvalues.shape[1]
    assert np.max(lowest.n_products) < MAX_PRODUCTS
    assert np.mean(lowest.n_products) < len(projected[0]) / {1: 2.5, 2: 2.0}[n_modes]
