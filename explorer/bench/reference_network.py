"""Reference implementation of the network as its equations are written: directed pairs, a filter per pair, one batch.

    python -m explorer.bench.reference_network so3lr:FOLDER --batch 32

prints milliseconds per structure and force call of Ac-Ala3-NHMe in float32, with the malloc that the process started
with. `bench potential` compares the shipped implementation with it.
"""

import argparse
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from explorer.devices import configure_jax
from explorer.potential.charges import HirshfeldRatios, PartialCharges
from explorer.potential.embedding import AtomEmbedding
from explorer.potential.heads import EnergyHead, ZieglerBiersackLittmark
from explorer.potential.hyperparameters import Hyperparameters
from explorer.potential.layers import Geometry, ResidualMLP, invariants, merged, orders
from explorer.potential.load import read_model
from explorer.potential.long_range import LongRange, all_pairs, dispersion_energy, electrostatic_energy
from explorer.potential.pairs import NeighbourPairs, count_pairs
from explorer.potential.potential import Evaluation, Potential, evaluate
from explorer.potential.so3krates import apply, pair_geometry
from explorer.system import System

_PAIR_CAPACITY_FACTOR = 1.25  # capacity of the pair list over the number of pairs, as in the published code


def straightforward(hp: Hyperparameters, params: Any, capacity: int) -> Potential:
    """Build the potential of a network of SO3LR's architecture without optimisations; its energies are the same.

    Args:
        hp: Hyperparameters, with filter networks, layer norm and residual MLPs.
        params: Parameters of the network.
        capacity: Number of unordered pairs that fit.
    """

    def energy_fn(params: Any, system: System, pairs: NeighbourPairs) -> Float[Array, ""]:
        cast = jax.tree.map(lambda p: jnp.asarray(p, system.positions.dtype), params)
        return _energy(hp, cast, system, pairs)

    return Potential(params, energy_fn, hp.cutoff, capacity)


def _energy(hp: Hyperparameters, params: Any, system: System, pairs: NeighbourPairs) -> Float[Array, ""]:
    numbers, mask = system.atomic_numbers, system.atom_mask
    both = NeighbourPairs(
        *(
            jnp.concatenate(ends)
            for ends in ((pairs.first, pairs.second), (pairs.second, pairs.first), (pairs.mask, pairs.mask))
        )
    )
    distance, g = pair_geometry(system.positions, both, hp)
    embedding = AtomEmbedding(hp.n_features, hp.embedded_states if hp.charge_spin_embedding else ())
    x: Array = apply(embedding, params["embedding"], numbers, mask, system.total_charge, system.num_unpaired_electrons)
    chi = jnp.zeros((len(x), g.harmonics.shape[-1]), x.dtype)
    for layer in range(hp.n_layers):
        x, chi = _layer(hp, params[f"layer_{layer}"], x, chi, g)
    local: Array = apply(EnergyHead(hp.energy_activation), params["energy"], x, numbers)
    energy = jnp.sum(jnp.where(mask[:, None], local, 0))
    if hp.zbl:
        of_pairs = numbers[g.first], numbers[g.second]
        energy += 0.5 * apply(ZieglerBiersackLittmark(), params["zbl"], distance, g.cutoff, *of_pairs)
    long_range = LongRange()
    all_atom_pairs = all_pairs(system.positions, mask, LongRange.cutoff)
    if hp.electrostatics:
        charges = apply(PartialCharges(), params["charges"], x, numbers, mask, system.total_charge)
        energy += electrostatic_energy(charges, all_atom_pairs, hp.electrostatics_scale, LongRange.cutoff)
    if hp.dispersion:
        ratios = apply(HirshfeldRatios(), params["hirshfeld"], x, numbers)
        energy += dispersion_energy(ratios, numbers, all_atom_pairs, hp.dispersion_scale, long_range)
    return energy


