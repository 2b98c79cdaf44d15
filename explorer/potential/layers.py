"""One SO3krates layer: Euclidean attention on features and Euclidean variables, then their exchange."""

from collections.abc import Callable, Sequence
from itertools import combinations_with_replacement
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn
from jaxtyping import Array, Float, Int

from explorer.potential.hyperparameters import Hyperparameters

ATTENTION_KINDS = ("feature", "euclidean")  # of the variables to which an attention sends messages
_VARIANCE_FLOOR = 1e-6  # as published
VALUE_FILTER = "filter_value"  # name of its parameters in an attention
MLP_NAMES = {1: "residual_mlp", 2: "residual_mlp_2"}  # names of their parameters in a layer


class Geometry(NamedTuple):
    """Geometry of the pairs for all layers; each unordered pair once, in the direction from its first atom."""

    first: Int[Array, "P"]
    second: Int[Array, "P"]
    radial: Float[Array, "P K"]  # radial basis of the distance
    cutoff: Float[Array, "P"]  # zero on padding
    harmonics: Float[Array, "P C*M"]  # of the direction from first to second, repeated for each channel


def orders(degrees: tuple[int, ...], n_channels: int = 1) -> np.ndarray:
    """Return the index l C + c of degree and channel of every component of a Euclidean variable."""
    of_degree = np.repeat(np.arange(len(degrees)), [2 * degree + 1 for degree in degrees])
    return np.concatenate([of_degree * n_channels + channel for channel in range(n_channels)])


def degree_parities(hp: Hyperparameters) -> np.ndarray:
    """Return (-1)^l of every degree and channel: in the opposite direction Y_lm(-u) = (-1)^l Y_lm(u)."""
    return (-1.0) ** np.repeat(hp.degrees, hp.n_channels)


def activation(name: str) -> Callable[[Array], Array]:
    """Return an activation function by its name in Flax, or "identity"."""
    return (lambda x: x) if name == "identity" else getattr(nn, name)


def couples(n_channels: int) -> list[tuple[int, int]]:
    """Return all pairs a ≤ b of channels, including a = b."""
    return list(combinations_with_replacement(range(n_channels), 2))


def selector(groups: np.ndarray, dtype: jnp.dtype) -> Float[Array, "n G"]:
    """Return the matrix that sums over groups; XLA never fuses a matrix product, so that it is computed only once."""
    return jnp.asarray(groups[:, None] == np.arange(groups.max() + 1)[None, :], dtype)


def invariants(chi: Float[Array, "n C*M"], degrees: tuple[int, ...], n_channels: int = 1) -> Float[Array, "n I"]:
    """Compute the invariants c_l,ab = (1/√(2l+1)) Σ_m χ_a,lm χ_b,lm of every degree and pair of channels."""
    channels, pairs = jnp.split(chi, n_channels, axis=-1), couples(n_channels)
    products = jnp.stack([channels[a] * channels[b] for a, b in pairs], axis=-2)
    norm = np.repeat(1 / np.sqrt(2 * np.asarray(degrees) + 1), len(pairs))
    of_degree = jnp.moveaxis(products @ selector(orders(degrees), chi.dtype), -1, -2)
    return of_degree.reshape(len(chi), -1) * jnp.asarray(norm, chi.dtype)


