"""Committee of several networks of one architecture, such as trainings with different seeds."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from explorer.errors import ConfigError
from explorer.potential.embedding import N_ELEMENTS
from explorer.potential.hyperparameters import Hyperparameters
from explorer.potential.long_range import LongRange
from explorer.potential.pairs import NeighbourPairs
from explorer.potential.potential import Components, Potential
from explorer.potential.so3krates import NetworkFunctions, network_functions
from explorer.system import System

# hyperparameters that say where a network comes from, and not what it is
_OF_TRAINING = {
    "trained_elements", "atomic_energies", "energy_shifts", "average_neighbors", "reference", "training_data",
    "tuned_from",
}  # fmt: skip


def member_names(name: str) -> tuple[str, ...]:
    """Return the names of the networks that form a committee; the name itself for any other potential.

    Args:
        name: Name of a potential, such as `mlff:A,mlff:B` or `models/a,models/b`.

    >>> member_names("mlff:A?elements=H,C,mlff:B"), member_names("ase:tblite.ase:TBLite?method=GFN2-xTB")
    (('mlff:A?elements=H,C', 'mlff:B'), ('ase:tblite.ase:TBLite?method=GFN2-xTB',))
    """
    if re.match(r"(mlff|so3lr):", name):
        return tuple(re.split(r",(?=(?:mlff|so3lr):)", name))
    return (name,) if ":" in name else tuple(name.split(","))


@dataclass(frozen=True)
class CommitteeFunctions:
    """Energy of a committee and its components, means over its networks, as functions of their parameters.

    Attributes:
        networks: Functions of each network.
    """

    networks: tuple[NetworkFunctions, ...]

    @property
    def hp(self) -> Hyperparameters:
        """Hyperparameters of the first network; those that decide the energy are the same for all."""
        return self.networks[0].hp

    @property
    def n_members(self) -> int:
        """Number of members; a network that is a committee itself counts with all of them."""
        return sum(network.n_members for network in self.networks)

    def components(self, params: tuple[Any, ...], system: System, pairs: NeighbourPairs) -> Components:
        """Return mean parts of the energy and mean properties, the energy of each member, and features of the first."""
        parts = [network.components(one, system, pairs) for network, one in zip(self.networks, params, strict=True)]
        mean: Components = jax.tree.map(
            lambda *values: sum(values) / len(values), *(one._replace(members=None, features=None) for one in parts)
        )
        members = [one.members for one in parts if one.members is not None]
        return mean._replace(members=jnp.concatenate(members), features=parts[0].features)

    def energy(self, params: tuple[Any, ...], system: System, pairs: NeighbourPairs) -> Float[Array, ""]:
        """Return the total energy, eV."""
        return self.components(params, system, pairs).energy


@lru_cache(maxsize=16)
def committee_functions(networks: tuple[NetworkFunctions, ...]) -> CommitteeFunctions:
    """Return the functions of a committee, the same object for equal networks (see `network_functions`)."""
    return CommitteeFunctions(networks)


def network_committee(
    networks: Sequence[tuple[Hyperparameters, Any]], capacity: int = 0, long_range: LongRange = LongRange()
) -> Potential:
    """Create the potential of a committee of networks.

    Args:
        networks: Hyperparameters and parameters of each network.
        capacity: Static number of short-range pairs that fit; 0 for all pairs.
        long_range: Cutoff of electrostatics and dispersion.
    """
    functions = committee_functions(tuple(network_functions(hp, long_range) for hp, _ in networks))
    params = tuple(params for _, params in networks)
    cutoff, n_members = functions.hp.cutoff, functions.n_members
    return Potential(params, functions.energy, cutoff, capacity, functions.components, n_members=n_members)


def check_same_architecture(names: Sequence[str], hyperparameters: Sequence[Hyperparameters]) -> None:
    """Check that networks can form a committee.

    Args:
        names: Name of each network, for messages.
        hyperparameters: Hyperparameters of each network.

    Raises:
        ConfigError: When two networks differ in more than their training.
    """
    first = hyperparameters[0]
    for name, other in zip(names, hyperparameters, strict=True):
        for field in fields(first):
            ours, theirs = getattr(first, field.name), getattr(other, field.name)
            if field.name not in _OF_TRAINING and ours != theirs:
                raise ConfigError(
                    f"The networks of a committee have one architecture, but {field.name} is {ours} in {names[0]} and "
                    f"{theirs} in {name}. Use them one by one."
                )


def with_common_zero(networks: Sequence[tuple[Hyperparameters, Any]]) -> list[tuple[Hyperparameters, Any]]:
    """Return networks whose energies have the zero of the first one, so that their spread is that of the surfaces.

    Each network reports energies relative to the atomic energies of its own training.

    Args:
        networks: Hyperparameters and parameters of each network.
    """
    zero = _atomic_energies(networks[0][0])
    moved = [networks[0]]
    for hp, params in networks[1:]:
        offset = np.asarray(params["energy"]["offset"], float) + _atomic_energies(hp) - zero
        moved.append((hp, {**params, "energy": {**params["energy"], "offset": offset}}))
    return moved


def _atomic_energies(hp: Hyperparameters) -> Float[np.ndarray, "Z"]:
    table = np.zeros(N_ELEMENTS)
    if hp.energy_shifts:
        table[: len(hp.energy_shifts)] = hp.energy_shifts
    elif hp.atomic_energies:
        table[list(hp.trained_elements)] = hp.atomic_energies
    return table


def common_hyperparameters(hyperparameters: Sequence[Hyperparameters]) -> Hyperparameters:
    """Return the hyperparameters of the first network with the elements that all networks were trained on.

    Args:
        hyperparameters: Hyperparameters of each network; one without known elements does not restrict them.
    """
    known = [set(hp.trained_elements) for hp in hyperparameters if hp.trained_elements]
    return replace(hyperparameters[0], trained_elements=tuple(sorted(set.intersection(*known))) if known else ())
