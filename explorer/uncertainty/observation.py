"""Disagreement of the members of a committee, and the atomic features of a network, for one structure."""

from collections.abc import Callable
from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from explorer.potential.committee import member_predictions
from explorer.potential.potential import Components
from explorer.system import System


class Observation(NamedTuple):
    """Output of a network for one structure, or for several with a leading axis."""

    energies: Float[Array, "*B M"]  # eV, of each member
    energy_spread: Float[Array, "*B"]  # eV, standard deviation over the members; NaN without a committee
    force_spread: Float[Array, "*B"]  # eV/Å, see `observe`; NaN without a committee
    forces: Float[Array, "*B N 3"]  # eV/Å, mean over the members
    features: Float[Array, "*B N F"]  # invariant features of the last layer


def observe(components_of: Callable[[System], Components], system: System) -> Observation:
    """Compute the spread of a committee and the features of one structure, with one gradient per member.

    The spread of the forces is √(1/N Σ_i |σ_i|²), where σ_i is the standard deviation of the force on atom i over the
    members. It is comparable with the root mean square error of a force vector.

    Args:
        components_of: Function of a network that returns the components of the energy.
        system: One molecule; padding does not contribute.

    Raises:
        ConfigError: When the potential is not a network.
    """
    energies, forces, features = member_predictions(components_of, system)
    if len(energies) == 1:
        undefined = jnp.full((), jnp.nan, energies.dtype)
        return Observation(
            energies=energies, energy_spread=undefined, force_spread=undefined, forces=forces[0], features=features
        )
    variance = jnp.sum(jnp.var(forces, axis=0, ddof=1)) / jnp.sum(system.atom_mask)
    return Observation(
        energies=energies,
        energy_spread=jnp.std(energies, ddof=1),
        force_spread=jnp.sqrt(variance),
        forces=forces.mean(axis=0),
        features=features,
    )
