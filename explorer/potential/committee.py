"""What each member of a committee says: energies by one forward pass, forces by one gradient each."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from explorer.errors import ConfigError
from explorer.potential.potential import Components, Potential, components
from explorer.system import System


class Members(NamedTuple):
    """What the members of a committee say of one structure, and the features that they share."""

    energies: Float[Array, "M"]  # eV
    forces: Float[Array, "M N 3"]  # eV/Å, zero on padding
    features: Float[Array, "N F"]  # invariant, of the last layer


def member_energies(potential: Potential, system: System) -> Float[Array, "M"]:
    """The energy as each member sees it, eV; the energy of the potential is their mean.

    Raises:
        ConfigError: when the potential is no network.
    """
    return _members_and_features(components(potential, system))[0]


def member_forces(potential: Potential, system: System) -> tuple[Float[Array, "M"], Float[Array, "M N 3"]]:
    """Energies (eV) and forces (eV/Å) of the members; forces cost as much as M evaluations, so for minima only.

    Raises:
        ConfigError: when the potential is no network.
    """

    said = ask_members(partial(components, potential), system)
    return said.energies, said.forces


def ask_members(components_of: Callable[[System], Components], system: System) -> Members:
    """Energies, forces and features by one forward pass and one gradient per member.

    Args:
        components_of: of a network.
        system: one molecule.

    Raises:
        ConfigError: when the potential is no network.
    """

    def of_positions(positions: Float[Array, "N 3"]) -> tuple[Float[Array, "M"], Float[Array, "N F"]]:
        return _members_and_features(components_of(system.replace(positions=positions)))

    energies, pull, features = jax.vjp(of_positions, system.positions, has_aux=True)
    each = jnp.eye(len(energies), dtype=energies.dtype)
    gradients: Float[Array, "M N 3"] = jax.lax.map(lambda one: pull(one)[0], each)
    return Members(energies, jnp.where(system.atom_mask[:, None], -gradients, 0), features)


def _members_and_features(parts: Components) -> tuple[Float[Array, "M"], Float[Array, "N F"]]:
    if parts.members is None or parts.features is None:
        raise ConfigError("A network was wanted: other potentials have no features and no members that could disagree.")
    return parts.members, parts.features
