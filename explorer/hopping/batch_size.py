"""How many walkers a machine can hold."""

import os
from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp

from explorer.config import Settings
from explorer.hopping.engine import make_engine
from explorer.hopping.slot import WALKERS_PER_SLOT, empty_slot
from explorer.hopping.walker import Engine
from explorer.potential.load import in_precision
from explorer.potential.potential import Potential, evaluate
from explorer.records.molecule import Molecule
from explorer.system import System, system_of

# more walkers gain nothing, learn late of each other's minima, and leave more hops half done when a search ends
MOST_ON_CPU, MOST_ON_GPU = 16, 1024
SHARE = 0.25  # of the memory, for walkers
COPIES = 6  # of a row's state that a tick and its linear algebra hold at a time


def with_walkers(potential: Potential, molecule: Molecule, settings: Settings) -> Settings:
    """The settings with as many walkers as fit into the memory where their number is left open."""
    if settings.hopping.n_walkers:
        return settings
    system = system_of(molecule, jnp.dtype(settings.precision))
    potential = in_precision(potential, settings.precision)
    n_walkers = walkers_that_fit(make_engine(molecule, settings), potential, system)
    return replace(settings, hopping=replace(settings.hopping, n_walkers=n_walkers))


def walkers_that_fit(engine: Engine, potential: Potential, system: System, memory: int | None = None) -> int:
    """The number of walkers whose rows, and whose force calls where they run at once, fit into the memory.

    Args:
        engine: of the search.
        potential: on which surface.
        system: the molecule.
        memory: bytes; those of the device by default.
    """
    on_cpu = jax.default_backend() == "cpu"
    per_row = COPIES * row_bytes(engine, system)
    if not on_cpu:  # on a CPU force calls come one after the other
        per_row += force_call_bytes(potential, system)
    fitting = WALKERS_PER_SLOT * int(SHARE * (memory or device_memory()) / per_row)
    return max(WALKERS_PER_SLOT, min(fitting, MOST_ON_CPU if on_cpu else MOST_ON_GPU))


def row_bytes(engine: Engine, system: System) -> int:
    """Size of the state of one row, which grows with the square of the number of atoms."""
    state = jax.eval_shape(partial(empty_slot, engine), system.positions)
    return sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(state))


def force_call_bytes(potential: Potential, system: System) -> int:
    """What XLA needs for the intermediate values of one force call."""
    analysis = jax.jit(evaluate).lower(potential, system).compile().memory_analysis()
    return int(getattr(analysis, "temp_size_in_bytes", 0))


def device_memory() -> int:
    """Bytes of the first device; on a CPU of the machine."""
    statistics = jax.devices()[0].memory_stats()
    if statistics:
        return int(statistics["bytes_limit"])
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
