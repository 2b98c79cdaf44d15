"""Time of a force call by size of molecule and batch, and its share of the peak arithmetic of the machine.

Example: `pes-explore bench potential so3lr:FOLDER --out reports/bench/potential`
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from explorer.bench.systems import peptide
from explorer.devices import batch_sharding, over_parts
from explorer.files import write_atomically, write_json
from explorer.potential.load import load_potential, read_model
from explorer.potential.potential import Potential, evaluate, evaluate_batch
from explorer.records.molecule import Molecule
from explorer.system import System, system_of
from explorer.train.throughput import peak_flops

DEFAULT_SIZES, DEFAULT_BATCHES = (22, 42, 102, 162, 281), (1, 8, 32, 128)  # numbers of atoms; numbers of structures
_DISPLACEMENT = 0.03  # Å, standard deviation by which the structures of a batch differ; not tuned
_TIMING_SECONDS = 2.0  # s of repetitions for one figure; not tuned
_MALLOC_VARIABLE = "GLIBC_TUNABLES"  # the reference runs with the malloc of the system


class Timing(NamedTuple):
    """One row of the table; the names are keys of the JSON file.

    Attributes:
        n_atoms: Number of atoms.
        n_pairs: Capacity of the list of pairs.
        batch: Number of structures evaluated together.
        exact: Whether the filter networks are evaluated themselves, not their low-rank form.
        milliseconds: Time per structure and force call, ms.
        share_of_peak: Floating-point operations per second as a share of those of matrix products on this machine.
    """

    n_atoms: int
    n_pairs: int
    batch: int
    exact: bool
    milliseconds: float
    share_of_peak: float


def measure(
    model: str,
    sizes: Iterable[int] = DEFAULT_SIZES,
    batches: Iterable[int] = DEFAULT_BATCHES,
    report: Callable = lambda row: None,
) -> dict[str, Any]:
    """Time a model on peptides, exact and fast, and against the straightforward evaluation of the same networks.

    Args:
        model: Name of the model, as on the command line.
        sizes: Numbers of atoms of the peptides.
        batches: Numbers of structures in a batch.
        report: Called with each `Timing`.
    """
    peak = peak_flops()
    rows = []
    for row in timings(model, sizes, tuple(batches), peak):
        report(row)
        rows.append(row._asdict())
    digest = read_model(model).digest
    return {
        "model": f"{model.partition(':')[0]} {digest}",  # without the folder
        "devices": [str(device) for device in jax.devices()],
        "device_kind": jax.devices()[0].device_kind,
        "matmul_gflops": peak / 1e9,
        "rows": rows,
        "straightforward": against_straightforward(model),
    }


def timings(model: str, sizes: Iterable[int], batches: tuple[int, ...], peak: float) -> Iterator[Timing]:
    """Measure every combination of size, filter and batch.

    Args:
        model: Name of the model, as on the command line.
        sizes: Numbers of atoms of the peptides.
        batches: Numbers of structures in a batch.
        peak: Floating-point operations per second of matrix products on this machine.
    """
    for n_atoms in sizes:
        molecule = peptide(n_atoms)
        for exact in (True, False):
            potential, _ = load_potential(model, molecule, exact=exact)
            n_operations = operations(potential, molecule)
            for batch in batches:
                milliseconds = time_potential(potential, molecule, batch)
                share = n_operations / (milliseconds * 1e-3) / peak
                yield Timing(n_atoms, potential.capacity, batch, exact, milliseconds, share)


@jax.jit
def evaluate_ticks(
    potential: Potential, system: System, positions: Float[Array, "B N 3"], n_ticks: Int[Array, ""]
) -> Float[Array, "B N 3"]:
    """Make the force calls of a round and nothing else, to measure them.

    Args:
        potential: Potential to evaluate.
        system: Molecule; its positions are not used.
        positions: Structures of the batch, Å.
        n_ticks: Force calls of each structure.

    Returns:
        Positions that depend on all force calls, Å.
    """

    def local(potential: Potential, system: System, n_ticks: Array, positions: Array) -> Array:
        systems = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (len(positions), *leaf.shape)), system)

        def tick(_: int, positions: Array) -> Array:
            forces = evaluate_batch(potential, systems.replace(positions=positions)).forces
            return positions + 1e-9 * forces  # each call depends on the one before, so that none is optimised away

        return jax.lax.fori_loop(0, n_ticks, tick, positions)

    return over_parts(local, (potential, system, n_ticks), positions)


def time_potential(potential: Potential, molecule: Molecule, batch: int, repeats: int = 0) -> float:
    """Return the milliseconds per structure and force call of a batch that is spread over the devices.

    Args:
        potential: Potential to evaluate.
        molecule: Molecule whose displaced copies form the batch.
        batch: Number of structures.
        repeats: Number of repetitions; 0 repeats for about two seconds.
    """
    system = system_of(molecule)
    positions = jax.device_put(displaced(molecule, batch).positions, batch_sharding(batch))
    one = np.int32(1)
    return median_milliseconds(lambda: evaluate_ticks(potential, system, positions, one), repeats) / batch


def displaced(molecule: Molecule, batch: int) -> System:
    """Return a batch of copies of a molecule in float32 with random displacements of every atom.

    Args:
        molecule: Molecule to copy.
        batch: Number of copies.
    """
    system = system_of(molecule)
    noise = _DISPLACEMENT * np.random.default_rng(0).standard_normal((batch, molecule.n_atoms, 3))
    copies = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (batch, *leaf.shape)), system)
    return copies.replace(positions=copies.positions + jnp.asarray(noise, copies.positions.dtype))


def median_milliseconds(call: Callable[[], Any], repeats: int = 0) -> float:
    """Return the median time of a call, after one call that is not timed.

    Args:
        call: Function without arguments; its result is waited for.
        repeats: Number of repetitions, at least 3; 0 repeats for about two seconds.
    """
    jax.block_until_ready(call())
    times = []
    while len(times) < max(repeats, 3) or (not repeats and sum(times) < _TIMING_SECONDS):
        started = time.perf_counter()
        jax.block_until_ready(call())
        times.append(time.perf_counter() - started)
    return 1e3 * float(np.median(times))


def operations(potential: Potential, molecule: Molecule) -> float:
    """Return the number of floating-point operations of one force call, as counted by XLA.

    Args:
        potential: Potential to evaluate.
        molecule: Molecule, whose size determines the number.
    """
    compiled = jax.jit(evaluate).lower(potential, system_of(molecule)).compile()
    return float((compiled.cost_analysis() or {}).get("flops", np.nan))


def against_straightforward(model: str, batch: int = 32, n_atoms: int = 42, n_pairs: int = 5) -> dict[str, Any] | None:
    """Compare with the same networks evaluated as their equations are written and with the malloc of the system.

    The two programs run in turns, so that a change of the speed of the machine affects both.

    Args:
        model: Name of the model, as on the command line.
        batch: Number of structures.
        n_atoms: Number of atoms of the peptide.
        n_pairs: Number of pairs of measurements.

    Returns:
        Times and their ratios; None for a model without filter networks, such as the shipped one.
    """
    molecule = peptide(n_atoms)
    exact, _ = load_potential(model, molecule, exact=True)
    fast, _ = load_potential(model, molecule)
    if jax.tree.structure(exact.params) == jax.tree.structure(fast.params):
        return None
    command = [sys.executable, "-m", "explorer.bench.reference_network", model, "--batch", str(batch)]
    environment = {name: value for name, value in os.environ.items() if name != _MALLOC_VARIABLE}
    slow, quick = [], []
    for _ in range(n_pairs):
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        slow.append(float(done.stdout))
        quick.append(time_potential(fast, molecule, batch))
    ratios = np.array(slow) / np.array(quick)
    return {
        "n_atoms": n_atoms,
        "batch": batch,
        "straightforward_ms": slow,
        "fast_ms": quick,
        "ratio_median": float(np.median(ratios)),
        "ratio_range": [float(ratios.min()), float(ratios.max())],
    }


def write(result: dict[str, Any], folder: Path) -> Path:
    """Write `potential.json` and `potential.svg` into a folder and return the path of the picture."""
    write_json(result, folder / "potential.json")
    return draw(result, folder / "potential.svg")


def draw(result: dict[str, Any], path: Path) -> Path:
    """Draw the milliseconds per structure against the number of atoms: one line per batch size, dashed if exact."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    rows = [Timing(**row) for row in result["rows"]]
    for k, batch in enumerate(sorted({row.batch for row in rows})):
        for exact, style in ((True, "--"), (False, "-")):
            line = [(row.n_atoms, row.milliseconds) for row in rows if row.batch == batch and row.exact == exact]
            label = None if exact else f"batch of {batch}"
            axes.plot(*zip(*line, strict=True), style, color=f"C{k}", marker="o", markersize=3, label=label)
    axes.set(xscale="log", yscale="log", xlabel="atoms", ylabel="ms per structure and force call")
    axes.set_title(f"{result['model']}: low-rank filters (lines), filter networks (dashed)", fontsize=9)
    axes.legend(fontsize=8)
    with write_atomically(path) as temporary:
        figure.savefig(temporary, metadata={"Date": None})
    return path
