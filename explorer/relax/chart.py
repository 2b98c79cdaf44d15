"""Coordinates as a quasi-Newton minimiser sees them."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from explorer.relax.state import Fallback


def _never(frame: Any) -> Int[Array, ""]:
    return jnp.asarray(int(Fallback.NONE), jnp.int32)


class Chart(NamedTuple):
    """Coordinates q(x) and a model Hessian D; a frame is what belongs to one structure (B and a factor of A).

    Attributes:
        stiffness: diagonal model Hessian D, shape (M,).
        frame: positions -> frame.
        values: (frame, positions) -> q.
        difference: (frame, q, q0) -> q - q0, angles wrapped.
        gradient: (frame, ∂E/∂x) -> ∂E/∂q, the one of least norm in D⁻¹.
        smooth: (frame, p) -> B A⁻¹ Bᵀ p, the inverse of the model Hessian.
        pull: (frame, δq) -> the δx whose B δx is nearest to δq in the norm of D.
        push: (frame, δx) -> B δx.
        curved: whether q is not linear in x, so that a step needs back-transformation.
        scaled: whether the model Hessian is only known up to a factor.
        failure: frame -> why these coordinates cannot describe its structure, a `Fallback`.
        switch: (frame, fallback) -> the frame of the same structure in the coordinates after that failure.
    """

    stiffness: Float[np.ndarray, "M"]
    frame: Callable[[Float[Array, "N 3"]], Any]
    values: Callable[[Any, Float[Array, "N 3"]], Float[Array, "M"]]
    difference: Callable[[Any, Float[Array, "M"], Float[Array, "M"]], Float[Array, "M"]]
    gradient: Callable[[Any, Float[Array, "3N"]], Float[Array, "M"]]
    inverse_model_hessian: Callable[[Any, Float[Array, "M"]], Float[Array, "M"]]
    pull_back: Callable[[Any, Float[Array, "M"]], Float[Array, "3N"]]
    push_forward: Callable[[Any, Float[Array, "3N"]], Float[Array, "M"]]
    curved: bool
    scaled: bool
    failure: Callable[[Any], Int[Array, ""]] = _never
    switch: Callable[[Any, Int[Array, ""]], Any] = lambda frame, fallback: frame
