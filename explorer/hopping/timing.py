"""What a force call takes in a batch, and nothing but the force call: the share of the potential in a run."""

import time

import jax
import jax.numpy as jnp
import numpy as np

from explorer.devices import batch_sharding, full_rows
from explorer.hopping.batch import evaluate_ticks
from explorer.potential.potential import Potential
from explorer.system import System

TICKS = 3


class ForceCallTimer:
    """Measures the force calls of one potential; it compiles on first use.

    Args:
        potential: on which surface.
        system: the molecule.
        n_rows: structures of a batch.
    """

    def __init__(self, potential: Potential, system: System, n_rows: int):
        n_rows = full_rows(n_rows)
        rows = jnp.broadcast_to(system.positions, (n_rows, *system.positions.shape))
        self._arguments = potential, system, jax.device_put(rows, batch_sharding(n_rows))
        self._n_calls = n_rows * TICKS
        self.seconds = 0.0  # of a force call, at last measurement

    def measure(self) -> float:
        """Take the time of some force calls, while nothing else runs; seconds of one."""
        if self.seconds == 0:
            jax.block_until_ready(evaluate_ticks(*self._arguments, np.int32(1)))
        started = time.perf_counter()
        jax.block_until_ready(evaluate_ticks(*self._arguments, np.int32(TICKS)))
        self.seconds = (time.perf_counter() - started) / self._n_calls
        return self.seconds
