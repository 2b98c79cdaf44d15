"""Initial features of an atom from its element, the total charge and the number of unpaired electrons."""

import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Bool, Float, Int

N_ELEMENTS = 119  # atomic numbers 0 (padding) to 118


class ShareEmbedding(nn.Module):
    """Embedding of a molecular quantity ψ (charge or unpaired electrons), distributed over the atoms.

    y_i = softplus(q(Z_i) · k / √F), a_i = ψ y_i / Σ_j y_j, h_i = a_i v, e_i = h_i + MLP(h_i).
    The result is exactly zero for ψ = 0.
    """

    n_features: int

    @nn.compact
    def __call__(
        self, psi: Float[Array, ""], atomic_numbers: Int[Array, "N"], atom_mask: Bool[Array, "N"]
    ) -> Float[Array, "N F"]:
        query = nn.Embed(N_ELEMENTS, self.n_features, name="query")(atomic_numbers).astype(psi.dtype)
        sign = jnp.where(psi < 0, 1, 0)
        key = nn.Embed(2, self.n_features, name="key")(sign).astype(psi.dtype)
        value = nn.Embed(2, self.n_features, name="value")(sign).astype(psi.dtype)
        weight = jnp.where(atom_mask, nn.softplus(query @ key / self.n_features**0.5), 0)
        shares = (psi * weight / weight.sum())[:, None] * value[None, :]
        hidden = nn.Dense(self.n_features, use_bias=False, name="dense_1")(nn.silu(shares))
        return shares + nn.Dense(self.n_features, use_bias=False, name="dense_2")(nn.silu(hidden))


class AtomEmbedding(nn.Module):
    """Embedding of the element, or its sum with the embeddings of charge and spin, divided by √(number of terms)."""

    n_features: int
    states: tuple[str, ...]  # "charge", "spin", both or none

    @nn.compact
    def __call__(
        self,
        atomic_numbers: Int[Array, "N"],
        atom_mask: Bool[Array, "N"],
        total_charge: Float[Array, ""],
        num_unpaired_electrons: Float[Array, ""],
    ) -> Float[Array, "N F"]:
        x = nn.Embed(N_ELEMENTS, self.n_features, name="element")(atomic_numbers).astype(total_charge.dtype)
        values = {"charge": total_charge, "spin": num_unpaired_electrons}
        for state in self.states:
            x = x + ShareEmbedding(self.n_features, name=state)(values[state], atomic_numbers, atom_mask)
        return x / (1 + len(self.states)) ** 0.5 if self.states else x
