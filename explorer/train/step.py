"""One step of a training as two compiled programs: the gradient of each device for its part of a batch, and an update.

Parameters and gradients are passed between devices as one array each: transferring a hundred small arrays takes as
long as the gradient of a frame.
"""

from collections.abc import Callable
from functools import lru_cache
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
from explorer.train.frames import FrameBatch
from explorer.train.loss import FrameErrors, LossSettings, batch_gradient


@jax.jit
def as_one_array(params: Any) -> Float[Array, "P"]:
    """Return the parameters as one array, the form in which `make_gradients` takes them and returns gradients.

    Args:
        params: Parameters of the network.
    """
    return ravel_pytree(params)[0]


@lru_cache(maxsize=4)
def make_gradients(hp: Hyperparameters, settings: LossSettings, seed: int) -> Callable:
    """Return a compiled function (params, step, frames) -> (gradients, errors) with one row for each device.

    Parameters and gradients have the form of `as_one_array`. The results stay on their devices.

    The sum over devices is not part of the program. A collective operation makes cores wait for each other: with as
    many programs running as there are cores, each of them waits for one that cannot begin.

    Args:
        hp: Hyperparameters of the network.
        settings: Weights of the loss.
        seed: Seed of the random weights of the members of the committee.
    """
    shapes = jax.eval_shape(lambda: initialize(hp, 0))
    _, as_tree = ravel_pytree(jax.tree.map(lambda leaf: np.zeros(leaf.shape, np.float32), shapes))

    def of_part(
        params: Float[Array, "P"], frames: FrameBatch, weights: Float[Array, "B M"]
    ) -> tuple[Array, FrameErrors]:
        gradient, errors = batch_gradient(as_tree(params), hp, frames, weights, settings)
        return jax.tree.map(lambda leaf: leaf[None], (as_one_array(gradient), errors))

    @jax.jit
    def gradients(
        params: Float[Array, "P"], step: jax.Array, frames: FrameBatch
    ) -> tuple[Float[Array, "D P"], FrameErrors]:
        weights = draw_weights(jax.random.fold_in(jax.random.key(seed), step), frames.trained_members)
        return over_parts(of_part, (params,), frames, weights)

    return gradients


@lru_cache(maxsize=4)
def make_update(optimizer: optax.GradientTransformation, ema_decay: float) -> Callable:
    """Return a compiled function (params, ema, state, step, gradients, rate) -> (params, ema, state, step).

    `state` is that of the optimizer, `gradients` come from `make_gradients`, and `rate` is the share of the highest
    learning rate. The update is not part of the gradient program, so that it is compiled once and not for every shape
    of frames.

    Args:
        optimizer: Optimizer from `make_optimizer`.
        ema_decay: Decay of the moving average of the parameters per step. It is smaller in the first steps.
    """

    @jax.jit
    def update(params: Any, ema: Any, state: Any, step: jax.Array, gradients: Float[Array, "D P"], rate: jax.Array):
        _, as_tree = ravel_pytree(params)
        gradient = as_tree(gradients.mean(axis=0))
        updates, state = optimizer.update(gradient, state, params)
        params = optax.apply_updates(params, jax.tree.map(lambda u: rate * u, updates))
        decay = jnp.minimum(ema_decay, (1 + step) / (10 + step))
        return params, optax.incremental_update(params, ema, 1 - decay), state, step + 1

    return update
