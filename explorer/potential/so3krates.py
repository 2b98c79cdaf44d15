"""The SO3krates network: energies from attention over features and Euclidean variables."""

from collections.abc import Callable
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn
from jaxtyping import Array, Float

from explorer.potential.basis import bernstein_basis, cosine_cutoff, phys_cutoff, physnet_basis, spherical_harmonics
from explorer.potential.embedding import AtomEmbedding
from explorer.potential.heads import EnergyHead, ZieglerBiersackLittmark
from explorer.potential.hyperparameters import Hyperparameters
from explorer.potential.layers import Geometry, So3kratesLayer
from explorer.potential.pairs import Pairs
from explorer.potential.potential import Potential
from explorer.system import System, from_arrays


class So3krates(nn.Module):
    """Energy of one molecule, eV, relative to the atomic energies of the hyperparameters.

    Source: Frank et al., Nat. Commun. 15, 6539 (2024), doi:10.1038/s41467-024-50620-6.
    """

    hp: Hyperparameters

    @nn.compact
    def __call__(self, system: System, pairs: Pairs) -> Float[Array, ""]:
        hp = self.hp
        distance, geometry = pair_geometry(system.positions, pairs, hp)
        x = AtomEmbedding(hp.n_features, hp.charge_spin_embedding, name="embedding")(
            system.atomic_numbers, system.atom_mask, system.total_charge, system.num_unpaired_electrons
        )
        chi = None
        for layer in range(hp.n_layers):
            x, chi = So3kratesLayer(hp, name=f"layer_{layer}")(x, chi, geometry)
        local = EnergyHead(hp.energy_activation, name="energy")(x, system.atomic_numbers)
        energy = jnp.sum(jnp.where(system.atom_mask, local, 0))
        if hp.zbl:
            numbers = system.atomic_numbers[pairs.first], system.atomic_numbers[pairs.second]
            energy = energy + ZieglerBiersackLittmark(name="zbl")(distance, geometry.cutoff, *numbers)
        return energy


def pair_geometry(
    positions: Float[Array, "N 3"], pairs: Pairs, hp: Hyperparameters
) -> tuple[Float[Array, "P"], Geometry]:
    """Distances (Å) and everything that the layers need of them; padding is at distance 1, cutoff 0."""
    displacement = positions[pairs.second] - positions[pairs.first]
    # padded pairs get a harmless direction before anything is divided, so that gradients stay finite
    displacement = jnp.where(pairs.mask[:, None], displacement, jnp.asarray([0.0, 0.0, 1.0], positions.dtype))
    distance = jnp.sqrt(jnp.sum(displacement**2, axis=-1))
    if hp.radial_basis == "bernstein":
        radial = bernstein_basis(distance, hp.n_radial)
    else:
        radial = physnet_basis(distance, hp.n_radial, hp.cutoff)
    cutoff_fn = phys_cutoff if hp.cutoff_function == "phys" else cosine_cutoff
    cutoff = jnp.where(pairs.mask, cutoff_fn(distance, hp.cutoff), 0)
    harmonics = spherical_harmonics(displacement / distance[:, None], hp.degrees)
    return distance, Geometry(pairs.first, pairs.second, radial, cutoff, harmonics)


def initialize(hp: Hyperparameters, seed: int) -> Any:
    """Random parameters (float32)."""
    system = from_arrays(np.array([6, 1]), np.array([[0.0, 0, 0], [0, 0, 1.1]]))
    pairs = Pairs(jnp.zeros(1, jnp.int32), jnp.ones(1, jnp.int32), jnp.ones(1, bool))
    return So3krates(hp).init(jax.random.key(seed), system, pairs)["params"]


def so3krates(hp: Hyperparameters, params: Any, capacity: int = 0) -> Potential:
    """The potential of a network; parameters follow the dtype of the positions."""
    return Potential(params=params, energy_fn=_energy_fn(hp), cutoff=hp.cutoff, capacity=capacity)


@cache
def _energy_fn(hp: Hyperparameters) -> Callable[[Any, System, Pairs], Float[Array, ""]]:
    """One function for each network, so that what was compiled for it is found again."""

    def energy_fn(params: Any, system: System, pairs: Pairs) -> Float[Array, ""]:
        cast = jax.tree.map(lambda p: jnp.asarray(p, system.positions.dtype), params)
        return So3krates(hp).apply({"params": cast}, system, pairs)

    return energy_fn
