"""Analytic surfaces with known stationary points, for tests of several folders."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from explorer.potential.pairs import NeighbourPairs
from explorer.potential.potential import Potential
from explorer.system import System


def mueller_brown() -> Potential:
    """The Müller-Brown surface of one particle in (x, y); a spring holds z at zero.

    E = Σ_k A_k exp[a_k (x - x_k)² + b_k (x - x_k)(y - y_k) + c_k (y - y_k)²] + 50 z².

    Source: Müller & Brown, Theor. Chim. Acta 53, 75 (1979), doi:10.1007/BF00547608.
    """
    return Potential(params={}, energy_fn=_mueller_brown_energy)


def _mueller_brown_energy(params: dict, system: System, pairs: NeighbourPairs) -> Float[Array, ""]:
    x, y, z = system.positions[0]
    dtype = system.positions.dtype
    amplitude = jnp.array([-200.0, -100.0, -170.0, 15.0], dtype)
    a, b, c = (jnp.array(v, dtype) for v in ([-1, -1, -6.5, 0.7], [0, 0, 11, 0.6], [-10, -10, -6.5, 0.7]))
    dx = x - jnp.array([1, 0, -0.5, -1], dtype)
    dy = y - jnp.array([0, 0.5, 1.5, 1], dtype)
    return jnp.sum(amplitude * jnp.exp(a * dx**2 + b * dx * dy + c * dy**2)) + 50 * z**2
