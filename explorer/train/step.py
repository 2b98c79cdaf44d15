"""A step of a training in two programs: gradients, one of each device for its part of a batch, and an update."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax.sharding import PartitionSpec
from jaxtyping import Array, Float

from explorer.devices import batch_sharding
from explorer.potential.hyperparameters import Hyperparameters
from explorer.train.bootstrap import draw_weights
from explorer.train.frames import Rows
from explorer.train.loss import Errors, LossSettings, batch_gradient


def make_gradients(hp: Hyperparameters, batch_size: int, settings: LossSettings, seed: int) -> Callable:
    """(params, step, rows) -> gradients and errors, one of each for each device, which stay where they were found.

    A sum over devices that belongs to the program makes cores wait for each other: with as many programs under way as
    there are cores, each waits for one that cannot begin.

    Args:
        hp: of the network.
        batch_size: rows of a step.
        settings: of the loss.
        seed: of the weights of the members of a committee.
    """

    def of_part(params: Any, rows: Rows, weights: Float[Array, "B M"]) -> tuple[Any, Errors]:
        found = batch_gradient(params, hp, rows, weights, LossSettings(*map(jnp.float32, settings)))
        return jax.tree.map(lambda leaf: leaf[None], found)

    spread, alike = batch_sharding(batch_size), PartitionSpec()
    of_parts = jax.shard_map(
        of_part, mesh=spread.mesh, in_specs=(alike, spread.spec, spread.spec), out_specs=spread.spec, check_vma=False
    )

    @jax.jit
    def gradients(params: Any, step: jax.Array, rows: Rows) -> tuple[Any, Errors]:
        weights = draw_weights(jax.random.fold_in(jax.random.key(seed), step), rows.visible)
        return of_parts(params, rows, weights)

    return gradients


def make_update(optimizer: optax.GradientTransformation, ema_decay: float) -> Callable:
    """(params, ema, optimizer state, step, gradients, share of the learning rate) -> the first four after the step.

    It is apart from the gradients, so that it is compiled once and not for every shape of rows.

    Args:
        optimizer: `make_optimizer`'s.
        ema_decay: of the moving average of the parameters.
    """

    @jax.jit
    def update(params: Any, ema: Any, state: Any, step: jax.Array, gradients: Any, level: jax.Array):
        gradient = jax.tree.map(lambda of_parts: of_parts.mean(axis=0), gradients)
        updates, state = optimizer.update(gradient, state, params)
        params = optax.apply_updates(params, jax.tree.map(lambda u: level * u, updates))
        decay = jnp.minimum(ema_decay, (1 + step) / (10 + step))
        return params, optax.incremental_update(params, ema, 1 - decay), state, step + 1

    return update
