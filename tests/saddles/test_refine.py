"""Refinements end at saddles that are known exactly, and rows of a batch do not disturb each other."""

import jax.numpy as jnp
import numpy as np
import pytest
from surfaces import mueller_brown

from explorer.potential.prediction import predict_all
from explorer.saddles.path import cartesian_path
from explorer.saddles.refine_many import refine_many
from explorer.saddles.refine_state import Refinement, SaddleStart
from explorer.saddles.saddle_coordinates import SaddleCoordinates
from explorer.system import from_arrays

# Müller and Brown, Theor. Chim. Acta 53, 75 (1979): minima and saddles (x, y), and energies of the saddles
MINIMA = np.array([[-0.558224, 1.441726, 0.0], [-0.050011, 0.466694, 0.0], [0.623499, 0.028038, 0.0]])
SADDLES = np.array([[-0.822002, 0.624313, 0.0], [0.212487, 0.292988, 0.0]])
SADDLE_ENERGIES = [-40.66484, -72.24894]


@pytest.fixture(scope="module")
def surface():
    return mueller_brown(), from_arrays(np.array([1]), np.zeros((1, 3)), dtype=jnp.float64)


def start_of(potential, system, structures, directions):
    prediction, _ = predict_all(potential, system, structures)
    none = np.full(len(structures), np.inf)
    return SaddleStart(structures, prediction.energies.mean(axis=1), prediction.forces[:, 0], directions, none)


def test_both_saddles_of_mueller_brown_are_found_from_straight_paths(surface):
    potential, system = surface
    structures, directions = [], []
    for a, b in ((0, 1), (1, 2)):
        path = cartesian_path(MINIMA[a][None], MINIMA[b][None])
        prediction, _ = predict_all(potential, system, path.images)
        top = int(np.argmax(prediction.energies))
        structures.append(path.images[top])
        directions.append(path.tangents[top])
    starts = start_of(potential, system, np.array(structures), np.array(directions))
    found = refine_many(potential, system, SaddleCoordinates(None, np.asarray(1000.0)), starts, batch=2)
    assert found.status.tolist() == [Refinement.CONVERGED] * 2
    np.testing.assert_allclose(found.energy, SADDLE_ENERGIES, atol=1e-4)
    np.testing.assert_allclose(found.positions[:, 0], SADDLES, atol=1e-3)
    assert found.n_evaluations.max() < 60


def test_result_of_a_row_does_not_depend_on_the_others(surface):
    potential, system = surface
    structures = (SADDLES[:, None] + np.array([0.05, -0.04, 0.0]))[[0, 1, 0]]
    starts = start_of(potential, system, structures, np.array([[[1.0, -1.0, 0.0]], [[1.0, -0.5, 0.0]], [[1.0, 0, 0]]]))
    coordinates = SaddleCoordinates(None, np.asarray(1000.0))
    together = refine_many(potential, system, coordinates, starts, batch=2)
    alone = refine_many(potential, system, coordinates, SaddleStart(*(c[1:2] for c in starts)), batch=2)
    np.testing.assert_array_equal(together.positions[1], alone.positions[0])
    assert together.n_evaluations[1] == alone.n_evaluations[0]


def test_a_start_with_nan_fails_alone(surface):
    potential, system = surface
    structures = np.array([SADDLES[:1] + 0.03, [[np.nan, 0.0, 0.0]]])
    starts = start_of(potential, system, structures, np.ones((2, 1, 3)))
    found = refine_many(potential, system, SaddleCoordinates(None, np.asarray(1000.0)), starts, batch=2)
    assert found.status.tolist() == [Refinement.CONVERGED, Refinement.DIVERGED]
