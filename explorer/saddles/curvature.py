"""Hessian in scaled coordinates as the identity plus a matrix of low rank, learned from steps and products.

In u = D^(1/2) q with the diagonal D of the model Hessian, the model Hessian is the identity. What is learned changes it
in the span of the steps only, so all linear algebra happens there, in some tens of dimensions.
"""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

MAX_RANK = 64  # a refinement needs 30 to 60 dimensions; not tuned
_DEPENDENT = 1e-8  # share of a vector outside of the span below which it is inside; not tuned
_SAME_AS_MODEL = 1e-9  # difference of an eigenvalue from 1 below which its vector is forgotten; not tuned


class Curvature(NamedTuple):
    """H = 1 + Σ_i (λ_i - 1) v_i v_iᵀ with orthonormal v_i.

    Attributes:
        vectors: v_i as rows; zero in an empty entry.
        values: λ_i; 1 in an empty entry.
    """

    vectors: Float[np.ndarray | Array, "m M"]
    values: Float[np.ndarray | Array, "m"]


def no_curvature(n: int, dtype: jnp.dtype) -> Curvature:
    """Create the identity for n coordinates.

    Args:
        n: Number of coordinates.
        dtype: Type of the numbers.
    """
    rank = min(n, MAX_RANK)
    return Curvature(jnp.zeros((rank, n), dtype), jnp.ones(rank, dtype))


def hessian_times(curvature: Curvature, vector: Float[Array, "M"]) -> Float[Array, "M"]:
    """Compute H v.

    Args:
        curvature: H.
        vector: v.
    """
    return vector + ((curvature.values - 1) * (curvature.vectors @ vector)) @ curvature.vectors


def with_pair(curvature: Curvature, s: Float[Array, "M"], y: Float[Array, "M"], useful: Bool[Array, ""]) -> Curvature:
    """Update H by the TS-BFGS formula, after which H s = y and negative eigenvalues are kept.

    H ← H + (j wᵀ + w jᵀ) / wᵀs - (jᵀs) w wᵀ / (wᵀs)²,  j = y - H s,  w = (yᵀs) y + (sᵀ|H|s) |H|s,

    where |H| has the absolute eigenvalues of H. The update stays in the span of the v_i, s and y. The eigenvectors of
    the new matrix there whose eigenvalues differ most from 1 are kept.

    Args:
        curvature: H.
        s: Change of the coordinates.
        y: Change of the gradient.
        useful: Whether to update.

    Source: Anglada & Bofill, J. Comput. Chem. 19, 349 (1998),
    doi:10.1002/(SICI)1096-987X(199802)19:3<349::AID-JCC9>3.0.CO;2-M; Hermes et al., J. Chem. Theory Comput. 18, 6974
    (2022), doi:10.1021/acs.jctc.2c00395.
    """
    n_kept = len(curvature.values)
    useful = useful & jnp.all(jnp.isfinite(s)) & jnp.all(jnp.isfinite(y)) & (jnp.dot(s, s) > 0)
    s, y = jnp.where(useful, s, 0), jnp.where(useful, y, 0)
    basis = _extended(_extended(jnp.asarray(curvature.vectors), s), y)
    values = jnp.concatenate([curvature.values, jnp.ones(2, s.dtype)])
    step, change = basis @ s, basis @ y
    magnitude = jnp.abs(values) * step
    j = change - values * step
    w = jnp.dot(change, step) * change + jnp.dot(step, magnitude) * magnitude
    scale = jnp.dot(w, step)
    inverse = 1 / jnp.where(scale > 0, scale, 1)
    crossed = jnp.outer(j, w)
    update = (crossed + crossed.T) * inverse - jnp.dot(j, step) * jnp.outer(w, w) * inverse**2
    learned: Array
    rotation: Array
    learned, rotation = jnp.linalg.eigh(jnp.diag(values) + update)
    is_learned = jnp.abs(learned - 1) > _SAME_AS_MODEL
    vectors = jnp.where(is_learned[:, None], rotation.T @ basis, 0)
    learned = jnp.where(is_learned, learned, 1)
    kept = jnp.argsort(-jnp.abs(learned - 1))[:n_kept]
    useful = useful & (scale > 0) & jnp.all(jnp.isfinite(learned))
    return Curvature(
        jnp.where(useful, vectors[kept], curvature.vectors), jnp.where(useful, learned[kept], curvature.values)
    )


def _extended(basis: Float[Array, "m M"], vector: Float[Array, "M"]) -> Float[Array, "n M"]:
    """Add the direction of a vector outside of the span of an orthonormal basis; zeros if it is inside."""
    length: Array = jnp.linalg.norm(vector)
    outside = vector / jnp.where(length > 0, length, 1)
    for _ in range(2):  # the second pass removes rounding errors of the first
        outside = outside - (basis @ outside) @ basis
    size: Array = jnp.linalg.norm(outside)
    direction = jnp.where(size > _DEPENDENT, outside / jnp.where(size > 0, size, 1), 0)
    return jnp.concatenate([basis, direction[None]])
