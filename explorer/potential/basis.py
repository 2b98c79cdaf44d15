"""Functions of a pair of atoms: radial bases, cutoff functions, spherical harmonics."""

from collections.abc import Sequence
from functools import cache

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from scipy.linalg import block_diag
from scipy.special import gammaln, sph_harm_y

# 1/Å, 1/2 in atomic units; rounded to float32 in the published code
BERNSTEIN_GAMMA = 0.9448630809783936
N_CHEBYSHEV = 96  # number of polynomials; a radial network of 32 Bernstein functions needs 80 for eight digits
CHEBYSHEV_START = 0.5  # Å, lower end of the Chebyshev interval; closer pairs, which repel strongly, are evaluated there


def bernstein_basis(distance: Float[Array, "P"], n_radial: int) -> Float[Array, "P K"]:
    """Compute exponential Bernstein polynomials B_k = C(K-1, k) t^k (1 - t)^(K-1-k) with t = exp(-γ d).

    Args:
        distance: d, Å.
        n_radial: K.

    Source: Unke et al., Nat. Commun. 12, 7273 (2021), doi:10.1038/s41467-021-27504-0.
    """
    k = np.arange(n_radial)
    log_binomial = gammaln(n_radial) - gammaln(k + 1) - gammaln(n_radial - k)
    # e3x has the same functions, with which the tests compare, but computes them in float64 whenever that is enabled
    decay = BERNSTEIN_GAMMA * jnp.maximum(distance, 1e-4)[:, None]
    log_rest = jnp.log(-jnp.expm1(-decay))
    dtype = distance.dtype
    return jnp.exp(
        jnp.asarray(log_binomial, dtype)
        - jnp.asarray(k, dtype) * decay
        + jnp.asarray(n_radial - 1 - k, dtype) * log_rest
    )


def physnet_basis(distance: Float[Array, "P"], n_radial: int, cutoff: float) -> Float[Array, "P K"]:
    """Compute evenly spaced Gaussians in exp(-d): exp(-β (e^-d - μ_k)²), β = [2/K (1 - e^-r_c)]^-2.

    Args:
        distance: d, Å.
        n_radial: K.
        cutoff: r_c, Å.

    Source: Unke & Meuwly, J. Chem. Theory Comput. 15, 3678 (2019), doi:10.1021/acs.jctc.9b00181.
    """
    lowest = jnp.exp(-jnp.asarray(cutoff, distance.dtype))
    centres = jnp.linspace(lowest, 1.0, n_radial, dtype=distance.dtype)
    beta = (2 / n_radial * (1 - lowest)) ** -2
    return jnp.exp(-beta * (jnp.exp(-distance)[:, None] - centres[None, :]) ** 2)


def bessel_basis(distance: Float[Array, "P"], n_radial: int, cutoff: float) -> Float[Array, "P K"]:
    """Compute sin(n π d / r_c) / d for n = 0 ... K-1; the first function is zero, as in the original code.

    Args:
        distance: d, Å.
        n_radial: K.
        cutoff: r_c, Å.
    """
    frequency = jnp.asarray(np.pi / cutoff * np.arange(n_radial), distance.dtype)
    return jnp.sin(frequency * distance[:, None]) / distance[:, None]


def gaussian_basis(
    distance: Float[Array, "P"], centres: Float[Array, "K"], widths: Float[Array, "K"]
) -> Float[Array, "P K"]:
    """Compute Gaussians exp(-(d - μ_n)² / 2 w_n²) of the distance d with centres μ_n and widths w_n, Å."""
    return jnp.exp(-0.5 * ((distance[:, None] - centres) / widths) ** 2)


def chebyshev_basis(
    distance: Float[Array, "P"], cutoff: float, n_polynomials: int = N_CHEBYSHEV
) -> Float[Array, "P T"]:
    """Compute Chebyshev polynomials T_0 ... T_n-1 of the distance, mapped from [0.5 Å, cutoff] to [-1, 1].

    The doubling T_{n+k} = 2 T_n T_k - T_{n-k} takes seven products of blocks in place of a recursion over terms.

    Args:
        distance: d, Å.
        cutoff: r_c, Å; larger distances are evaluated there.
        n_polynomials: n.
    """
    x = 2 * (jnp.clip(distance, CHEBYSHEV_START, cutoff) - CHEBYSHEV_START) / (cutoff - CHEBYSHEV_START) - 1
    terms = jnp.stack([jnp.ones_like(x), x], axis=-1)
    while (n := terms.shape[-1] - 1) < n_polynomials - 1:
        # T_{n-k} for k = 1 ... n
        terms = jnp.concatenate([terms, 2 * terms[:, n:] * terms[:, 1:] - terms[:, :n][:, ::-1]], axis=-1)
    return terms[:, :n_polynomials]


