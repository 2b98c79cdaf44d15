"""Interface between a coordinate system and the quasi-Newton minimiser."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from explorer.relaxation.state import Fallback


def _never(frame: Any) -> Int[Array, ""]:
    return jnp.asarray(int(Fallback.NONE), jnp.int32)


class Chart(NamedTuple):
    """Functions of coordinates q(x) with B = ∂q/∂x and a diagonal model Hessian D.

    A frame holds what the functions need of one structure, for internal coordinates B and a factor of A = Bᵀ D B.

    Attributes:
        size: Number M of coordinates.
        stiffness: Diagonal of the model Hessian D, shape (M,).
        frame: positions -> frame.
        no_frame: dtype -> a frame of zeros.
        values: (frame, positions) -> q.
        difference: (frame, q, q0) -> q - q0, with differences of angles wrapped.
        gradient: (frame, ∂E/∂x) -> ∂E/∂q, the solution of least norm in D⁻¹.
        inverse_model_hessian: (frame, p) -> B A⁻¹ Bᵀ p.
        pull_back: (frame, δq) -> the δx whose B δx is nearest to δq in the norm of D.
        push_forward: (frame, δx) -> B δx.
        curved: Whether q is not linear in x, so that a step needs back-transformation.
        scaled: Whether the model Hessian is known only up to a factor.
        failure: frame -> the reason why the coordinates cannot describe the structure, a `Fallback`.
        switch: (frame, fallback) -> the frame of the same structure in the coordinates used after that failure.
        as_cartesian: Cartesian vector of length 3N -> the same vector as the M numbers in use after a failure.
    """

    size: int
    stiffness: Float[Array, "M"]
    frame: Callable[[Float[Array, "N 3"]], Any]
    no_frame: Callable[[Any], Any]
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
    as_cartesian: Callable[[Float[Array, "3N"]], Float[Array, "M"]] = lambda vector: vector
