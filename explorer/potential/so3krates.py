"""The SO3krates network: energies by attention over features and Euclidean variables."""

from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn
from jaxtyping import Array, Float

from explorer.potential.basis import (
    bernstein_basis,
    bessel_basis,
    chebyshev_basis,
    cosine_cutoff,
    dimenet_cutoff,
    exponential_cutoff,
    gaussian_basis,
    phys_cutoff,
    physnet_basis,
    spherical_harmonics,
)
from explorer.potential.charges import HirshfeldRatios, PartialCharges
from explorer.potential.embedding import AtomEmbedding
from explorer.potential.heads import EnergyHead, ZieglerBiersackLittmark
from explorer.potential.hyperparameters import Hyperparameters
from explorer.potential.layers import Geometry, So3kratesLayer, degree_parities, orders, sum_at_ends
from explorer.potential.long_range import LongRange, all_pairs, dispersion_energy, electrostatic_energy
from explorer.potential.pairs import MIN_PAIR_DISTANCE, NeighbourPairs
from explorer.potential.potential import Components, Potential
from explorer.system import System, from_arrays

CUTOFF_FUNCTIONS = {
    "phys": phys_cutoff,
    "cosine": cosine_cutoff,
    "exponential": exponential_cutoff,
    "dimenet": dimenet_cutoff,
}


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
        if hp.radial_basis in LEARNED_BASES:
            learned = LEARNED_BASES[hp.radial_basis](hp.n_radial, name="radial")
            geometry = geometry._replace(radial=learned(geometry.radial))
        x = AtomEmbedding(hp.n_features, hp.embedded_states if hp.charge_spin_embedding else (), name="embedding")(
            numbers, mask, system.total_charge, system.num_unpaired_electrons
        )
        chi = initial_euclidean(geometry, hp, len(mask)) if hp.initial_euclidean else None
        for layer in range(hp.n_layers):
            x, chi = So3kratesLayer(hp, name=f"layer_{layer}")(x, chi, geometry)
        of_atoms = EnergyHead(hp.energy_activation, hp.n_members, hp.head_width, name="energy")(x, numbers)
        members = jnp.sum(jnp.where(mask[:, None], of_atoms, 0), axis=0)
        local = jnp.mean(members) if weights is None else members @ weights
        repulsion = coulomb = dispersion = jnp.zeros_like(local)
        charges = ratios = dipole = None
        if hp.zbl:
            of_pairs = numbers[pairs.first], numbers[pairs.second]
            repulsion = ZieglerBiersackLittmark(name="zbl")(distance, geometry.cutoff, *of_pairs)
            repulsion = hp.zbl_scale * repulsion - hp.zbl_shift
        if hp.electrostatics or hp.dispersion:
            atom_pairs = all_pairs(system.positions, mask, self.long_range.cutoff)
        if hp.electrostatics:
            head = PartialCharges(hp.energy_activation, hp.head_width, name="charges")
            charges = head(x, numbers, mask, system.total_charge)
            dipole = charges @ system.positions
            coulomb = electrostatic_energy(charges, atom_pairs, hp.electrostatics_scale, self.long_range.cutoff)
        if hp.dispersion:
            ratios = HirshfeldRatios(hp.energy_activation, hp.head_width, name="hirshfeld")(x, numbers)
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
    cutoff = jnp.where(pairs.mask, CUTOFF_FUNCTIONS[hp.cutoff_function](distance, hp.cutoff), 0)
    harmonics = spherical_harmonics(displacement / distance[:, None], hp.degrees)
    return distance, Geometry(pairs.first, pairs.second, radial, cutoff, jnp.tile(harmonics, hp.n_channels))


def radial_basis(distance: Float[Array, "P"], hp: Hyperparameters) -> Float[Array, "P K"]:
    """Compute the radial basis, functions of the distance (Å) without parameters; what a learned basis is made of."""
    if hp.radial_basis == "gaussian":
        return distance[:, None]
    if hp.radial_basis == "chebyshev":
        return chebyshev_basis(distance, hp.cutoff, hp.n_polynomials)
    if hp.radial_basis == "bernstein":
        return bernstein_basis(distance, hp.n_radial)
    basis = bessel_basis if hp.radial_basis == "bessel" else physnet_basis
    return basis(distance, hp.n_radial, hp.cutoff)


