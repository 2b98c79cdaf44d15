"""One SO3krates layer: Euclidean attention on features and Euclidean variables, then their exchange."""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn
from jaxtyping import Array, Float, Int

from explorer.potential.hyperparameters import Hyperparameters


class Geometry(NamedTuple):
    """What all layers know of the pairs; each unordered pair once, as seen from its first atom."""

    first: Int[Array, "P"]
    second: Int[Array, "P"]
    radial: Float[Array, "P K"]  # radial basis of the distance
    cutoff: Float[Array, "P"]  # zero on padding
    harmonics: Float[Array, "P M"]  # of the direction from first to second


def orders(degrees: tuple[int, ...]) -> np.ndarray:
    """Index of the degree of every component of a Euclidean variable, shape (M,)."""
    return np.repeat(np.arange(len(degrees)), [2 * degree + 1 for degree in degrees])


def selector(groups: np.ndarray, dtype: jnp.dtype) -> Float[Array, "n G"]:
    """Sums over groups as a matrix product: XLA fuses a product with nothing, so that it is computed once."""
    return jnp.asarray(groups[:, None] == np.arange(groups.max() + 1)[None, :], dtype)


def invariants(chi: Float[Array, "n M"], degrees: tuple[int, ...]) -> Float[Array, "n L"]:
    """One invariant per degree, c_l = (1/√(2l+1)) Σ_m χ_lm²: the coupling of a degree with itself to l = 0."""
    of_degree = orders(degrees)
    norm = jnp.asarray(1 / np.sqrt(2 * np.asarray(degrees) + 1), chi.dtype)
    return (chi * chi) @ selector(of_degree, chi.dtype) * norm


class HeadDense(nn.Module):
    """A linear map within each head, without bias: weights of shape (heads, out, in)."""

    n_heads: int

    @nn.compact
    def __call__(self, x: Float[Array, "N F"]) -> Float[Array, "N F"]:
        width = x.shape[-1] // self.n_heads
        init = nn.initializers.lecun_normal(in_axis=-1, out_axis=-2, batch_axis=(0,))
        kernel = self.param("kernel", init, (self.n_heads, width, width)).astype(x.dtype)
        return jnp.einsum("hab,nhb->nha", kernel, x.reshape(-1, self.n_heads, width)).reshape(x.shape)


