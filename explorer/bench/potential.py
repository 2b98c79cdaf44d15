"""How long a force call takes, by size of the molecule and of the batch, and which share of the machine that is.

pes-explore bench potential so3lr:FOLDER --out reports/bench/potential
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

from explorer.bench.results import write_json
from explorer.bench.systems import peptide
from explorer.devices import batch_sharding
from explorer.hopping.batch import evaluate_ticks
from explorer.potential.load import load_potential, read_model
from explorer.potential.potential import Potential, evaluate
from explorer.records.molecule import Molecule
from explorer.system import System, system_of
from explorer.train.throughput import peak_flops

SIZES, BATCHES = (22, 42, 102, 162, 281), (1, 8, 32, 128)
AMPLITUDE = 0.03  # Å, by which the structures of a batch differ
SECONDS = 2.0  # of repetitions for one figure
MALLOC = "GLIBC_TUNABLES"


class Timing(NamedTuple):
    """One figure of the table."""

    n_atoms: int
    n_pairs: int  # places in the list
    batch: int
    exact: bool
    milliseconds: float  # per structure and force call
    share_of_peak: float  # of the arithmetic of the matrix products of the machine


def measure(
    model: str, sizes: Iterable[int] = SIZES, batches: Iterable[int] = BATCHES, report: Callable = lambda row: None
) -> dict[str, Any]:
    """Time a model on peptides, exact and fast, and against the straightforward evaluation of the same networks.

    Args:
        model: by any of its names.
        sizes: numbers of atoms.
        batches: numbers of structures.
        report: called with each `Timing`.
    """
    peak = peak_flops()
    rows = []
    for row in timings(model, sizes, tuple(batches), peak):
        report(row)
        rows.append(row._asdict())
    digest = read_model(model).digest
    return {
        "model": f"{model.partition(':')[0]} {digest}",  # not where somebody keeps it
        "devices": [str(device) for device in jax.devices()],
        "device_kind": jax.devices()[0].device_kind,
        "matmul_gflops": peak / 1e9,
        "rows": rows,
        "straightforward": against_straightforward(model),
    }


def timings(model: str, sizes: Iterable[int], batches: tuple[int, ...], peak: float) -> Iterator[Timing]:
    """Milliseconds per structure and force call for every size, batch and kind of filter."""
    for n_atoms in sizes:
        molecule = peptide(n_atoms)
        for exact in (True, False):
            potential, _ = load_potential(model, molecule, exact=exact)
            n_operations = operations(potential, molecule)
            for batch in batches:
                milliseconds = time_potential(potential, molecule, batch)
                share = n_operations / (milliseconds * 1e-3) / peak
                yield Timing(n_atoms, potential.capacity, batch, exact, milliseconds, share)


def time_potential(potential: Potential, molecule: Molecule, batch: int, repeats: int = 0) -> float:
    """Milliseconds per structure and force call of a batch that is spread over the devices."""
    system = system_of(molecule)
    positions = jax.device_put(displaced(molecule, batch).positions, batch_sharding(batch))
    one = np.int32(1)
    return median_milliseconds(lambda: evaluate_ticks(potential, system, positions, one), repeats) / batch


def displaced(molecule: Molecule, batch: int) -> System:
    """Copies of a molecule, float32, every atom moved at random."""
    system = system_of(molecule)
    noise = AMPLITUDE * np.random.default_rng(0).standard_normal((batch, molecule.n_atoms, 3))
    rows = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (batch, *leaf.shape)), system)
    return rows.replace(positions=rows.positions + jnp.asarray(noise, rows.positions.dtype))


def median_milliseconds(call: Callable[[], Any], repeats: int = 0) -> float:
    """Of a call that was made twice before, for `repeats` or for about `SECONDS`."""
    jax.block_until_ready(call())
    times = []
    while len(times) < max(repeats, 3) or (not repeats and sum(times) < SECONDS):
        started = time.perf_counter()
        jax.block_until_ready(call())
        times.append(time.perf_counter() - started)
    return 1e3 * float(np.median(times))


def operations(potential: Potential, molecule: Molecule) -> float:
    """Floating-point operations of one force call, as XLA counts them."""
    compiled = jax.jit(evaluate).lower(potential, system_of(molecule)).compile()
    return float((compiled.cost_analysis() or {}).get("flops", np.nan))


def against_straightforward(model: str, batch: int = 32, n_atoms: int = 42, n_pairs: int = 5) -> dict[str, Any] | None:
    """Ratio to the same networks evaluated as their equations are written, in turns, and with the system's malloc.

    None for a model that has no filter networks, such as the shipped one.
    """
    molecule = peptide(n_atoms)
    exact, _ = load_potential(model, molecule, exact=True)
    fast, _ = load_potential(model, molecule)
    if jax.tree.structure(exact.params) == jax.tree.structure(fast.params):
        return None
    command = [sys.executable, "-m", "explorer.potential.reference_network", model, "--batch", str(batch)]
    environment = {name: value for name, value in os.environ.items() if name != MALLOC}
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
    """`potential.json` and `potential.svg` into a folder; returns the picture."""
    write_json(result, folder / "potential.json")
    return draw(result, folder / "potential.svg")


def draw(result: dict[str, Any], path: Path) -> Path:
    """Milliseconds per structure against the number of atoms, one line per batch; dashed where exact."""
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
    figure.savefig(path, metadata={"Date": None})
    return path
