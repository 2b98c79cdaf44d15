"""Readouts of atoms: partial charges, and volumes relative to those of free atoms."""

import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Bool, Float, Int

from explorer.potential.embedding import N_ELEMENTS
from explorer.potential.layers import activation


class PartialCharges(nn.Module):
    """Partial charges q_i = q̃_i + (Q - Σ_j q̃_j) / N with q̃_i = b(Z_i) + Dense(silu(Dense(x_i))), e; zero on padding.

    The hidden layer is as wide as the features unless a width is given; silu may be another activation function.
    """

    activation: str = "silu"
    width: int = 0

    @nn.compact
    def __call__(
        self,
        x: Float[Array, "N F"],
        atomic_numbers: Int[Array, "N"],
        atom_mask: Bool[Array, "N"],
        total_charge: Float[Array, ""],
    ) -> Float[Array, "N"]:
        hidden = activation(self.activation)(nn.Dense(self.width or x.shape[-1], name="dense_1")(x))
        offset = self.param("offset", nn.initializers.zeros, (N_ELEMENTS,)).astype(x.dtype)
        raw = offset[atomic_numbers] + nn.Dense(1, name="dense_2")(hidden)[:, 0]
        missing = total_charge - jnp.sum(jnp.where(atom_mask, raw, 0))
        return jnp.where(atom_mask, raw + missing / jnp.sum(atom_mask), 0)


class HirshfeldRatios(nn.Module):
    """Hirshfeld ratios h_i = | b(Z_i) + A(Z_i) · k_i / √W | with k_i = Dense(silu(Dense(x_i))) of width W = F/2.

    The hidden layer has half the width of the other heads; silu may be another activation function.
    """

    activation: str = "silu"
    width: int = 0

    @nn.compact
    def __call__(self, x: Float[Array, "N F"], atomic_numbers: Int[Array, "N"]) -> Float[Array, "N"]:
        width = x.shape[-1] // 2
        hidden = activation(self.activation)(nn.Dense((self.width or x.shape[-1]) // 2, name="dense_1")(x))
        key = nn.Dense(width, name="dense_2")(hidden)
        query = nn.Embed(N_ELEMENTS, width, name="element")(atomic_numbers).astype(x.dtype)
        offset = self.param("offset", nn.initializers.ones, (N_ELEMENTS,)).astype(x.dtype)
        return jnp.abs(offset[atomic_numbers] + jnp.sum(query * key, axis=-1) / width**0.5)
