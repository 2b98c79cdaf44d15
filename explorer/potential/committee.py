"""What each member of a committee says: energies by one forward pass, forces by one gradient each."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from explorer.errors import ConfigError
from explorer.potential.potential import Potential, components
from explorer.system import System


def member_energies(potential: Potential, system: System) -> Float[Array, "M"]:
    """The energy as each member sees it, eV; the energy of the potential is their mean.

    Raises:
        ConfigError: when the potential is no network.
    """
    members = components(potential, system).members
    if members is None:
        raise ConfigError("A network was wanted: other potentials have no members that could disagree.")
    return members


def member_forces(potential: Potential, system: System) -> tuple[Float[Array, "M"], Float[Array, "M N 3"]]:
    """Energies (eV) and forces (eV/Å) of the members; forces cost as much as M evaluations, so for minima only.

    Raises:
        ConfigError: when the potential is no network.
    """

    def of_positions(positions: Float[Array, "N 3"]) -> Float[Array, "M"]:
        return member_energies(potential, system.replace(positions=positions))

    energies, pull = jax.vjp(of_positions, system.positions)
    each = jnp.eye(len(energies), dtype=energies.dtype)
    gradients: Float[Array, "M N 3"] = jax.lax.map(lambda one: pull(one)[0], each)
    return energies, jnp.where(system.atom_mask[:, None], -gradients, 0)
