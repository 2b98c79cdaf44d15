"""Speed of a training: floating-point operations per frame, and the peak performance of the devices."""

import time
from functools import cache, lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from explorer.devices import batch_sharding
from explorer.potential.hyperparameters import Hyperparameters
from explorer.train.frames import Bucket, FrameBatch
from explorer.train.loss import LossSettings, batch_gradient

_MATRIX_SIZE, _N_TIMED_PRODUCTS = 1024, 5  # of the matrix products that measure a device; not tuned


@cache
def peak_flops() -> float:
    """Measure the floating-point operations per second of large float32 matrix products on all devices together."""
    n_devices = len(jax.devices())
    spread = batch_sharding(n_devices)
    matrices = jax.device_put(np.ones((n_devices, _MATRIX_SIZE, _MATRIX_SIZE), np.float32), spread)
    product = jax.jit(jax.shard_map(lambda a: a @ a, mesh=spread.mesh, in_specs=(spread.spec,), out_specs=spread.spec))
    seconds = []
    for _ in range(_N_TIMED_PRODUCTS + 1):  # the first one compiles
        started = time.perf_counter()
        jax.block_until_ready(product(matrices))
        seconds.append(time.perf_counter() - started)
    return n_devices * 2 * _MATRIX_SIZE**3 / min(seconds[1:])


def flops_per_frame(params: Any, hp: Hyperparameters, bucket: Bucket) -> float:
    """Return the floating-point operations of the gradient of one frame, as counted by XLA; nothing is compiled.

    Args:
        params: Parameters of the network.
        hp: Hyperparameters of the network.
        bucket: Frames of one shape, on which the number of operations depends.
    """
    frame = jax.tree.map(lambda a: a[:1], bucket.frames)
    shapes, tree = jax.tree.flatten(jax.tree.map(lambda a: jax.ShapeDtypeStruct(a.shape, a.dtype), (params, frame)))
    return _counted_flops(hp, tree, tuple(shapes))


@lru_cache(maxsize=64)
def _counted_flops(hp: Hyperparameters, tree: Any, shapes: tuple[jax.ShapeDtypeStruct, ...]) -> float:
    """Count the operations for parameters and a frame of these shapes."""
    weights = jnp.full((1, hp.n_members), 1 / hp.n_members, jnp.float32)

    def gradient(params: Any, frame: FrameBatch):
        return batch_gradient(params, hp, frame, weights, LossSettings(1.0, 1.0, 1.0))

    analysis = jax.jit(gradient).lower(*jax.tree.unflatten(tree, shapes)).cost_analysis()
    return float((analysis or {}).get("flops", np.nan))
