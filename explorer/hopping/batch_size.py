"""Number of walkers that fit into the memory of a machine."""

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

# More walkers bring no advantage: each learns late of the minima of the others, and more hops are unfinished when a
# search ends. The numbers were not tuned.
MAX_WALKERS_CPU, MAX_WALKERS_GPU = 16, 1024
WALKER_MEMORY_SHARE = 0.25  # share of the memory that walkers may use; not tuned
STATE_COPIES = 6  # copies of the state of a slot that a tick and its linear algebra hold at a time; not tuned


def with_walkers(potential: Potential, molecule: Molecule, settings: Settings) -> Settings:
    """Return the settings with the number of walkers that fit into the memory, where it is 0.

    Args:
        potential: Potential of the search.
        molecule: Molecule; its positions are not used.
        settings: Settings of the search.
    """
    if settings.hopping.n_walkers:
        return settings
    system = system_of(molecule, jnp.dtype(settings.precision))
    potential = in_precision(potential, settings.precision)
    n_walkers = walkers_that_fit(make_engine(molecule, settings), potential, system)
    return replace(settings, hopping=replace(settings.hopping, n_walkers=n_walkers))


def walkers_that_fit(engine: Engine, potential: Potential, system: System, memory: int | None = None) -> int:
    """Return the number of walkers whose slots fit into the memory.

    On a GPU all force calls of a tick run at once, so their intermediate values must fit as well.

    Args:
        engine: Engine of the search.
        potential: Potential of the search.
        system: Molecule; its positions are not used.
        memory: Bytes; by default the memory of the device.
    """
    on_cpu = jax.default_backend() == "cpu"
    per_slot = STATE_COPIES * slot_bytes(engine, system)
    if not on_cpu:  # on a CPU force calls are made one after the other
        per_slot += force_call_bytes(potential, system)
    fitting = WALKERS_PER_SLOT * int(WALKER_MEMORY_SHARE * (memory or device_memory()) / per_slot)
    return max(WALKERS_PER_SLOT, min(fitting, MAX_WALKERS_CPU if on_cpu else MAX_WALKERS_GPU))


def slot_bytes(engine: Engine, system: System) -> int:
    """Return the bytes of the state of one slot, which grow with the square of the number of atoms."""
    state = jax.eval_shape(partial(empty_slot, engine), system.positions)
    return sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(state))


def force_call_bytes(potential: Potential, system: System) -> int:
    """Return the bytes that XLA needs for the intermediate values of one force call."""
    analysis = jax.jit(evaluate).lower(potential, system).compile().memory_analysis()
    return int(getattr(analysis, "temp_size_in_bytes", 0))


def device_memory() -> int:
    """Return the bytes of memory of the first device; on a CPU those of the machine."""
    statistics = jax.devices()[0].memory_stats()
    if statistics:
        return int(statistics["bytes_limit"])
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
