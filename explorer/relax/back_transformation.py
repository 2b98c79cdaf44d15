"""From a step in curved coordinates to positions, and whether they do what the step wanted."""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from explorer.relax.chart import Chart

ITERATIONS = 5
NEAR = 1e-2  # of the length of a step in the norm of D: nearer saves no force call
LARGEST_MISS = 0.5  # of the length of a step in the norm of D
SHORT = 0.05  # Å or rad: longer steps miss now and then where a molecule is crowded, short ones never do


def travel(
    chart: Chart, positions: Float[Array, "N 3"], frame: Any, values: Float[Array, "M"], shift: Float[Array, "3N"]
) -> tuple[Float[Array, "N 3"], Bool[Array, ""]]:
    """Where a step leads: for curved coordinates the positions whose q comes nearest to q0 + B δx.

    Gauss-Newton iterations x ← x + B⁺ (q0 + B δx - q(x)) with the frame of the start; the best of them counts, so
    that a diverging back-transformation ends in the straight step.

    Args:
        chart: the coordinates.
        positions: of the start, Å.
        frame: of the start.
        values: q0.
        shift: δx, Å.

    Returns:
        The positions, Å, and whether a short step misses the wanted q by more than half of its length.

    Source: Peng et al., J. Comput. Chem. 17, 49 (1996),
    doi:10.1002/(SICI)1096-987X(19960115)17:1<49::AID-JCC5>3.0.CO;2-0.
    """
    straight = positions + shift.reshape(positions.shape)
    if not chart.curved:
        return straight, jnp.asarray(False)
    stiffness = jnp.asarray(chart.stiffness, shift.dtype)
    target = chart.push_forward(frame, shift)

    def miss(x: Float[Array, "N 3"]):
        left = target - chart.difference(frame, chart.values(frame, x), values)
        return left, jnp.dot(stiffness, left**2)

    size = jnp.dot(stiffness, target**2)

    def unfinished(carry: Any) -> Bool[Array, ""]:
        iteration, _, _, _, error = carry
        return (iteration < ITERATIONS) & (error > NEAR**2 * size)

    def iterate(carry: Any) -> Any:
        iteration, x, left, best, error = carry
        x = x + chart.pull_back(frame, left).reshape(x.shape)
        left, new_error = miss(x)
        better = new_error < error  # false for NaN
        return iteration + 1, x, left, jnp.where(better, x, best), jnp.where(better, new_error, error)

    left, error = miss(straight)
    *_, best, error = jax.lax.while_loop(unfinished, iterate, (0, straight, left, straight, error))
    reached = error <= LARGEST_MISS**2 * size
    return best, ~reached & ~(jnp.max(jnp.abs(target)) > SHORT)  # not a number is a miss
