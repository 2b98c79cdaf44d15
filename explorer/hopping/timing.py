"""Timing of force calls, from which the share of the potential in a run is computed; it needs no program of its own."""

import time

import jax
import numpy as np

from explorer.devices import batch_sharding, replicated_sharding, rows_at_once
from explorer.hopping.walker_pool import WalkerPool
from explorer.potential.padding import with_padding
from explorer.potential.potential import Potential
from explorer.potential.prediction import predict_batch
from explorer.strategy.hop_request import EscapeMode, HopRequest
from explorer.system import System

TIMED_TICKS = 3  # force calls of each slot in a measurement; not tuned
_TEMPERATURE = 1.0  # K, of the timed dynamics; not tuned


def walker_call_seconds(pool: WalkerPool) -> float:
    """Measure the time of one force call of the walkers, s, in dynamics, which add little to it.

    Nothing else must run on the device. The first round of the measurement is dropped, since caches are cold: it would
    be longer than the others, so that their difference would be too small, or negative.

    Args:
        pool: Walker pool; its slots are not changed.
    """
    origin = pool.without_padding(np.asarray(pool.system.positions, float))
    direction = np.random.default_rng(0).normal(size=origin.shape)
    requests = [
        HopRequest(walker=k, origin=origin, mode=EscapeMode.DIRECTED, target=direction, temperature=_TEMPERATURE)
        for k in range(pool.n_slots)
    ]
    seconds = {}
    jax.block_until_ready(pool.trial_round(requests, 1))
    for n_ticks in (1, 1 + TIMED_TICKS):  # the difference is free of what a round costs beside its force calls
        started = time.perf_counter()
        jax.block_until_ready(pool.trial_round(requests, n_ticks))
        seconds[n_ticks] = time.perf_counter() - started
    return max(0.0, seconds[1 + TIMED_TICKS] - seconds[1]) / (TIMED_TICKS * pool.n_slots)


def predicted_call_seconds(potential: Potential, system: System) -> float:
    """Measure the time of one force call outside of the walkers, s. A first one is dropped, since caches are cold.

    Args:
        potential: Potential to evaluate.
        system: Molecule, at the positions of the force calls.
    """
    size, system = rows_at_once(), with_padding(potential, system)
    positions = np.broadcast_to(np.asarray(system.positions), (size, *system.positions.shape))
    rows = jax.device_put((positions, np.ones(size, bool)), batch_sharding(size))
    system = jax.device_put(system, replicated_sharding(size))
    jax.block_until_ready(predict_batch(potential, system, *rows).forces)
    started = time.perf_counter()
    jax.block_until_ready(predict_batch(potential, system, *rows).forces)
    return (time.perf_counter() - started) / size
