"""Predictions of the members of a committee: energies by one forward pass, forces by one gradient each."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from explorer.errors import ConfigError
from explorer.potential.potential import Components
from explorer.system import System


class MemberPredictions(NamedTuple):
    """Predictions of the members of a committee for one structure, and the features that they share."""

    energies: Float[Array, "M"]  # eV
    forces: Float[Array, "M N 3"]  # eV/Å, zero on padding
    features: Float[Array, "N F"]  # invariant, of the last layer


def member_predictions(components_of: Callable[[System], Components], system: System) -> MemberPredictions:
    """Evaluate all members of a committee by one forward pass and one gradient per member.

    The energy and the forces of the potential are the means over the members. The forces of M members cost about as
    much as M evaluations of the potential.

    Args:
        components_of: Function that returns the components of a network's energy.
        system: One molecule.

    Raises:
        ConfigError: If the potential is not a network.
    """

    def of_positions(positions: Float[Array, "N 3"]) -> tuple[Float[Array, "M"], Float[Array, "N F"]]:
        return _members_and_features(components_of(system.replace(positions=positions)))

    energies, pull_back, features = jax.vjp(of_positions, system.positions, has_aux=True)
    one_hot = jnp.eye(len(energies), dtype=energies.dtype)
    gradients: Float[Array, "M N 3"] = jax.lax.map(lambda member: pull_back(member)[0], one_hot)
    return MemberPredictions(energies, jnp.where(system.atom_mask[:, None], -gradients, 0), features)


def _members_and_features(parts: Components) -> tuple[Float[Array, "M"], Float[Array, "N F"]]:
    if parts.members is None or parts.features is None:
        raise ConfigError("A network was wanted: other potentials have neither features nor committee members.")
    return parts.members, parts.features
