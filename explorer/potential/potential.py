"""Potentials as parameters with pure functions of them, and the evaluation of energies and forces."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct
from jaxtyping import Array, Bool, Float

from explorer.errors import ConfigError
from explorer.potential.pairs import NeighbourPairs, find_pairs, n_all_pairs
from explorer.system import System


class Evaluation(NamedTuple):
    """Energy and forces of one system."""

    energy: Float[Array, ""]  # eV
    forces: Float[Array, "N 3"]  # eV/Å, zero on padding
    overflow: Bool[Array, ""]  # whether pairs did not fit; energy and forces are NaN then


class Components(NamedTuple):
    """Parts of an energy and predicted properties of the atoms; None for what a model does not provide."""

    local: Float[Array, ""]  # eV
    zbl: Float[Array, ""]  # eV
    electrostatic: Float[Array, ""]  # eV
    dispersion: Float[Array, ""]  # eV
    charges: Float[Array, "N"] | None  # e
    hirshfeld_ratios: Float[Array, "N"] | None
    dipole: Float[Array, "3"] | None  # e Å, about the origin of the positions
    members: Float[Array, "M"] | None = None  # eV, total energies of the members of a committee
    features: Float[Array, "N F"] | None = None  # invariant, of the last layer

    @property
    def energy(self) -> Float[Array, ""]:
        """Total energy, eV."""
        return self.local + self.zbl + self.electrostatic + self.dispersion


class Potential(struct.PyTreeNode):
    """Parameters and pure functions of them; there is no class hierarchy.

    Attributes:
        params: Pytree of parameters.
        energy_fn: (params, system, pairs) -> energy in eV.
        cutoff: Cutoff of the pairs, Å; infinite for all pairs.
        capacity: Static number of pairs that fit; 0 for all pairs of the molecule.
        components_fn: (params, system, pairs) -> components; None for an analytic potential.
        has_hessian: Whether JAX can differentiate the energy twice.
        n_members: Number of members of a committee; 1 for any other potential.
        failure_fn: positions (Å) -> why energies there are not finite, empty if unknown; None for a potential that has
            a value everywhere.
    """

    params: Any
    energy_fn: Callable[[Any, System, NeighbourPairs], Float[Array, ""]] = struct.field(pytree_node=False)
    cutoff: float = struct.field(pytree_node=False, default=float("inf"))
    capacity: int = struct.field(pytree_node=False, default=0)
    components_fn: Callable[[Any, System, NeighbourPairs], Components] | None = struct.field(
        pytree_node=False, default=None
    )
    has_hessian: bool = struct.field(pytree_node=False, default=True)
    n_members: int = struct.field(pytree_node=False, default=1)
    failure_fn: Callable[[np.ndarray], str] | None = struct.field(pytree_node=False, default=None)

    def reason_of_failure(self, positions: Float[np.ndarray, "N 3"]) -> str:
        """Return why energy or forces of a structure are not finite, where the potential knows it; otherwise empty.

        Args:
            positions: Structure, Å.
        """
        return self.failure_fn(positions) if self.failure_fn else ""


@jax.jit  # also inside of other programs, which share its trace
def evaluate(potential: Potential, system: System) -> Evaluation:
    """Compute energy and forces F = -dE/dR of one system.

    Args:
        potential: Potential to evaluate.
        system: One molecule; its dtype is that of the arithmetic.

    Returns:
        Energy in eV and forces in eV/Å; both are NaN if the pairs did not fit (`overflow`).
    """
    pairs, overflow = neighbour_pairs(potential, system)
    energy, forces = energy_and_forces(lambda s: potential.energy_fn(potential.params, s, pairs), system)
    return Evaluation(jnp.where(overflow, jnp.nan, energy), jnp.where(overflow, jnp.nan, forces), overflow)


def energy_and_forces(
    energy_of: Callable[[System], Float[Array, ""]], system: System
) -> tuple[Float[Array, ""], Float[Array, "N 3"]]:
    """Compute an energy and its forces F = -dE/dR.

    Args:
        energy_of: Energy (eV) as a function of a system.
        system: One molecule.

    Returns:
        Energy in eV and forces in eV/Å, zero on padding.
    """

    def of_positions(positions: Float[Array, "N 3"]) -> Float[Array, ""]:
        return energy_of(system.replace(positions=positions))

    energy: Float[Array, ""]
    gradient: Float[Array, "N 3"]
    energy, gradient = jax.value_and_grad(of_positions)(system.positions)
    return energy, jnp.where(system.atom_mask[:, None], -gradient, 0)


def components(potential: Potential, system: System) -> Components:
    """Compute parts of the energy (eV), partial charges (e), Hirshfeld ratios and dipole (e Å) of one system.

    Args:
        potential: Potential to evaluate.
        system: One molecule; the dipole of an ion refers to the origin of its positions.

    Returns:
        The components; all are NaN if the pairs did not fit.

    Raises:
        ConfigError: If the potential is analytic.
    """
    if potential.components_fn is None:
        raise ConfigError("A network was wanted: the energy of an analytic potential has no components.")
    pairs, overflow = neighbour_pairs(potential, system)
    parts = potential.components_fn(potential.params, system, pairs)
    return jax.tree.map(lambda value: jnp.where(overflow, jnp.nan, value), parts)


def neighbour_pairs(potential: Potential, system: System) -> tuple[NeighbourPairs, Bool[Array, ""]]:
    """Find the pairs of atoms within the cutoff of a potential, and whether there are more than fit."""
    capacity = potential.capacity or n_all_pairs(system.positions.shape[0])
    return find_pairs(system.positions, system.atom_mask, potential.cutoff, capacity)


def evaluate_batch(potential: Potential, systems: System, wanted: Bool[Array, "B"] | None = None) -> Evaluation:
    """Apply `evaluate` to the leading axis of every leaf of `systems`.

    A CPU evaluates one structure after the other: the arrays of one structure stay in the cache of a core, while those
    of a batch do not, which takes 1.4 to 1.7 times as long. Cores share a batch as devices (`explorer.devices`).

    Args:
        potential: Potential to evaluate.
        systems: Batch of systems.
        wanted: Rows whose results are used. The results of other rows are meaningless, and cost nothing on a CPU.
    """

    def if_wanted(system: System, wanted: Bool[Array, ""]) -> Evaluation:
        nothing = Evaluation(jnp.zeros_like(system.total_charge), jnp.zeros_like(system.positions), jnp.asarray(False))
        return jax.lax.cond(wanted, partial(evaluate, potential), lambda system: nothing, system)

    def in_turn(systems: System, wanted: Bool[Array, "B"]) -> Evaluation:
        return jax.lax.map(lambda row: if_wanted(*row), (systems, wanted))

    if jax.default_backend() != "cpu":
        return jax.vmap(partial(evaluate, potential))(systems)
    return in_turn(systems, jnp.ones(systems.positions.shape[0], bool) if wanted is None else wanted)
