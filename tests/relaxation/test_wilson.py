"""Internal coordinates and the B matrix against automatic differentiation and invariances."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from test_coordinates import two_waters

from explorer.io.build import from_sequence, from_smiles
from explorer.relaxation.coordinates import internal_coordinates
from explorer.relaxation.wilson import b_matrix, internal_difference, internal_values


@pytest.mark.parametrize("molecule", [from_smiles("CC(=O)NC"), from_smiles("CC#CC"), two_waters()])
def test_b_matrix_equals_automatic_derivative(molecule):
    coordinates = internal_coordinates(molecule)
    noise = np.random.default_rng(1).normal(size=molecule.positions.shape)
    positions = jnp.asarray(molecule.positions + 0.05 * noise)
    exact = jax.jit(jax.jacfwd(lambda x: internal_values(coordinates, x)))(positions)
    found = jax.jit(b_matrix, static_argnums=0)(coordinates, positions)
    np.testing.assert_allclose(found, exact.reshape(found.shape), atol=1e-12)


def test_values_are_invariant_under_rigid_motion():
    molecule = from_sequence("A")
    coordinates = internal_coordinates(molecule)
    rotated = Rotation.from_rotvec([0.3, -1.1, 0.7]).apply(molecule.positions) + np.array([1.0, -2.0, 0.5])
    values_of = jax.jit(internal_values, static_argnums=0)
    values = values_of(coordinates, jnp.asarray(molecule.positions))
    moved = values_of(coordinates, jnp.asarray(rotated))
    np.testing.assert_allclose(internal_difference(coordinates, moved, values), 0, atol=1e-12)


def test_dihedral_differences_take_the_short_way():
    coordinates = internal_coordinates(from_smiles("CC"))
    old = jnp.full(len(coordinates.stiffness), 3.1)
    new = old.at[-1].set(-3.1).at[0].set(-3.1)
    difference = internal_difference(coordinates, new, old)
    assert float(difference[-1]) == pytest.approx(2 * np.pi - 6.2)
    assert float(difference[0]) == pytest.approx(-6.2)


def test_derivatives_of_an_angle_that_becomes_straight_stay_finite():
    molecule = from_smiles("O")
    coordinates = internal_coordinates(molecule)
    straight = jnp.asarray([[0.0, 0, 0], [0.96, 0, 0], [-0.96, 0, 0]])
    assert bool(jnp.all(jnp.isfinite(jax.jit(b_matrix, static_argnums=0)(coordinates, straight))))
