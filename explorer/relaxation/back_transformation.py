"""Back-transformation: from a step in curved coordinates to Cartesian positions."""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from explorer.relaxation.chart import Chart

_MAX_ITERATIONS = 5  # not tuned
_TARGET_MISS = 1e-2  # error over length of the step, in the norm of D; a smaller error saves no force call
_LARGEST_MISS = 0.5  # error over length of the step, in the norm of D, above which a step has failed; not tuned
_SHORT_STEP = 0.05  # Å or rad; longer steps sometimes miss in crowded molecules, shorter ones never did


def travel(
    chart: Chart, positions: Float[Array, "N 3"], frame: Any, values: Float[Array, "M"], shift: Float[Array, "3N"]
) -> tuple[Float[Array, "N 3"], Bool[Array, ""]]:
    """Take a step: in curved coordinates, find the positions whose q is nearest to q0 + B δx.

    The Gauss-Newton iterations are x ← x + B⁺ (q0 + B δx - q(x)) with the frame of the start. The iterate with the
    smallest error is returned, so a diverging back-transformation falls back to the straight step x + δx.

    Args:
        chart: Coordinates of the step.
        positions: Positions at the start, Å.
        frame: Frame of the chart at the start.
        values: Coordinates q0 at the start.
        shift: Cartesian step δx, Å.

    Returns:
        The new positions, Å, and whether a short step missed the wanted q by more than half of its length.

    Source: Peng et al., J. Comput. Chem. 17, 49 (1996),
    doi:10.1002/(SICI)1096-987X(19960115)17:1<49::AID-JCC5>3.0.CO;2-0.
    """
    straight = positions + shift.reshape(positions.shape)
    if not chart.curved:
        return straight, jnp.asarray(False)
    stiffness = jnp.asarray(chart.stiffness, shift.dtype)
    target = chart.push_forward(frame, shift)

    def remaining(x: Float[Array, "N 3"]):
        left = target - chart.difference(frame, chart.values(frame, x), values)
        return left, jnp.dot(stiffness, left**2)

    size = jnp.dot(stiffness, target**2)

    def unfinished(carry: Any) -> Bool[Array, ""]:
        iteration, _, _, _, error = carry
        return (iteration < _MAX_ITERATIONS) & (error > _TARGET_MISS**2 * size)

    def iterate(carry: Any) -> Any:
        iteration, x, left, best, error = carry
        x = x + chart.pull_back(frame, left).reshape(x.shape)
        left, new_error = remaining(x)
        better = new_error < error  # false for NaN
        return iteration + 1, x, left, jnp.where(better, x, best), jnp.where(better, new_error, error)

    left, error = remaining(straight)
    *_, best, error = jax.lax.while_loop(unfinished, iterate, (0, straight, left, straight, error))
    reached = error <= _LARGEST_MISS**2 * size
    return best, ~reached & ~(jnp.max(jnp.abs(target)) > _SHORT_STEP)  # NaN counts as a miss
