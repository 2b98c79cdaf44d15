"""Two analytic surfaces whose stationary points are known: the test beds of the search."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from explorer.potential.pairs import NeighbourPairs
from explorer.potential.potential import Potential
from explorer.system import System


def lennard_jones(epsilon: float = 1.0, sigma: float = 1.0) -> Potential:
    """A free Lennard-Jones cluster, E = 4 ε Σ_{i<j} [(σ/r)^12 - (σ/r)^6].

    Args:
        epsilon: ε, well depth, eV.
        sigma: σ, Å.

    Source: Wales & Doye, J. Phys. Chem. A 101, 5111 (1997), doi:10.1021/jp970984n.
    """
    return Potential(params={"epsilon": epsilon, "sigma": sigma}, energy_fn=_lennard_jones_energy)


def _lennard_jones_energy(params: dict[str, float], system: System, pairs: NeighbourPairs) -> Float[Array, ""]:
    squared = jnp.sum((system.positions[pairs.first] - system.positions[pairs.second]) ** 2, axis=-1)
    ratio = params["sigma"] ** 2 / jnp.where(pairs.mask, squared, 1.0)
    return 4 * params["epsilon"] * jnp.sum(jnp.where(pairs.mask, ratio**6 - ratio**3, 0))


def mueller_brown() -> Potential:
    """The Müller-Brown surface of one particle in (x, y); z is held by a spring of its own.

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
