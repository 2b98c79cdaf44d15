"""JAX devices: configuration, and batches split over all devices, CPU cores included."""

import os
from collections.abc import Callable
from functools import cache, partial
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from explorer.resources import compilation_cache_folder

GPU_ROWS = 64  # structures that one GPU evaluates at a time outside of the walkers; not tuned


def configure_jax(n_cpu_devices: int | None = None) -> None:
    """Make every CPU core a device, enable float64, and cache compiled programs; call it before JAX computes anything.

    For molecules of the size of a peptide, one XLA program on one CPU device uses a second core for only a fifth of the
    time. Two programs with half a batch each use both cores all the time.

    Args:
        n_cpu_devices: Number of CPU cores to use; by default all that this process may use.
    """
    jax.config.update("jax_enable_x64", True)
    jax.config.update("jax_compilation_cache_dir", str(compilation_cache_folder()))
    n_devices = n_cpu_devices or len(os.sched_getaffinity(0))
    try:
        jax.config.update("jax_num_cpu_devices", n_devices)
    except RuntimeError:
        return  # the backend is running already, for instance in a notebook, and keeps its devices


@cache
def quick_options() -> dict[str, Any]:
    """Return options of XLA that compile in less time on a CPU.

    There are none where this version of XLA does not know them, or where JAX is told to leave out optimisations anyway.
    """
    if jax.default_backend() != "cpu" or jax.config.read("jax_disable_most_optimizations"):
        return {}
    options = {"xla_cpu_use_fusion_emitters": False, "xla_backend_optimization_level": 1}
    try:
        jax.jit(lambda: 0, compiler_options=options).lower().compile()
    except Exception:  # JAX raises errors of the runtime, whose class depends on its version
        return {}
    return options


def _mesh(n_rows: int) -> Mesh:
    """Devices along one axis, `batch`; their number is the largest that divides the number of rows."""
    devices = jax.devices()
    n_devices = next(n for n in range(len(devices), 0, -1) if n_rows % n == 0)
    return Mesh(np.array(devices[:n_devices]), ("batch",))


def padded_batch_size(n_rows: int) -> int:
    """Round a number of rows up to a multiple of the number of devices; a single row stays single."""
    n_devices = len(jax.devices())
    return n_rows if n_rows == 1 else -(-n_rows // n_devices) * n_devices


def rows_at_once() -> int:
    """Return the number of structures that relaxations and estimates of uncertainty evaluate in one program.

    A CPU evaluates one structure after the other, so it gets one for each core.
    """
    return len(jax.devices()) * (1 if jax.default_backend() == "cpu" else GPU_ROWS)


def batch_sharding(n_rows: int) -> NamedSharding:
    """Return the sharding that splits the rows of the leading axis over the devices."""
    return NamedSharding(_mesh(n_rows), PartitionSpec("batch"))


def replicated_sharding(n_rows: int) -> NamedSharding:
    """Return the sharding with a copy on each device that has rows; arrays without it are copied at every call."""
    return NamedSharding(_mesh(n_rows), PartitionSpec())


def over_parts(of_part: Callable, shared: tuple, *rows: Any) -> Any:
    """Call `of_part(*shared, *part)` on each device with its part of the rows; for use inside a compiled function.

    Args:
        of_part: Function of several rows; every leaf of its result has the leading axis too.
        shared: Arguments that every device receives as a whole.
        rows: Further arguments. The leading axis of every leaf is split over the devices.

    Returns:
        The results of the parts, joined along the leading axis.
    """
    n_rows = len(jax.tree.leaves(rows)[0])
    split, whole = PartitionSpec("batch"), PartitionSpec()
    in_specs = (whole,) * len(shared) + (split,) * len(rows)
    # parts never communicate, so there is no collective whose varying axes JAX would have to check
    spread = jax.shard_map(of_part, mesh=_mesh(n_rows), in_specs=in_specs, out_specs=split, check_vma=False)
    return spread(*shared, *rows)


def over_rows(of_one: Callable, shared: tuple, *rows: Any) -> Any:
    """Call `of_one(*shared, *row)` for each row, with the rows split over the devices; inside a compiled function.

    On a CPU, a device handles its rows one after the other (see `evaluate_batch`), so that an iterative function
    stops at the convergence of each row and not of the slowest one.

    Args:
        of_one: Function of one row.
        shared: Arguments that are the same for all rows.
        rows: Further arguments; every leaf has the leading axis.
    """

    def of_part(*arguments: Any) -> Any:
        one, rows = partial(of_one, *arguments[: len(shared)]), arguments[len(shared) :]
        if jax.default_backend() == "cpu":
            return jax.lax.map(lambda row: one(*row), rows)
        return jax.vmap(one)(*rows)

    return over_parts(of_part, shared, *rows)
