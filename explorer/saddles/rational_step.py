"""Step of the partitioned rational function method: uphill along one mode, downhill in all other directions."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from explorer.saddles.curvature import Curvature

_BISECTIONS = 60  # halves an interval below the rounding of float64
_SMALLEST = 1e-10  # distance of the shift from an eigenvalue; keeps steps finite where a gradient vanishes; not tuned


def rational_step(curvature: Curvature, gradient: Float[Array, "M"], mode: Int[Array, ""]) -> Float[Array, "M"]:
    """Compute the step s, uphill along v_k and downhill in the rest.

    Uphill, with λ = λ_k and γ = v_k·g: s = γ / (ν - λ), where ν = (λ + √(λ² + 4 γ²)) / 2 is the higher eigenvalue of
    the matrix [[λ, γ], [γ, 0]]. Downhill: s_i = γ_i / (ν - λ_i), where ν is the lowest solution of
    ν = Σ_i γ_i² / (ν - λ_i), below zero and all λ_i.

    Args:
        curvature: Hessian.
        gradient: g.
        mode: Index k of the mode.

    Source: Banerjee et al., J. Phys. Chem. 89, 52 (1985), doi:10.1021/j100247a015.
    """
    vectors, values = curvature
    along = vectors @ gradient
    is_used = jnp.sum(vectors**2, axis=1) > 0.5
    rest = gradient - along @ vectors  # the Hessian is 1 there
    is_mode = jnp.arange(len(values)) == mode
    lower = jnp.where(is_used & ~is_mode, along, 0)

    value, slope = values[mode], along[mode]
    up = slope / jnp.maximum((jnp.sqrt(value**2 + 4 * slope**2) - value) / 2, _SMALLEST)

    highest = jnp.minimum(0.0, jnp.min(jnp.where(is_used & ~is_mode, values, jnp.inf))) - _SMALLEST
    squared = jnp.dot(rest, rest)
    length: Array = jnp.linalg.norm(gradient)
    lowest = highest - length - _SMALLEST

    def excess(shift: Float[Array, ""]) -> Float[Array, ""]:
        return shift - jnp.sum(lower**2 / (shift - values)) - squared / (shift - 1)

    def halve(_: int, interval: tuple[Array, Array]) -> tuple[Array, Array]:
        low, high = interval
        middle = (low + high) / 2
        is_above = excess(middle) > 0
        return jnp.where(is_above, low, middle), jnp.where(is_above, middle, high)

    low: Array
    high: Array
    low, high = jax.lax.fori_loop(0, _BISECTIONS, halve, (lowest, highest))
    shift = (low + high) / 2
    steps = jnp.where(is_mode, up, lower / jnp.where(is_mode, 1, shift - values))
    return steps @ vectors + rest / (shift - 1)