def phys_cutoff(distance: Float[Array, "P"], cutoff: float) -> Float[Array, "P"]:
    """Compute the cutoff polynomial 1 - 6 u^5 + 15 u^4 - 10 u^3 with u = d / r_c, zero beyond the cutoff (Å)."""
    u = distance / cutoff
    return jnp.where(u < 1, 1 + u**3 * (u * (15 - 6 * u) - 10), 0)


def cosine_cutoff(distance: Float[Array, "P"], cutoff: float) -> Float[Array, "P"]:
    """Compute (cos(π d / r_c) + 1) / 2, zero beyond the cutoff (Å)."""
    import e3x  # a second of imports, which the shipped networks do not need

    return e3x.nn.cosine_cutoff(distance, cutoff)


def exponential_cutoff(distance: Float[Array, "P"], cutoff: float) -> Float[Array, "P"]:
    """Compute exp(-d² / ((r_c - d)(r_c + d))), zero beyond the cutoff (Å)."""
    inside = distance < cutoff
    d = jnp.where(inside, distance, 0)
    return jnp.where(inside, jnp.exp(-(d**2) / ((cutoff - d) * (cutoff + d))), 0)


def dimenet_cutoff(distance: Float[Array, "P"], cutoff: float) -> Float[Array, "P"]:
    """Compute the cutoff polynomial 1 - 28 u^6 + 48 u^7 - 21 u^8 with u = d / r_c, zero beyond the cutoff (Å)."""
    u = distance / cutoff
    return jnp.where(u < 1, 1 + u**6 * (u * (48 - 21 * u) - 28), 0)


def spherical_harmonics(unit_vectors: Float[Array, "P 3"], degrees: Sequence[int]) -> Float[Array, "P M"]:
    """Compute real orthonormal spherical harmonics, with m = -l..l within each degree and degrees concatenated.

    They are sums of the monomials x^a y^b z^c of their degree: products of powers and one matrix product, which takes
    a third of the time of a recursion over degrees and half of its compilation.

    Args:
        unit_vectors: Directions.
        degrees: Degrees l.
    """
    exponents, coefficients = _harmonic_polynomials(tuple(degrees))
    powers = [jnp.ones_like(unit_vectors), unit_vectors]
    while len(powers) <= max(degrees):
        powers.append(powers[-1] * unit_vectors)
    dtype = unit_vectors.dtype
    # a product with a matrix of zeros and ones picks the powers, since XLA computes a gather for every use again
    x, y, z = jnp.einsum("pxk,xkm->xpm", jnp.stack(powers[: max(degrees) + 1], axis=-1), jnp.asarray(exponents, dtype))
    return (x * y * z) @ jnp.asarray(coefficients, dtype)


@cache
def _harmonic_polynomials(degrees: tuple[int, ...]) -> tuple[Float[np.ndarray, "3 K n"], Float[np.ndarray, "n M"]]:
    """Powers of x, y and z in all monomials of the degrees, as ones in a table, and the harmonics in monomials."""
    generator = np.random.default_rng(0)
    vectors = generator.normal(size=(20 * (max(degrees) + 1) ** 2, 3))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    polar, azimuth = np.arccos(vectors[:, 2]), np.arctan2(vectors[:, 1], vectors[:, 0])
    exponents, blocks = [], []
    for degree in degrees:
        of_degree = [(a, b, degree - a - b) for a in range(degree + 1) for b in range(degree + 1 - a)]
        harmonics = []
        for m in range(-degree, degree + 1):
            value = sph_harm_y(degree, abs(m), polar, azimuth)
            real = value.imag if m < 0 else value.real
            harmonics.append(real * (1 if m == 0 else np.sqrt(2) * (-1) ** m))
        monomials = np.prod(vectors[:, None, :] ** np.array(of_degree), axis=-1)
        # exact but for rounding: on the sphere the monomials of one degree are independent and span the harmonics
        blocks.append(np.linalg.lstsq(monomials, np.array(harmonics).T)[0])
        exponents += of_degree
    table = np.array(exponents).T[:, None, :] == np.arange(max(degrees) + 1)[None, :, None]
    return table, np.asarray(block_diag(*blocks))
