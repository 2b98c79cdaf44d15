"""Limited-memory BFGS: the Hessian as a model plus the last pairs of steps and gradient changes.

Source: Nocedal & Wright, Numerical Optimization, 2nd ed. (2006), algorithm 7.4, equation 7.20, procedure 18.2.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax.numpy as jnp
from jax.scipy.linalg import solve_triangular
from jaxtyping import Array, Bool, Float

from explorer.relax.state import select

MEMORY = 40  # pairs that are kept; 16 cost a tenth more force calls on peptides


class CurvaturePairs(NamedTuple):
    """The last changes of coordinates and gradients, newest at the end; rho = 1 / s·y, 0 in an empty place."""

    s: Float[Array, "m M"]
    y: Float[Array, "m M"]
    rho: Float[Array, "m"]


def no_curvature_pairs(n: int, dtype: jnp.dtype) -> CurvaturePairs:
    """An empty memory for n coordinates."""
    return CurvaturePairs(jnp.zeros((MEMORY, n), dtype), jnp.zeros((MEMORY, n), dtype), jnp.zeros(MEMORY, dtype))


def newest_scale(pairs: CurvaturePairs) -> Float[Array, ""]:
    """The inverse curvature s·y / y·y of the newest pair, 1 when there is none."""
    known = pairs.rho[-1] > 0
    return jnp.where(known, 1 / jnp.where(known, pairs.rho[-1] * jnp.sum(pairs.y[-1] ** 2), 1), 1)


def remember(
    pairs: CurvaturePairs,
    s: Float[Array, "M"],
    y: Float[Array, "M"],
    hessian_s: Float[Array, "M"],
    useful: Bool[Array, ""],
) -> CurvaturePairs:
    """Adds a pair, damped after Powell: where the curvature s·y is too small or negative, y is mixed with H s.

    H s is known without H: the step was s = -t H⁻¹ g, so H s = -t g (up to its bending).
    """
    model, true = jnp.dot(s, hessian_s), jnp.dot(s, y)
    safe = jnp.where(model == true, 1, model - true)
    theta = jnp.where(true >= 0.2 * model, 1, 0.8 * model / safe)
    damped = theta * y + (1 - theta) * hessian_s
    curvature = jnp.dot(s, damped)
    # comparisons with NaN are false: nothing that is not a number is remembered
    useful = useful & (model > 0) & (curvature > 0) & (jnp.dot(s, s) > 1e-14)
    rho = 1 / jnp.where(useful, curvature, 1)
    added = CurvaturePairs(
        *(jnp.concatenate([old[1:], new[None]]) for old, new in zip(pairs, (s, damped, rho), strict=True))
    )
    return select(useful, added, pairs)


def inverse_hessian_times(gradient: Float[Array, "M"], pairs: CurvaturePairs, smooth: Callable) -> Float[Array, "M"]:
    """H⁻¹ g by the two-loop recursion; `smooth` is the inverse of the model Hessian.

    Each loop is the solution of a triangular system, R w = S g going back and Rᵀ c = diag(R) w - Y z going forward
    with R the upper triangle of S Yᵀ: a few products of matrices instead of eighty steps one after the other.
    """
    products, empty = jnp.triu(pairs.s @ pairs.y.T), jnp.diag(jnp.where(pairs.rho > 0, 0, 1).astype(gradient.dtype))
    upper = products + empty  # nothing in an empty place: its weights are 0
    weights = solve_triangular(upper, pairs.s @ gradient)
    z = smooth(gradient - pairs.y.T @ weights)
    forward = solve_triangular(upper, jnp.diagonal(products) * weights - pairs.y @ z, trans="T")
    return z + pairs.s.T @ forward
