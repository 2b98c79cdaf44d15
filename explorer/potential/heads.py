"""Energy readouts of the network: local energies and the short-range repulsion of nuclei."""

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn
from jaxtyping import Array, Float, Int

from explorer.potential.embedding import N_ELEMENTS
from explorer.potential.layers import activation

# CODATA 2014, since the published parameters were trained with it
COULOMB = 14.399645351950548  # eV Å / e²
BOHR = 0.5291772105638411  # Å
ZBL_RANGE = 1.5  # Å, distance at which the repulsion is switched off; as published


class EnergyHead(nn.Module):
    """Local energies ε_im = s(Z_i) · Dense_m(silu(Dense_m(x_i))) + o(Z_i) of every member m of a committee, eV.

    The hidden layer of a single member is as wide as the features unless a width is given, that of each of several
    members half as wide. Silu may be another activation function.
    """

    activation: str
    n_members: int = 1
    width: int = 0

    @nn.compact
    def __call__(self, x: Float[Array, "N F"], atomic_numbers: Int[Array, "N"]) -> Float[Array, "N M"]:
        act, width = activation(self.activation), self.width or x.shape[-1]
        if self.n_members == 1:
            local = nn.Dense(1, name="dense_2")(act(nn.Dense(width, name="dense_1")(x)))
        else:
            hidden = MemberDense(self.n_members, width // 2, name="dense_1")(x[:, None])
            local = MemberDense(self.n_members, 1, name="dense_2")(act(hidden))[..., 0]
        scale = self.param("scale", nn.initializers.ones, (N_ELEMENTS,)).astype(x.dtype)
        offset = self.param("offset", nn.initializers.zeros, (N_ELEMENTS,)).astype(x.dtype)
        return scale[atomic_numbers][:, None] * local + offset[atomic_numbers][:, None]


class MemberDense(nn.Module):
    """Linear map for each member, applied to its own or to shared features; weights of shape (members, in, out)."""

    n_members: int
    width: int

    @nn.compact
    def __call__(self, x: Float[Array, "N #M F"]) -> Float[Array, "N M W"]:
        init = nn.initializers.lecun_normal(batch_axis=(0,))
        kernel = self.param("kernel", init, (self.n_members, x.shape[-1], self.width)).astype(x.dtype)
        bias = self.param("bias", nn.initializers.zeros, (self.n_members, self.width)).astype(x.dtype)
        if x.shape[1] == 1:
            return jnp.einsum("nf,mfw->nmw", x[:, 0], kernel) + bias
        return jnp.einsum("nmf,mfw->nmw", x, kernel) + bias


def switch_off(distance: Float[Array, "P"], on: float, off: float) -> Float[Array, "P"]:
    """Compute a smooth step from 1 at `on` to 0 at `off` (Å) with all derivatives continuous."""
    c = jnp.clip((distance - on) / (off - on), 0.0, 1.0)

    def g(t: Float[Array, "P"]) -> Float[Array, "P"]:
        return jnp.where(t > 0, jnp.exp(-1 / jnp.where(t > 0, t, 1)), 0)

    return g(1 - c) / (g(1 - c) + g(c))


def _inverse_softplus(value: float):
    return lambda key, shape: jnp.full(shape, np.log(np.expm1(value)), jnp.float32)


class ZieglerBiersackLittmark(nn.Module):
    """Screened repulsion of nuclei (ZBL); all ten scalars are learned, kept positive by softplus.

    E = Σ_{i<j} w(d) f_c(d) k_e Z_i Z_j / d · Σ_k c_k exp(-a_k d (Z_i^p + Z_j^p) D).

    Source: Ziegler, Littmark & Biersack, The Stopping and Range of Ions in Solids (1985).
    """

    @nn.compact
    def __call__(
        self,
        distance: Float[Array, "P"],
        cutoff: Float[Array, "P"],
        number_first: Int[Array, "P"],
        number_second: Int[Array, "P"],
    ) -> Float[Array, ""]:
        def scalar(name: str, value: float) -> Float[Array, ""]:
            raw = self.param(name, _inverse_softplus(value), ())
            return jax.nn.softplus(jnp.asarray(raw, distance.dtype))

        a = jnp.stack([scalar(f"a{k + 1}", v) for k, v in enumerate((3.2, 0.9423, 0.4028, 0.2016))])
        c = jnp.stack([scalar(f"c{k + 1}", v) for k, v in enumerate((0.1818, 0.5099, 0.2802, 0.02817))])
        power, inverse_length = scalar("p", 0.23), scalar("d", 1 / (0.8854 * BOHR))
        z1, z2 = (jnp.maximum(z, 1).astype(distance.dtype) for z in (number_first, number_second))
        reduced = distance * (z1**power + z2**power) * inverse_length
        screening = jnp.exp(-reduced[:, None] * a[None, :]) @ (c / c.sum())
        pair = switch_off(distance, 0.0, ZBL_RANGE) * cutoff * COULOMB * z1 * z2 / distance
        return jnp.sum(pair * screening)
