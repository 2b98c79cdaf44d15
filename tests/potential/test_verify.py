"""Checks of potentials detect broken ones and pass correct ones."""

import jax
import jax.numpy as jnp
import pytest

from explorer.potential.potential import Potential
from explorer.potential.verify import check_potential
from explorer.system import from_arrays

SYSTEM = from_arrays([8, 1, 1, 6], [[0, 0, 0.1], [0, 0.8, 0.6], [0.1, -0.7, 0.6], [1.2, 0, -0.9]], 1, 0, jnp.float64)


def spring(params, system, pairs):
    lengths = jnp.linalg.norm(system.positions[pairs.first] - system.positions[pairs.second], axis=-1)
    return jnp.sum((lengths - 1) ** 2 + jnp.sin(3 * lengths))


def half_forces(params, system, pairs):
    energy = spring(params, system, pairs)
    return 0.5 * energy + 0.5 * jax.lax.stop_gradient(energy)


def flattened(params, system, pairs):
    return spring(params, system.replace(positions=system.positions * jnp.array([1, 1, 0.5])), pairs)


def tethered(params, system, pairs):
    return spring(params, system, pairs) + jnp.sum(system.positions[0] ** 2)


def numbered(params, system, pairs):
    return spring(params, system, pairs) + jnp.sum(jnp.arange(4) * jnp.sum(jnp.cos(system.positions), axis=-1))


@pytest.mark.parametrize(
    ("energy_fn", "broken"),
    [
        (spring, None),
        (half_forces, "forces are finite differences"),
        (flattened, "rotation leaves the energy"),
        (flattened, "rotation turns the forces"),
        (tethered, "translation leaves the energy"),
        (tethered, "forces sum to zero"),
        (numbered, "permutation leaves the energy"),
        (lambda *_: jnp.asarray(jnp.nan), "translation leaves the energy"),
    ],
)
def test_a_broken_potential_fails_its_check(energy_fn, broken):
    checks = check_potential(Potential({}, energy_fn), SYSTEM)
    failed = [check.claim for check in checks if not check.passed]
    assert (broken in failed) if broken else (failed == [])
