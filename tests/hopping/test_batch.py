"""Batches of walkers: chunks change no result, and softening converges to the softest direction."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from explorer.hopping.batch import map_masked
from explorer.hopping.softening import of_length, soft_filter, soften
from explorer.io.build import from_sequence


@pytest.mark.parametrize("n_true", [0, 1, 4, 7, 11])
def test_map_masked_equals_a_masked_vmap(n_true):
    values = {"x": jnp.arange(11.0), "y": jnp.arange(22.0).reshape(11, 2)}
    other = jnp.linspace(1, 2, 11)
    mask = jnp.asarray(np.random.default_rng(n_true).permutation(np.arange(11) < n_true))

    def double(element, factor):
        return {"x": 2 * element["x"] * factor, "y": element["y"] + element["x"]}

    everywhere = jax.vmap(double)(values, other)
    result = jax.jit(lambda mask, values, other: map_masked(double, mask, values, other))(mask, values, other)
    for name in values:
        keep = mask.reshape(-1, *[1] * (values[name].ndim - 1))
        assert np.array_equal(result[name], jnp.where(keep, everywhere[name], values[name]))


def test_softening_finds_the_softest_mode_of_a_quadratic_surface():
    stiffness = jnp.array([[50.0, 30.0, 0.5], [20.0, 10.0, 40.0]])
    displacement = of_length(jax.random.normal(jax.random.key(0), (2, 3)), 0.05)
    for _ in range(400):
        displacement = soften(displacement, -stiffness * displacement, 0.01, 0.05)
    assert float(jnp.linalg.norm(displacement)) == pytest.approx(0.05)
    assert abs(float(displacement[0, 2])) == pytest.approx(0.05, rel=1e-3)


def test_filtered_directions_stretch_bonds_little():
    molecule = from_sequence("A")
    positions = jnp.asarray(molecule.positions)
    filter_fn = soft_filter(molecule)

    def stretch(filter_fn) -> float:
        noise = jax.random.normal(jax.random.key(3), positions.shape)
        direction = of_length(filter_fn(positions, noise), 0.01)
        i, j = molecule.bonds.T
        before = jnp.linalg.norm(positions[i] - positions[j], axis=-1)
        moved = positions + direction
        return float(jnp.abs(jnp.linalg.norm(moved[i] - moved[j], axis=-1) - before).max())

    assert stretch(filter_fn) < 0.05 * stretch(lambda x, v: v)