def merged(chi: Float[Array, "n C*M"], n_channels: int, n_merged: int) -> Float[Array, "n K*M"]:
    """Sum neighbouring channels to `n_merged` channels."""
    if n_merged == n_channels:
        return chi
    return chi.reshape(len(chi), n_merged, n_channels // n_merged, -1).sum(axis=2).reshape(len(chi), -1)


class HeadDense(nn.Module):
    """Linear map within each head, without bias; weights of shape (heads, out, in)."""

    n_heads: int

    @nn.compact
    def __call__(self, x: Float[Array, "N F"]) -> Float[Array, "N F"]:
        width = x.shape[-1] // self.n_heads
        init = nn.initializers.lecun_normal(in_axis=-1, out_axis=-2, batch_axis=(0,))
        kernel = self.param("kernel", init, (self.n_heads, width, width)).astype(x.dtype)
        return jnp.einsum("hab,nhb->nha", kernel, x.reshape(-1, self.n_heads, width)).reshape(x.shape)


class Filter(nn.Module):
    """Filter weights of a pair from its distance and from invariants of the difference of its Euclidean variables.

    Both are the same in either direction, so a filter is computed once per unordered pair. The published filters pass
    the radial basis through a hidden layer. With about twenty basis functions their values span no more than the
    basis itself, so "linear" costs a third, without a measurable loss of accuracy.
    """

    hp: Hyperparameters
    kind: str

    @nn.compact
    def __call__(self, radial: Float[Array, "P K"], invariant_difference: Float[Array, "#P I"]) -> Float[Array, "P F"]:
        radial_widths, spherical_widths = self.hp.filter_layers(self.kind)
        if spherical_widths is None:
            return self._network("radial", radial_widths, radial)
        # one bias serves the sum of the spherical and the radial part
        spherical = self._network("spherical", spherical_widths, invariant_difference)
        return self._network("radial", radial_widths, radial, bias=False) + spherical

    def _network(
        self, part: str, widths: Sequence[int], x: Float[Array, "#P K"], bias: bool = True
    ) -> Float[Array, "#P F"]:
        act = activation(self.hp.activation)
        for k, width in enumerate(widths, start=1):
            x = act(nn.Dense(width, name=f"{part}_{k}")(x))
        return nn.Dense(self.hp.n_features, use_bias=bias, name=last_layer(part, len(widths)))(x)


def last_layer(part: str, n_hidden: int) -> str:
    """Return the name of the last layer of a filter network; linear filters share that of one hidden layer."""
    return f"{part}_{max(n_hidden, 1) + 1}"


class EuclideanAttention(nn.Module):
    """Messages from neighbours to features and to Euclidean variables.

    α_ij = f_c(d_ij) / scale · Σ_a q_i w_ij k_j per head; Δx_i = Σ_j α¹_ij v_j and
    Δχ_i,lm = Σ_j α²_ij,l Y_lm(r_ij). With a value filter, α¹_ij is replaced by
    α¹_ij + f_c(d_ij) W e(d_ij) / <neighbors>, whose second term is another function of the distance for every feature.
    """

    hp: Hyperparameters

    @nn.compact
    def __call__(
        self, x: Float[Array, "N F"], chi: Float[Array, "N C*M"] | None, geometry: Geometry
    ) -> tuple[Float[Array, "N F"], Float[Array, "N C*M"]]:
        hp, g = self.hp, geometry
        if chi is None:  # all Euclidean variables are still zero: one constant filter for all pairs
            difference = jnp.zeros((1, len(hp.degrees) * len(couples(hp.n_filter_channels))), x.dtype)
        else:
            first, second = both_ends(merged(chi, hp.n_channels, hp.n_filter_channels), g)
            difference = invariants(second - first, hp.degrees, hp.n_filter_channels)
        n_heads = dict(zip(ATTENTION_KINDS, (hp.n_heads, hp.n_euclidean), strict=True))
        # all channels of a degree read the same group of features
        n_groups = dict(zip(ATTENTION_KINDS, (hp.n_heads, len(hp.degrees)), strict=True))
        maps: dict[str | tuple[str, str], HeadDense] = {
            (role, kind): HeadDense(n_groups[kind], name=f"{role}_{kind}")
            for role in ("query", "key")
            for kind in ATTENTION_KINDS
        }
        maps["value"] = HeadDense(hp.n_heads, name="value")
        # gathering one wide row per atom is faster than gathering five narrow ones
        act = activation(hp.attention_activation)
        projected = [dense(x) if role == "value" else act(dense(x)) for role, dense in maps.items()]
        packed = jnp.concatenate(projected, axis=-1)
        ends = [dict(zip(maps, jnp.split(rows, len(maps), axis=-1), strict=True)) for rows in both_ends(packed, g)]
        towards = {}  # α of each kind for messages to the first atom of a pair and to the second
        for kind in ATTENTION_KINDS:
            weight = Filter(hp, kind, name=f"filter_{kind}")(g.radial, difference)
            towards[kind] = [
                attention_weights(here["query", kind], weight, there["key", kind], g.cutoff, hp, n_heads[kind])
                for here, there in (ends, ends[::-1])
            ]
        of_head = selector(np.repeat(np.arange(hp.n_heads), hp.n_features // hp.n_heads), x.dtype)
        of_degree = selector(orders(hp.degrees, hp.n_channels), x.dtype)
        parity = jnp.asarray(degree_parities(hp), x.dtype)
        weights = [alpha @ of_head.T for alpha in towards["feature"]]
        if hp.value_filter:
            of_feature = nn.Dense(hp.n_features, use_bias=False, name=VALUE_FILTER)(g.radial)
            of_feature *= (g.cutoff / hp.average_neighbors)[:, None]
            weights = [weight + of_feature for weight in weights]
        to_x = [weight * there["value"] for weight, there in zip(weights, ends[::-1], strict=True)]
        first, second = towards["euclidean"]
        to_chi = [(alpha @ of_degree.T) * g.harmonics for alpha in (first, second * parity)]
        return sum_at_ends(to_x, g, len(x)), sum_at_ends(to_chi, g, len(x))


def both_ends(x: Float[Array, "N F"], geometry: Geometry) -> tuple[Float[Array, "P F"], Float[Array, "P F"]]:
    """Gather the rows of the first and of the second atom of each pair."""
    first, second = (x.at[end].get(mode="promise_in_bounds") for end in (geometry.first, geometry.second))
    return first, second


def sum_at_ends(messages: Sequence[Float[Array, "P F"]], geometry: Geometry, n_atoms: int) -> Float[Array, "N F"]:
    """Sum the messages to each atom as the first and as the second atom of pairs."""
    total = jnp.zeros((n_atoms, messages[0].shape[-1]), messages[0].dtype)
    for message, end in zip(messages, (geometry.first, geometry.second), strict=True):
        total = total.at[end].add(message, mode="promise_in_bounds")
    return total


def attention_weights(
    query: Float[Array, "P F"],
    weight: Float[Array, "#P F"],
    key: Float[Array, "P F"],
    cutoff: Float[Array, "P"],
    hp: Hyperparameters,
    n_heads: int,
) -> Float[Array, "P H"]:
    """Compute α of every pair and head: the filtered product of query and key, without softmax."""
    width = hp.n_features // n_heads
    scale = {"neighbors": hp.average_neighbors, "sqrt_features": width**0.5, "one": 1.0}[hp.attention_scale]
    of_head = selector(np.repeat(np.arange(n_heads), width), query.dtype)
    return ((query * weight * key) @ of_head) * (cutoff / scale)[:, None]


class LayerNorm(nn.Module):
    """Normalisation of the features of each atom, (x - mean) / √(variance + ε) · scale + bias.

    Sums are matrix products, which XLA compiles and runs faster than the reductions of `flax.linen.LayerNorm`.
    """

    @nn.compact
    def __call__(self, x: Float[Array, "N F"]) -> Float[Array, "N F"]:
        n = x.shape[-1]
        scale = self.param("scale", nn.initializers.ones, (n,), jnp.float32).astype(x.dtype)
        bias = self.param("bias", nn.initializers.zeros, (n,), jnp.float32).astype(x.dtype)
        mean = np.full((n, n), 1 / n)
        centred = x @ jnp.asarray(np.eye(n) - mean, x.dtype)
        variance = centred**2 @ jnp.asarray(mean, x.dtype)
        return centred * jax.lax.rsqrt(variance + _VARIANCE_FLOOR) * scale + bias


class ResidualMLP(nn.Module):
    """Residual block x + Dense(silu(Dense(silu(x)))), with silu or another activation function."""

    activation: str = "silu"

    @nn.compact
    def __call__(self, x: Float[Array, "N F"]) -> Float[Array, "N F"]:
        act = activation(self.activation)
        y = nn.Dense(x.shape[-1], name="dense_1")(act(x))
        return x + nn.Dense(x.shape[-1], name="dense_2")(act(y))


class ReplacingMLP(nn.Module):
    """Block of the original code, Dense(silu(x + Dense(silu(Dense(silu(x)))))) without biases."""

    activation: str = "silu"

    @nn.compact
    def __call__(self, x: Float[Array, "N F"]) -> Float[Array, "N F"]:
        act = activation(self.activation)
        first, second, third = (nn.Dense(x.shape[-1], use_bias=False, name=f"dense_{k}") for k in (1, 2, 3))
        return third(act(x + second(act(first(act(x))))))


class So3kratesLayer(nn.Module):
    """One layer: attention, normalisation, residual MLP, exchange between features and Euclidean variables.

    Source: Frank et al., Nat. Commun. 15, 6539 (2024), doi:10.1038/s41467-024-50620-6.
    """

    hp: Hyperparameters

    @nn.compact
    def __call__(
        self, x: Float[Array, "N F"], chi: Float[Array, "N C*M"] | None, geometry: Geometry
    ) -> tuple[Float[Array, "N F"], Float[Array, "N C*M"]]:
        hp = self.hp
        before, after = (self._norm, _unchanged) if hp.pre_norm else (_unchanged, self._norm)
        dx, dchi = EuclideanAttention(hp, name="attention")(before(1, x), chi, geometry)
        new_chi = dchi if chi is None else chi + dchi
        x = self._mlp(1, after(1, x + dx))
        both = jnp.concatenate([before(2, x), invariants(new_chi, hp.degrees, hp.n_channels)], axis=-1)
        exchange = nn.Dense(hp.n_features + hp.n_euclidean, name="exchange")(both)
        x = self._mlp(2, x + exchange[:, : hp.n_features])
        new_chi = new_chi + exchange[:, hp.n_features :][:, orders(hp.degrees, hp.n_channels)] * new_chi
        return self._norm(3, after(2, x)), new_chi

    def _norm(self, number: int, x: Float[Array, "N F"]) -> Float[Array, "N F"]:
        wanted = self.hp.layer_norm and number in self.hp.norms
        return LayerNorm(name=f"norm_{number}")(x) if wanted else x

    def _mlp(self, number: int, x: Float[Array, "N F"]) -> Float[Array, "N F"]:
        if not self.hp.residual_mlp or number not in self.hp.residual_mlps:
            return x
        block = ReplacingMLP if self.hp.pre_norm else ResidualMLP
        return block(self.hp.activation, name=MLP_NAMES[number])(x)


def _unchanged(number: int, x: Float[Array, "N F"]) -> Float[Array, "N F"]:
    return x
