"""Maps against singular values and against distances that fit into the plane."""

import numpy as np
import pytest
from scipy.spatial.distance import pdist

from explorer.landscape.projection import project


def test_plane_in_many_dimensions_keeps_all_distances():
    rng = np.random.default_rng(0)
    plane = rng.normal(size=(50, 2)) @ rng.normal(size=(2, 7)) + 3
    projection = project(plane, periodic=False)
    np.testing.assert_allclose(pdist(projection(plane)), pdist(plane))
    assert sum(projection.share) == pytest.approx(1)


def test_shares_are_those_of_the_singular_values():
    values = np.random.default_rng(1).normal(size=(40, 6)) * [5, 3, 1, 1, 1, 1]
    singular = np.linalg.svd(values - values.mean(axis=0), compute_uv=False) ** 2
    assert project(values, periodic=False).share == pytest.approx(tuple(singular[:2] / singular.sum()))


def test_sets_are_fitted_jointly():
    rng = np.random.default_rng(2)
    one, two = rng.normal(size=(10, 5)), rng.normal(size=(30, 5)) + 4
    together = project(np.concatenate([one, two]), periodic=False)
    apart = project(one, two, periodic=False)
    np.testing.assert_allclose(apart(two), together(two))


def test_torsions_are_periodic_and_undefined_ones_are_neutral():
    torsions = np.random.default_rng(3).uniform(-180, 180, size=(20, 3, 2))
    torsions[0, 0, 0] = np.nan
    projection = project(torsions)
    coordinates = projection(torsions)
    assert coordinates.shape == (20, 2)
    assert np.all(np.isfinite(coordinates))
    np.testing.assert_allclose(projection(torsions + 360), coordinates, atol=1e-12)


@pytest.mark.parametrize("values", [np.zeros((4, 3)), np.arange(3.0)[:, None], np.ones((1, 2))])
def test_degenerate_sets_have_finite_coordinates(values):
    projection = project(values, periodic=False)
    assert np.all(np.isfinite(projection(values)))
    assert projection(values).shape == (len(values), 2)
