"""A step of a training in two programs: gradients, one of each device for its part of a batch, and an update.

Between devices go parameters and gradients as one array each: a hundred small ones take as long as a frame.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float

from explorer.devices import over_parts
from explorer.potential.hyperparameters import Hyperparameters
from explorer.potential.so3krates import initialize
from explorer.train.bootstrap import draw_weights
from explorer.train.frames import Rows
from explorer.train.loss import FrameErrors, LossSettings, batch_gradient


@jax.jit
def as_one_array(params: Any) -> Float[Array, "P"]:
    """Parameters one after the other, as the gradients of `make_gradients` take and give them."""
    return ravel_pytree(params)[0]


def make_gradients(hp: Hyperparameters, settings: LossSettings, seed: int) -> Callable:
    """(params, step, rows) -> gradients and errors, one of each for each device, which stay where they were found.

    Parameters come and gradients go `as_one_array`.

    A sum over devices that belongs to the program makes cores wait for each other: with as many programs under way as
    there are cores, each waits for one that cannot begin.

    Args:
        hp: of the network.
        settings: of the loss.
        seed: of the weights of the members of a committee.
    """

    shapes = jax.eval_shape(lambda: initialize(hp, 0))
    _, unraveled = ravel_pytree(jax.tree.map(lambda leaf: np.zeros(leaf.shape, np.float32), shapes))

    def of_part(params: Float[Array, "P"], rows: Rows, weights: Float[Array, "B M"]) -> tuple[Array, FrameErrors]:
        gradient, errors = batch_gradient(unraveled(params), hp, rows, weights, settings)
        return jax.tree.map(lambda leaf: leaf[None], (as_one_array(gradient), errors))

    @jax.jit
    def gradients(params: Float[Array, "P"], step: jax.Array, rows: Rows) -> tuple[Float[Array, "D P"], FrameErrors]:
        weights = draw_weights(jax.random.fold_in(jax.random.key(seed), step), rows.visible)
        return over_parts(of_part, (params,), rows, weights)

    return gradients


def make_update(optimizer: optax.GradientTransformation, ema_decay: float) -> Callable:
    """(params, ema, optimizer state, step, gradients, share of the learning rate) -> the first four after the step.

    It is apart from the gradients, so that it is compiled once and not for every shape of rows.

    Args:
        optimizer: `make_optimizer`'s.
        ema_decay: of the moving average of the parameters.
    """

    @jax.jit
    def update(params: Any, ema: Any, state: Any, step: jax.Array, gradients: Float[Array, "D P"], level: jax.Array):
        _, unraveled = ravel_pytree(params)
        gradient = unraveled(gradients.mean(axis=0))
        updates, state = optimizer.update(gradient, state, params)
        params = optax.apply_updates(params, jax.tree.map(lambda u: level * u, updates))
        decay = jnp.minimum(ema_decay, (1 + step) / (10 + step))
        return params, optax.incremental_update(params, ema, 1 - decay), state, step + 1

    return update
