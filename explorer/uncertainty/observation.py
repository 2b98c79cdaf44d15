"""What a network betrays about structures beside their energy: how its members disagree, and the features it sees."""

from collections.abc import Callable
from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from explorer.potential.committee import ask_members
from explorer.potential.potential import Components
from explorer.system import System


class Observation(NamedTuple):
    """Of one structure, or of many with a leading axis."""

    energies: Float[Array, "*B M"]  # eV, of the members
    energy_spread: Float[Array, "*B"]  # eV, their standard deviation; NaN without a committee
    force_spread: Float[Array, "*B"]  # eV/Å, likewise, see `observe`
    forces: Float[Array, "*B N 3"]  # eV/Å, the mean of the members
    features: Float[Array, "*B N F"]  # invariant, of the last layer


def observe(components_of: Callable[[System], Components], system: System) -> Observation:
    """Spread and features of one structure, for one gradient per member.

    The spread of the forces is √(1/N Σ_i |σ_i|²) with the standard deviations σ_i of the force on atom i over the
    members, so that it compares with the root mean square length of the error of a force.

    Args:
        components_of: of a network.
        system: one molecule; padding does not count.

    Raises:
        ConfigError: when the potential is no network.
    """
    members, forces, features = ask_members(components_of, system)
    if len(members) == 1:
        unknown = jnp.full((), jnp.nan, members.dtype)
        return Observation(members, unknown, unknown, forces[0], features)
    variance = jnp.sum(jnp.var(forces, axis=0, ddof=1)) / jnp.sum(system.atom_mask)
    return Observation(members, jnp.std(members, ddof=1), jnp.sqrt(variance), forces.mean(axis=0), features)