def _layer(hp: Hyperparameters, p: Any, x: Array, chi: Array, g: Geometry) -> tuple[Array, Array]:
    dx, dchi = _attention(hp, p["attention"], x, chi, g)
    x, chi = x + dx, chi + dchi
    x = _norm(p["norm_1"], x)
    x = apply(ResidualMLP(), p["residual_mlp"], x)
    exchange = _dense(p["exchange"], jnp.concatenate([x, invariants(chi, hp.degrees, hp.n_channels)], axis=-1))
    x = _norm(p["norm_2"], x + exchange[:, : hp.n_features])
    return x, chi + exchange[:, hp.n_features :][:, orders(hp.degrees, hp.n_channels)] * chi


def _attention(hp: Hyperparameters, p: Any, x: Array, chi: Array, g: Geometry) -> tuple[Array, Array]:
    """Messages of all directed pairs: the first atom receives from the second."""
    channels = merged(chi, hp.n_channels, hp.n_filter_channels)
    invariant_difference = invariants(channels[g.second] - channels[g.first], hp.degrees, hp.n_filter_channels)

    def alpha(kind: str, n_heads: int) -> Float[Array, "E H"]:
        f = p[f"filter_{kind}"]
        radial = jax.nn.silu(_dense(f["radial_1"], g.radial)) @ f["radial_2"]["kernel"]
        weight = radial + _dense(f["spherical_2"], jax.nn.silu(_dense(f["spherical_1"], invariant_difference)))
        query, key = (_heads(p[f"{role}_{kind}"]["kernel"], x) for role in ("query", "key"))
        product = (query[g.first] * key[g.second]).reshape(weight.shape) * weight
        return product.reshape(len(weight), n_heads, -1).sum(axis=-1) * (g.cutoff / hp.average_neighbors)[:, None]

    value = _heads(p["value"]["kernel"], x)[g.second]
    messages = alpha("feature", hp.n_heads)[:, :, None] * value
    if hp.value_filter:
        of_feature = g.radial @ p["filter_value"]["kernel"] * (g.cutoff / hp.average_neighbors)[:, None]
        messages += of_feature.reshape(value.shape) * value
    chi_messages = alpha("euclidean", hp.n_euclidean)[:, orders(hp.degrees, hp.n_channels)] * g.harmonics
    dx = jax.ops.segment_sum(messages.reshape(len(messages), -1), g.first, len(x))
    return dx, jax.ops.segment_sum(chi_messages, g.first, len(x))


def _heads(kernel: Float[Array, "H a b"], x: Float[Array, "N F"]) -> Float[Array, "N H a"]:
    return jnp.einsum("hab,nhb->nha", kernel, x.reshape(len(x), len(kernel), -1))


def _dense(p: Any, x: Array) -> Array:
    return x @ p["kernel"] + p["bias"]


def _norm(p: Any, x: Float[Array, "N F"]) -> Float[Array, "N F"]:
    mean, square = x.mean(axis=-1, keepdims=True), (x * x).mean(axis=-1, keepdims=True)
    return (x - mean) / jnp.sqrt(square - mean**2 + 1e-6) * p["scale"] + p["bias"]


@jax.jit
def evaluate_together(potential: Potential, systems: System) -> Evaluation:
    """Evaluate all structures of a batch at once."""
    return jax.vmap(evaluate, in_axes=(None, 0))(potential, systems)


def main() -> None:
    """Run the command line of this script."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--repeats", type=int, default=7)
    args = parser.parse_args()
    configure_jax(1)
    from explorer.bench.potential import displaced, median_milliseconds
    from explorer.bench.systems import peptide

    hp, params, _, _ = read_model(args.model)
    molecule = peptide(42)
    potential = straightforward(hp, params, int(_PAIR_CAPACITY_FACTOR * count_pairs(molecule.positions, hp.cutoff)))
    systems = displaced(molecule, args.batch)
    print(median_milliseconds(lambda: evaluate_together(potential, systems), args.repeats) / args.batch)


if __name__ == "__main__":
    main()
