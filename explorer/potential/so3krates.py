"""The SO3krates network: energies by attention over features and Euclidean variables."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn
from flax.traverse_util import flatten_dict
from jaxtyping import Array, Float

from explorer.potential.basis import (
    N_CHEBYSHEV,
    bernstein_basis,
    chebyshev_basis,
    cosine_cutoff,
    phys_cutoff,
    physnet_basis,
    spherical_harmonics,
)
from explorer.potential.charges import HirshfeldRatios, PartialCharges
from explorer.potential.embedding import AtomEmbedding
from explorer.potential.heads import EnergyHead, ZieglerBiersackLittmark
from explorer.potential.hyperparameters import Hyperparameters
from explorer.potential.layers import Geometry, So3kratesLayer
from explorer.potential.long_range import LongRange, all_pairs, dispersion_energy, electrostatic_energy
from explorer.potential.pairs import MIN_PAIR_DISTANCE, NeighbourPairs
from explorer.potential.potential import Components, Potential
from explorer.system import System, from_arrays


class So3krates(nn.Module):
    """Components of the energy of one molecule, eV, relative to the atomic energies of the hyperparameters.

    The energy is the mean over the members of a committee, or their weighted sum if weights are given.

    Source: Frank et al., Nat. Commun. 15, 6539 (2024), doi:10.1038/s41467-024-50620-6; long range: Kabylda et al.,
    J. Am. Chem. Soc. 147, 33723 (2025), doi:10.1021/jacs.5c09558.
    """

    hp: Hyperparameters
    long_range: LongRange = LongRange()

    @nn.compact
    def __call__(self, system: System, pairs: NeighbourPairs, weights: Float[Array, "M"] | None = None) -> Components:
        hp, numbers, mask = self.hp, system.atomic_numbers, system.atom_mask
        distance, geometry = pair_geometry(system.positions, pairs, hp)
        if hp.radial_basis == "chebyshev":
            geometry = geometry._replace(radial=ChebyshevSum(hp.n_radial, name="radial")(geometry.radial))
        x = AtomEmbedding(hp.n_features, hp.charge_spin_embedding, name="embedding")(
            numbers, mask, system.total_charge, system.num_unpaired_electrons
        )
        chi = None
        for layer in range(hp.n_layers):
            x, chi = So3kratesLayer(hp, name=f"layer_{layer}")(x, chi, geometry)
        of_atoms = EnergyHead(hp.energy_activation, hp.n_members, name="energy")(x, numbers)
        members = jnp.sum(jnp.where(mask[:, None], of_atoms, 0), axis=0)
        local = jnp.mean(members) if weights is None else members @ weights
        repulsion = coulomb = dispersion = jnp.zeros_like(local)
        charges = ratios = dipole = None
        if hp.zbl:
            of_pairs = numbers[pairs.first], numbers[pairs.second]
            repulsion = ZieglerBiersackLittmark(name="zbl")(distance, geometry.cutoff, *of_pairs)
        if hp.electrostatics or hp.dispersion:
            atom_pairs = all_pairs(system.positions, mask, self.long_range.cutoff)
        if hp.electrostatics:
            charges = PartialCharges(name="charges")(x, numbers, mask, system.total_charge)
            dipole = charges @ system.positions
            coulomb = electrostatic_energy(charges, atom_pairs, hp.electrostatics_scale, self.long_range.cutoff)
        if hp.dispersion:
            ratios = HirshfeldRatios(name="hirshfeld")(x, numbers)
            dispersion = dispersion_energy(ratios, numbers, atom_pairs, hp.dispersion_scale, self.long_range)
        members = members + repulsion + coulomb + dispersion
        return Components(
            local=local,
            zbl=repulsion,
            electrostatic=coulomb,
            dispersion=dispersion,
            charges=charges,
            hirshfeld_ratios=ratios,
            dipole=dipole,
            members=members,
            features=x,
        )


def pair_geometry(
    positions: Float[Array, "N 3"], pairs: NeighbourPairs, hp: Hyperparameters
) -> tuple[Float[Array, "P"], Geometry]:
    """Compute the distances (Å) of pairs and their functions that the layers need.

    Padding has distance 1 Å and cutoff function 0.

    Args:
        positions: Positions, Å.
        pairs: Short-range pairs.
        hp: Hyperparameters of the network.
    """
    displacement = positions[pairs.second] - positions[pairs.first]
    # padded pairs get a unit vector before anything is divided by a distance, so that gradients stay finite
    displacement = jnp.where(pairs.mask[:, None], displacement, jnp.asarray([0.0, 0.0, 1.0], positions.dtype))
    distance = jnp.sqrt(jnp.maximum(jnp.sum(displacement**2, axis=-1), MIN_PAIR_DISTANCE**2))
    radial = radial_basis(distance, hp)
    cutoff_fn = phys_cutoff if hp.cutoff_function == "phys" else cosine_cutoff
    cutoff = jnp.where(pairs.mask, cutoff_fn(distance, hp.cutoff), 0)
    harmonics = spherical_harmonics(displacement / distance[:, None], hp.degrees)
    return distance, Geometry(pairs.first, pairs.second, radial, cutoff, jnp.tile(harmonics, hp.n_channels))


def radial_basis(distance: Float[Array, "P"], hp: Hyperparameters) -> Float[Array, "P K"]:
    """Compute the radial basis, functions of the distance (Å) without parameters."""
    if hp.radial_basis == "chebyshev":
        return chebyshev_basis(distance, hp.cutoff)
    if hp.radial_basis == "bernstein":
        return bernstein_basis(distance, hp.n_radial)
    return physnet_basis(distance, hp.n_radial, hp.cutoff)


class ChebyshevSum(nn.Module):
    """Radial functions as learned sums of Chebyshev polynomials."""

    n_radial: int

    @nn.compact
    def __call__(self, polynomials: Float[Array, "P T"]) -> Float[Array, "P K"]:
        shape = (N_CHEBYSHEV, self.n_radial)
        return polynomials @ self.param("coefficients", nn.initializers.lecun_normal(), shape).astype(polynomials.dtype)


def apply(module: nn.Module, params: Any, *inputs: Any) -> Any:
    """Apply a module without mutable variables to inputs."""
    return module.apply({"params": params}, *inputs)


@partial(jax.jit, static_argnums=0)
def initialize(hp: Hyperparameters, seed: int) -> Any:
    """Draw random parameters (float32)."""
    system = from_arrays(np.array([6, 1]), np.array([[0.0, 0, 0], [0, 0, 1.1]]))
    pairs = NeighbourPairs(jnp.zeros(1, jnp.int32), jnp.ones(1, jnp.int32), jnp.ones(1, bool))
    return So3krates(hp).init(jax.random.key(seed), system, pairs)["params"]


def parameter_shapes(hp: Hyperparameters) -> dict[str, tuple[int, ...]]:
    """Return the shape of each parameter by its path, such as `energy/offset`, without computing parameters."""
    shapes = jax.tree.map(lambda leaf: leaf.shape, jax.eval_shape(lambda: initialize(hp, 0)))
    by_path: dict[str, Any] = flatten_dict(shapes, sep="/")
    return by_path


def so3krates(hp: Hyperparameters, params: Any, capacity: int = 0, long_range: LongRange = LongRange()) -> Potential:
    """Create the potential of a network; parameters are converted to the dtype of the positions.

    Args:
        hp: Hyperparameters of the network.
        params: Parameters of the network.
        capacity: Static number of short-range pairs that fit; 0 for all pairs.
        long_range: Cutoff of electrostatics and dispersion.
    """
    of_network = NetworkFunctions(hp, long_range)
    return Potential(params, of_network.energy, hp.cutoff, capacity, of_network.components, n_members=hp.n_members)


def mixture(
    hp: Hyperparameters, params: Any, system: System, pairs: NeighbourPairs, weights: Float[Array, "M"]
) -> Float[Array, ""]:
    """Compute the energy of one molecule as a weighted sum over the members of a committee, eV.

    Args:
        hp: Hyperparameters of the network.
        params: Parameters of the network.
        system: One molecule.
        pairs: Short-range pairs.
        weights: Weights of the members.
    """
    return apply(So3krates(hp), params, system, pairs, weights).energy


@dataclass(frozen=True)
class NetworkFunctions:
    """Energy of a network and its components as functions of parameters, system and pairs.

    Those of equal networks are equal, so that compiled programs are reused.

    Attributes:
        hp: Hyperparameters of the network.
        long_range: Cutoff of electrostatics and dispersion.
    """

    hp: Hyperparameters
    long_range: LongRange

    def components(self, params: Any, system: System, pairs: NeighbourPairs) -> Components:
        """Return parts of the energy and properties of the atoms; parameters get the dtype of the positions."""
        cast = jax.tree.map(lambda p: jnp.asarray(p, system.positions.dtype), params)
        return apply(So3krates(self.hp, self.long_range), cast, system, pairs)

    def energy(self, params: Any, system: System, pairs: NeighbourPairs) -> Float[Array, ""]:
        """Return the total energy, eV."""
        return self.components(params, system, pairs).energy
