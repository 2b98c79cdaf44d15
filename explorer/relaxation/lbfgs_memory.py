"""Memory of limited-memory BFGS: a model Hessian corrected by the last pairs of steps and gradient changes.

Source: Nocedal & Wright, Numerical Optimization, 2nd ed. (2006), algorithm 7.4, equation 7.20, procedure 18.2.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax.numpy as jnp
from jax.scipy.linalg import solve_triangular
from jaxtyping import Array, Bool, Float

from explorer.relaxation.state import select

N_CURVATURE_PAIRS = 40  # with 16 pairs, peptides needed a tenth more force calls


class CurvaturePairs(NamedTuple):
    """The last changes of coordinates (s) and gradients (y), newest at the end.

    Attributes:
        s: Changes of coordinates; zero in an empty entry.
        y: Damped changes of the gradient; zero in an empty entry.
        rho: 1 / s·y; zero in an empty entry.
    """

    s: Float[Array, "m M"]
    y: Float[Array, "m M"]
    rho: Float[Array, "m"]


def no_curvature_pairs(n: int, dtype: jnp.dtype) -> CurvaturePairs:
    """Create an empty memory for n coordinates."""
    changes = jnp.zeros((N_CURVATURE_PAIRS, n), dtype)
    return CurvaturePairs(changes, changes, jnp.zeros(N_CURVATURE_PAIRS, dtype))


def newest_scale(pairs: CurvaturePairs) -> Float[Array, ""]:
    """Compute the inverse curvature s·y / y·y of the newest pair, or 1 in an empty memory."""
    has_pair = pairs.rho[-1] > 0
    return jnp.where(has_pair, 1 / jnp.where(has_pair, pairs.rho[-1] * jnp.sum(pairs.y[-1] ** 2), 1), 1)


def remember(
    pairs: CurvaturePairs,
    s: Float[Array, "M"],
    y: Float[Array, "M"],
    hessian_s: Float[Array, "M"],
    useful: Bool[Array, ""],
) -> CurvaturePairs:
    """Add a pair, damped after Powell (procedure 18.2): where s·y is too small or negative, y is mixed with H s.

    y ← θ y + (1 - θ) H s with θ = 1 for s·y ≥ 0.2 s·H s, else θ = 0.8 s·H s / (s·H s - s·y), so that
    s·y ≥ 0.2 s·H s > 0 holds for the pair that is stored.

    Args:
        pairs: Memory, whose oldest pair is dropped.
        s: Change of the coordinates.
        y: Change of the gradient.
        hessian_s: H s. It needs no Hessian: the step was s = -t H⁻¹ g, so H s = -t g, apart from the curvature of the
            step.
        useful: Whether the pair may be stored at all.
    """
    model, true = jnp.dot(s, hessian_s), jnp.dot(s, y)
    safe = jnp.where(model == true, 1, model - true)
    theta = jnp.where(true >= 0.2 * model, 1, 0.8 * model / safe)
    damped = theta * y + (1 - theta) * hessian_s
    curvature = jnp.dot(s, damped)
    # comparisons with NaN are false, so a pair with NaN is never stored
    useful = useful & (model > 0) & (curvature > 0) & (jnp.dot(s, s) > 1e-14)
    rho = 1 / jnp.where(useful, curvature, 1)
    added = CurvaturePairs(
        *(jnp.concatenate([old[1:], new[None]]) for old, new in zip(pairs, (s, damped, rho), strict=True))
    )
    return select(useful, added, pairs)


def inverse_hessian_times(
    gradient: Float[Array, "M"], pairs: CurvaturePairs, inverse_model_hessian: Callable
) -> Float[Array, "M"]:
    """Compute H⁻¹ g by the two-loop recursion (algorithm 7.4), written as two triangular solves.

    The recursion goes back from the newest pair, w_i = ρ_i s_i·(g - Σ_{j>i} w_j y_j), and applies the inverse model
    Hessian, z = H₀⁻¹ (g - Σ_j w_j y_j). Then it goes forward from the oldest pair,
    c_i = w_i - ρ_i y_i·(z + Σ_{j<i} c_j s_j), and returns z + Σ_i c_i s_i. Both recursions are triangular systems:
    multiply them by 1/ρ_i = s_i·y_i and collect the sums on the left. S and Y have the pairs as rows, the oldest
    first, and R is the upper triangle of S Yᵀ, R_ij = s_i·y_j for j ≥ i:

        back:     R w = S g                     (row i: s_i·y_i w_i + Σ_{j>i} s_i·y_j w_j = s_i·g)
        forward:  Rᵀ c = diag(R) w - Y z        (row i: s_i·y_i c_i + Σ_{j<i} s_j·y_i c_j = s_i·y_i w_i - y_i·z)

    These are a few matrix products and two solves in place of eighty dependent steps, which an accelerator would
    run one after the other. An empty entry has a zero row and column in R; a 1 on its diagonal keeps R regular and
    makes its weights zero.

    Args:
        gradient: g.
        pairs: Memory.
        inverse_model_hessian: Function p -> H₀⁻¹ p.
    """
    products, empty = jnp.triu(pairs.s @ pairs.y.T), jnp.diag(jnp.where(pairs.rho > 0, 0, 1).astype(gradient.dtype))
    upper = products + empty
    weights = solve_triangular(upper, pairs.s @ gradient)
    z = inverse_model_hessian(gradient - pairs.y.T @ weights)
    forward = solve_triangular(upper, jnp.diagonal(products) * weights - pairs.y @ z, trans="T")
    return z + pairs.s.T @ forward
