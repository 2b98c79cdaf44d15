"""Timing of force calls in a batch, from which the share of the potential in a run is computed."""

import time

import jax
import jax.numpy as jnp
import numpy as np

from explorer.devices import batch_sharding, padded_batch_size
from explorer.hopping.batch import evaluate_ticks
from explorer.potential.potential import Potential
from explorer.system import System

TIMED_TICKS = 3  # force calls of each structure in a measurement; not tuned


class ForceCallTimer:
    """Measures the force calls of one potential. It compiles on first use.

    Args:
        potential: Potential to evaluate.
        system: Molecule, at the positions of the force calls.
        batch_size: Structures of a batch.

    Attributes:
        seconds: Time of one force call at the last measurement; 0 before the first.
    """

    def __init__(self, potential: Potential, system: System, batch_size: int):
        n_rows = padded_batch_size(batch_size)
        positions = jnp.broadcast_to(system.positions, (n_rows, *system.positions.shape))
        self._arguments = potential, system, jax.device_put(positions, batch_sharding(n_rows))
        self._n_calls = n_rows * TIMED_TICKS
        self.seconds = 0.0

    def measure(self) -> float:
        """Measure the seconds of one force call. Nothing else must run on the device."""
        if self.seconds == 0:
            jax.block_until_ready(evaluate_ticks(*self._arguments, np.int32(1)))
        started = time.perf_counter()
        jax.block_until_ready(evaluate_ticks(*self._arguments, np.int32(TIMED_TICKS)))
        self.seconds = (time.perf_counter() - started) / self._n_calls
        return self.seconds