def initial_euclidean(geometry: Geometry, hp: Hyperparameters, n_atoms: int) -> Float[Array, "N C*M"]:
    """Compute Euclidean variables (1/s) Σ_j f_c(d_ij) Y_lm(r_ij) from which the first layer starts."""
    forward = geometry.cutoff[:, None] * geometry.harmonics
    parity = degree_parities(hp)[orders(hp.degrees, hp.n_channels)]
    to_atoms = [forward, forward * jnp.asarray(parity, forward.dtype)]
    return sum_at_ends(to_atoms, geometry, n_atoms) / hp.initial_euclidean


class ChebyshevSum(nn.Module):
    """Radial functions as learned sums of Chebyshev polynomials."""

    n_radial: int

    @nn.compact
    def __call__(self, polynomials: Float[Array, "P T"]) -> Float[Array, "P K"]:
        shape = (polynomials.shape[-1], self.n_radial)
        return polynomials @ self.param("coefficients", nn.initializers.lecun_normal(), shape).astype(polynomials.dtype)


class Gaussians(nn.Module):
    """Radial functions as Gaussians with learned centres and widths."""

    n_radial: int

    @nn.compact
    def __call__(self, distance: Float[Array, "P 1"]) -> Float[Array, "P K"]:
        shape, dtype = (self.n_radial,), distance.dtype
        centres = self.param("centres", nn.initializers.uniform(5.0), shape).astype(dtype)
        widths = self.param("widths", nn.initializers.ones, shape).astype(dtype)
        return gaussian_basis(distance[:, 0], centres, widths)


LEARNED_BASES = {"chebyshev": ChebyshevSum, "gaussian": Gaussians}


def apply(module: nn.Module, params: Any, *inputs: Any) -> Any:
    """Apply a module without mutable variables to inputs."""
    return module.apply({"params": params}, *inputs)


@partial(jax.jit, static_argnums=0)
def initialize(hp: Hyperparameters, seed: int) -> Any:
    """Draw random parameters (float32)."""
    system = from_arrays(np.array([6, 1]), np.array([[0.0, 0, 0], [0, 0, 1.1]]))
    pairs = NeighbourPairs(jnp.zeros(1, jnp.int32), jnp.ones(1, jnp.int32), jnp.ones(1, bool))
    return So3krates(hp).init(jax.random.key(seed), system, pairs)["params"]


def so3krates(hp: Hyperparameters, params: Any, capacity: int = 0, long_range: LongRange = LongRange()) -> Potential:
    """Create the potential of a network; parameters are converted to the dtype of the positions.

    Args:
        hp: Hyperparameters of the network.
        params: Parameters of the network.
        capacity: Static number of short-range pairs that fit; 0 for all pairs.
        long_range: Cutoff of electrostatics and dispersion.
    """
    of_network = network_functions(hp, long_range)
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

    Attributes:
        hp: Hyperparameters of the network.
        long_range: Cutoff of electrostatics and dispersion.
    """

    hp: Hyperparameters
    long_range: LongRange = field(default_factory=LongRange)

    @property
    def n_members(self) -> int:
        """Number of members of the committee that the network is; 1 for a single one."""
        return self.hp.n_members

    def components(self, params: Any, system: System, pairs: NeighbourPairs) -> Components:
        """Return parts of the energy and properties of the atoms; parameters get the dtype of the positions."""
        cast = jax.tree.map(lambda p: jnp.asarray(p, system.positions.dtype), params)
        return apply(So3krates(self.hp, self.long_range), cast, system, pairs)

    def energy(self, params: Any, system: System, pairs: NeighbourPairs) -> Float[Array, ""]:
        """Return the total energy, eV."""
        return self.components(params, system, pairs).energy


@lru_cache(maxsize=64)
def network_functions(hp: Hyperparameters, long_range: LongRange = LongRange()) -> NetworkFunctions:
    """Return the functions of a network, the same object for equal networks.

    Methods of two objects differ even if the objects are equal, so that JAX would trace all programs of a potential
    again when the same model is loaded a second time.

    Args:
        hp: Hyperparameters of the network.
        long_range: Cutoff of electrostatics and dispersion.
    """
    return NetworkFunctions(hp, long_range)
