"""Disagreement of the members of a committee, and the atomic features of a network, for one structure."""

from collections.abc import Callable
from typing import Any, NamedTuple

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

    Args:
        components_of: Function of a network that returns the components of the energy.
        system: One molecule; padding does not contribute.

    Raises:
        ConfigError: When the potential is not a network.
    """
    energies, forces, features = member_predictions(components_of, system)
    return observation(energies, forces, features, jnp.sum(system.atom_mask))


def observation(energies: Any, forces: Any, features: Any, n_atoms: Any) -> Observation:
    """Compute the spread of a committee from the predictions of its members.

    The spread of the forces is √(1/N Σ_i |σ_i|²), where σ_i is the standard deviation of the force on atom i over the
    members. It is comparable with the root mean square error of a force vector.

    Args:
        energies: Energy of each member, eV, shape (*B, M).
        forces: Forces of each member, eV/Å, shape (*B, M, N, 3).
        features: Features of the atoms, shape (*B, N, F).
        n_atoms: Number of atoms that are not padding.

    Returns:
        Arrays of the library of the arguments.
    """
    xp, n_members = energies.__array_namespace__(), energies.shape[-1]
    if n_members == 1:
        spread = xp.full_like(energies[..., 0], xp.nan)
        return Observation(energies, spread, spread, forces[..., 0, :, :], features)
    variance = xp.var(forces, axis=-3, ddof=1).sum(axis=(-1, -2)) / n_atoms
    return Observation(
        energies=energies,
        energy_spread=xp.std(energies, axis=-1, ddof=1),
        force_spread=xp.sqrt(variance),
        forces=forces.mean(axis=-3),
        features=features,
    )
