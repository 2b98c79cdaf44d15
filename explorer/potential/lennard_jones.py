"""The Lennard-Jones potential of atomic clusters, whose minima are known in the literature."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from explorer.potential.pairs import NeighbourPairs
from explorer.potential.potential import Potential
from explorer.system import System


def lennard_jones(epsilon: float = 1.0, sigma: float = 1.0) -> Potential:
    """Create the potential of a free Lennard-Jones cluster, E = 4 ε Σ_{i<j} [(σ/r)^12 - (σ/r)^6].

    Args:
        epsilon: Well depth ε, eV.
        sigma: Distance σ at which the energy of a pair is zero, Å.

    Source: Wales & Doye, J. Phys. Chem. A 101, 5111 (1997), doi:10.1021/jp970984n.
    """
    return Potential(params={"epsilon": epsilon, "sigma": sigma}, energy_fn=_lennard_jones_energy)


def _lennard_jones_energy(params: dict[str, float], system: System, pairs: NeighbourPairs) -> Float[Array, ""]:
    squared = jnp.sum((system.positions[pairs.first] - system.positions[pairs.second]) ** 2, axis=-1)
    ratio = params["sigma"] ** 2 / jnp.where(pairs.mask, squared, 1.0)
    return 4 * params["epsilon"] * jnp.sum(jnp.where(pairs.mask, ratio**6 - ratio**3, 0))
