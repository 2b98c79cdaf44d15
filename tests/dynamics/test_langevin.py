"""Thermostatted dynamics: closed forms of a harmonic oscillator, and leapfrog where there is no friction."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from explorer.dynamics.langevin import langevin
from explorer.dynamics.verlet import leapfrog
from explorer.units import ACCELERATION, BOLTZMANN

STIFFNESS, TEMPERATURE, FRICTION, STEP = 3.0, 400.0, 0.02, 3.0  # eV/Å², K, 1/fs, fs
MASSES = jnp.array([1.0, 12.0])


@pytest.fixture(scope="module")
def oscillators():
    """Positions and velocities of the same time, of two atoms on springs, of 1500 copies that forgot their start."""

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
    # 3/2 kT (1 - ω²h²/4): so long a step slows the light atom by 6.5 %, the heavy one by 0.5 %
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
        wanted = leapfrog(x, v, forces, MASSES, 0.7, jnp.asarray(is_first))
        for a, b in zip(free, wanted, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-14)
