"""Langevin dynamics: closed forms of a harmonic oscillator, leapfrog without friction, and numpy against JAX."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from explorer.dynamics.baoab import baoab_step
from explorer.dynamics.langevin import langevin
from explorer.dynamics.verlet import leapfrog
from explorer.units import ACCELERATION, BOLTZMANN

STIFFNESS, TEMPERATURE, FRICTION, STEP = 3.0, 400.0, 0.02, 3.0  # eV/Å², K, 1/fs, fs
MASSES = jnp.array([1.0, 12.0])


@pytest.fixture(scope="module")
def oscillators():
    """Positions and velocities at the same times of two atoms on springs, of 1500 equilibrated copies."""

    def step(carry, key):
        x, v, is_first = carry
        forces = -STIFFNESS * x
        now = v + 0.5 * STEP * ACCELERATION * forces / MASSES[:, None]
        noise = jax.random.normal(key, x.shape)
        x_next, v = langevin(x, v, forces, noise, MASSES, STEP, FRICTION, TEMPERATURE, is_first)
        return (x_next, v, jnp.asarray(False)), (x, now)

    def copy(key):
        start = jnp.zeros((2, 3)), jnp.zeros((2, 3)), jnp.asarray(True)
        return jax.lax.scan(step, start, jax.random.split(key, 400))[1]

    x, v = jax.jit(jax.vmap(copy))(jax.random.split(jax.random.key(0), 1500))
    return np.asarray(x)[:, 150:], np.asarray(v)[:, 150:]


def test_mean_kinetic_energy_is_that_of_the_temperature(oscillators):
    _, v = oscillators
    kinetic = 0.5 * np.asarray(MASSES)[:, None] * v**2 / ACCELERATION
    mean = kinetic.sum(axis=-1).mean(axis=(0, 1))
    # 3/2 kT (1 - ω²h²/4): this long step lowers the energy of the light atom by 6.5 %, of the heavy one by 0.5 %
    factor = 1 - STIFFNESS * ACCELERATION / np.asarray(MASSES) * STEP**2 / 4
    assert mean == pytest.approx(1.5 * BOLTZMANN * TEMPERATURE * factor, rel=0.015)


def test_positions_have_the_width_of_the_temperature_whatever_the_step(oscillators):
    x, _ = oscillators
    assert (x**2).mean(axis=(0, 1, 3)) == pytest.approx(np.full(2, BOLTZMANN * TEMPERATURE / STIFFNESS), rel=0.015)


def test_without_friction_it_is_leapfrog():
    rng = np.random.default_rng(0)
    x, v, forces, noise = (jnp.asarray(rng.normal(size=(2, 3))) for _ in range(4))
    for is_first in (True, False):
        free = langevin(x, v, forces, noise, MASSES, 0.7, 0.0, TEMPERATURE, jnp.asarray(is_first))
        expected = leapfrog(x, v, forces, MASSES, 0.7, jnp.asarray(is_first))
        for a, b in zip(free, expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-14)


def test_step_on_arrays_of_numpy_is_that_on_arrays_of_jax():
    rng = np.random.default_rng(1)
    x, v, kick, noise = rng.normal(size=(4, 2, 3))
    width = rng.uniform(size=(2, 1))
    ours = baoab_step(x, v, kick, noise, 0.7, 0.9, width)
    theirs = baoab_step(*map(jnp.asarray, (x, v, kick, noise)), 0.7, 0.9, jnp.asarray(width))
    for a, b in zip(ours, theirs, strict=True):
        assert isinstance(a, np.ndarray)
        np.testing.assert_allclose(a, b, rtol=1e-14)


def test_joined_kicks_are_the_steps_of_the_textbook():
    """B A O A B with two half kicks visits the same positions as the form with one kick per step."""
    rng = np.random.default_rng(2)
    noise = rng.normal(size=(20, 2, 3))
    mass, kept, h = np.array([[1.0], [12.0]]), 0.97, 0.8
    width = np.sqrt((1 - kept**2) * BOLTZMANN * TEMPERATURE * ACCELERATION / mass)
    x, v = rng.normal(size=(2, 2, 3)) * 0.01
    y, u = x.copy(), v.copy()
    for k in range(20):
        kick = h * ACCELERATION / mass * -STIFFNESS * x
        x, v = baoab_step(x, v, 0.5 * kick if k == 0 else kick, noise[k], h, kept, width)
        u += 0.5 * h * ACCELERATION / mass * -STIFFNESS * y
        y += 0.5 * h * u
        u = kept * u + width * noise[k]
        y += 0.5 * h * u
        u += 0.5 * h * ACCELERATION / mass * -STIFFNESS * y
        np.testing.assert_allclose(x, y, rtol=1e-12, atol=1e-14)
