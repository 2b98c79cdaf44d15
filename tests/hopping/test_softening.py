"""Softening: it converges to the softest direction, and the model Hessian leaves bonds alone."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from explorer.hopping.softening import of_length, soft_direction, soften
from explorer.io.build import from_sequence
from explorer.relaxation.coordinates import internal_coordinates


def test_softening_finds_the_softest_mode_of_a_quadratic_surface():
    stiffness = jnp.array([[50.0, 30.0, 0.5], [20.0, 10.0, 40.0]])
    displacement = of_length(jax.random.normal(jax.random.key(0), (2, 3)), 0.05)
    for _ in range(400):
        displacement = soften(displacement, -stiffness * displacement, 0.01, 0.05)
    assert float(jnp.linalg.norm(displacement)) == pytest.approx(0.05)
    assert abs(float(displacement[0, 2])) == pytest.approx(0.05, rel=1e-3)


def test_soft_directions_stretch_bonds_little():
    molecule = from_sequence("A")
    coordinates = internal_coordinates(molecule)
    noise = np.random.default_rng(3).normal(size=molecule.positions.shape)

    def stretch(direction) -> float:
        i, j = molecule.bonds.T
        before, after = (
            np.linalg.norm(at[i] - at[j], axis=-1)
            for at in (molecule.positions, molecule.positions + of_length(direction, 0.01))
        )
        return float(np.abs(after - before).max())

    assert stretch(soft_direction(coordinates, molecule.positions, noise)) < 0.05 * stretch(noise)