class Filter(nn.Module):
    """Weights of a pair from its distance and from the difference of its Euclidean variables.

    Both are the same in either direction, so a filter is computed once per unordered pair. The
    published filters pass the radial basis through a hidden layer; with some twenty basis functions
    their values span no more than the basis itself, so "linear" costs a third and loses nothing seen.
    """

    n_features: int
    radial_filter: str

    @nn.compact
    def __call__(self, radial: Float[Array, "P K"], contrast: Float[Array, "#P L"]) -> Float[Array, "P F"]:
        turned = nn.silu(nn.Dense(self.n_features // 4, name="spherical_1")(contrast))
        # the bias of the spherical part serves the sum of both
        spherical = nn.Dense(self.n_features, name="spherical_2")(turned)
        if self.radial_filter == "mlp":
            radial = nn.silu(nn.Dense(self.n_features, name="radial_1")(radial))
        return nn.Dense(self.n_features, use_bias=False, name="radial_2")(radial) + spherical


class EuclideanAttention(nn.Module):
    """Messages from neighbours to features and to Euclidean variables.

    α_ij = f_c(d_ij) / scale · Σ_a q_i w_ij k_j per head; Δx_i = Σ_j α¹_ij v_j and
    Δχ_i,lm = Σ_j α²_ij,l Y_lm(r_ij).
    """

    hp: Hyperparameters

    @nn.compact
    def __call__(
        self, x: Float[Array, "N F"], chi: Float[Array, "N M"] | None, geometry: Geometry
    ) -> tuple[Float[Array, "N F"], Float[Array, "N M"]]:
        hp, g = self.hp, geometry
        if chi is None:  # all Euclidean variables are still zero: one constant filter for all pairs
            contrast = jnp.zeros((1, len(hp.degrees)), x.dtype)
        else:
            contrast = invariants(chi[g.second] - chi[g.first], hp.degrees)
        heads = {"feature": hp.n_heads, "euclidean": len(hp.degrees)}
        make_filter = partial(Filter, hp.n_features, hp.radial_filter)
        filters = {name: make_filter(name=f"filter_{name}")(g.radial, contrast) for name in heads}
        query = [HeadDense(n, name=f"query_{name}")(x) for name, n in heads.items()]
        key = [HeadDense(n, name=f"key_{name}")(x) for name, n in heads.items()]
        packed = jnp.concatenate([*query, *key, HeadDense(hp.n_heads, name="value")(x)], axis=-1)
        of_first, of_second = packed[g.first], packed[g.second]

        def messages(receiver: Float[Array, "P 5F"], sender: Float[Array, "P 5F"]) -> list[Float[Array, "P _"]]:
            q1, q2, *_ = jnp.split(receiver, 5, axis=-1)
            *_, k1, k2, v = jnp.split(sender, 5, axis=-1)
            alpha1 = attention_weights(q1, filters["feature"], k1, g.cutoff, hp, hp.n_heads)
            alpha2 = attention_weights(q2, filters["euclidean"], k2, g.cutoff, hp, len(hp.degrees))
            spread1 = selector(np.repeat(np.arange(hp.n_heads), hp.n_features // hp.n_heads), x.dtype)
            spread2 = selector(orders(hp.degrees), x.dtype)
            return [(alpha1 @ spread1.T) * v, (alpha2 @ spread2.T) * g.harmonics]

        x_first, chi_first = messages(of_first, of_second)
        x_second, chi_second = messages(of_second, of_first)
        # seen from the other end the direction is reversed: Y_lm(-u) = (-1)^l Y_lm(u)
        parity = jnp.asarray((-1.0) ** np.asarray(hp.degrees)[orders(hp.degrees)], x.dtype)
        n_atoms = x.shape[0]
        to_first = jnp.concatenate([x_first, chi_first], axis=-1)
        to_second = jnp.concatenate([x_second, chi_second * parity], axis=-1)
        message = jax.ops.segment_sum(to_first, g.first, n_atoms) + jax.ops.segment_sum(to_second, g.second, n_atoms)
        return message[:, : hp.n_features], message[:, hp.n_features :]


def attention_weights(
    query: Float[Array, "P F"],
    weight: Float[Array, "#P F"],
    key: Float[Array, "P F"],
    cutoff: Float[Array, "P"],
    hp: Hyperparameters,
    n_heads: int,
) -> Float[Array, "P H"]:
    """α of every pair and head: the filtered product of query and key, no softmax."""
    width = hp.n_features // n_heads
    scale = hp.average_neighbors if hp.attention_scale == "neighbors" else width**0.5
    of_head = selector(np.repeat(np.arange(n_heads), width), query.dtype)
    return ((query * weight * key) @ of_head) * (cutoff / scale)[:, None]


class ResidualMLP(nn.Module):
    """x + Dense(silu(Dense(silu(x))))."""

    @nn.compact
    def __call__(self, x: Float[Array, "N F"]) -> Float[Array, "N F"]:
        y = nn.Dense(x.shape[-1], name="dense_1")(nn.silu(x))
        return x + nn.Dense(x.shape[-1], name="dense_2")(nn.silu(y))


class So3kratesLayer(nn.Module):
    """Attention, normalisation, residual MLP, exchange between features and Euclidean variables.

    Source: Frank et al., Nat. Commun. 15, 6539 (2024), doi:10.1038/s41467-024-50620-6.
    """

    hp: Hyperparameters

    @nn.compact
    def __call__(
        self, x: Float[Array, "N F"], chi: Float[Array, "N M"] | None, geometry: Geometry
    ) -> tuple[Float[Array, "N F"], Float[Array, "N M"]]:
        hp = self.hp
        dx, dchi = EuclideanAttention(hp, name="attention")(x, chi, geometry)
        x = x + dx
        chi = dchi if chi is None else chi + dchi
        if hp.layer_norm:
            x = nn.LayerNorm(epsilon=1e-6, name="norm_1")(x)
        if hp.residual_mlp:
            x = ResidualMLP(name="residual_mlp")(x)
        both = jnp.concatenate([x, invariants(chi, hp.degrees)], axis=-1)
        exchange = nn.Dense(both.shape[-1], name="exchange")(both)
        x = x + exchange[:, : hp.n_features]
        chi = chi + exchange[:, hp.n_features :][:, orders(hp.degrees)] * chi
        if hp.layer_norm:
            x = nn.LayerNorm(epsilon=1e-6, name="norm_2")(x)
        return x, chi
