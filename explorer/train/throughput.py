"""How fast a training is: frames per second, and which share of what the devices can do."""

import time
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from explorer.devices import batch_sharding
from explorer.potential.hyperparameters import Hyperparameters
from explorer.train.frames import Bucket, Rows
from explorer.train.loss import LossSettings, batch_gradient

SIZE, REPEATS = 1024, 5  # of the matrix product that measures a device


def peak_flops() -> float:
    """Floating-point operations per second of large float32 matrix products on all devices together."""
    n_devices = len(jax.devices())
    spread = batch_sharding(n_devices)
    matrices = jax.device_put(np.ones((n_devices, SIZE, SIZE), np.float32), spread)
    product = jax.jit(jax.shard_map(lambda a: a @ a, mesh=spread.mesh, in_specs=(spread.spec,), out_specs=spread.spec))
    seconds = []
    for _ in range(REPEATS + 1):  # the first one compiles
        started = time.perf_counter()
        jax.block_until_ready(product(matrices))
        seconds.append(time.perf_counter() - started)
    return n_devices * 2 * SIZE**3 / min(seconds[1:])


def flops_per_frame(params: Any, hp: Hyperparameters, bucket: Bucket) -> float:
    """Operations of the gradient of one frame of a bucket by XLA's count; nothing is compiled."""
    row = jax.tree.map(lambda a: a[:1], bucket.rows)
    weights = jnp.full((1, hp.n_members), 1 / hp.n_members, jnp.float32)

    def gradient(params: Any, row: Rows):
        return batch_gradient(params, hp, row, weights, LossSettings(1.0, 1.0, 1.0))

    analysis = jax.jit(gradient).lower(params, row).cost_analysis()
    return float((analysis or {}).get("flops", np.nan))
