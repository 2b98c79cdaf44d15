"""How many force calls a relaxation takes and how deep it ends, ours against other programs' on the same starts.

pes-explore bench relax ac-ala3-nhme --potential so3lr:FOLDER --out reports/bench
"""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from explorer.bench.peers import ASE, IMPORTED, Trace, missing_peers, relax_with
from explorer.bench.results import write_json
from explorer.bench.starts import embedded_starts, escaped_starts
from explorer.config import Settings
from explorer.potential.capacity import choose_capacity
from explorer.potential.load import potential_of
from explorer.potential.potential import Potential, evaluate, evaluate_batch
from explorer.records.molecule import Molecule
from explorer.relax.relaxer import Relaxer, Status, ending, make_relaxer
from explorer.system import System, system_of
from explorer.workflows.relax import relax_tightly

BATCH = 32
PEER_FMAX = 0.01  # eV/Å, where the others stop
DEPTH = 1e-4  # eV above the bottom of the basin
TIMED_TICKS, REPETITIONS = 16, 5


def measure(
    molecule: Molecule,
    settings: Settings,
    embedded: bool,
    n_starts: int,
    n_peer_starts: int,
    report: Callable[[str], None] = lambda line: None,
) -> dict[str, Any]:
    """Relax the same starts with our relaxer and with others'.

    Args:
        molecule: any conformer.
        settings: potential, precision, seed, convergence of ours.
        embedded: start from embeddings; else from the ends of escapes.
        n_starts: for ours.
        n_peer_starts: for each of the others, the first ones.
        report: called with a line about each optimiser.
    """
    potential, info = potential_of(settings, molecule)
    if embedded:
        starts = embedded_starts(molecule, n_starts, settings.seed)
    else:
        starts = escaped_starts(potential, molecule, settings, n_starts, settings.seed)
    if potential.capacity:  # compact structures come on the way, and this list does not grow
        potential = potential.replace(capacity=choose_capacity(starts, 1.2 * potential.cutoff))
    rows = {"pes-explore": summarise(molecule, settings, trace_ours(potential, molecule, settings, starts))}
    report(line("pes-explore", rows["pes-explore"]))
    missing = missing_peers()
    for name in [*ASE, *(n for n in IMPORTED if n not in missing)] if n_peer_starts else []:
        traces = relax_with(name, molecule, settings, starts[:n_peer_starts], PEER_FMAX)
        rows[name] = summarise(molecule, settings, traces)
        report(line(name, rows[name]))
    return {
        "molecule": molecule.name,
        "n_atoms": molecule.n_atoms,
        "potential": info.reference,
        "digest": info.digest,
        "precision": settings.precision,
        "starts": "embeddings" if embedded else "ends of escapes at 1000 K",
        "seed": settings.seed,
        "peers_stop_at_eV_per_A": PEER_FMAX,
        "optimisers": rows,
        "missing": missing,
        "share_outside_potential": share_outside(potential, molecule, settings, starts),
    }


def trace_ours(
    potential: Potential, molecule: Molecule, settings: Settings, starts: Float[np.ndarray, "n N 3"]
) -> list[Trace]:
    """Relaxations with our relaxer in batches of 32, energy and force of the structure held after each force call."""
    relaxer = make_relaxer(molecule, settings.relax)
    traces = []
    for first in range(0, len(starts), BATCH):
        rows = starts[first : first + BATCH]
        filled = np.concatenate([rows, np.repeat(rows[-1:], BATCH - len(rows), axis=0)])
        traces += _trace_batch(potential, relaxer, _batch_of(molecule, settings, filled))[: len(rows)]
    return traces


def _batch_of(molecule: Molecule, settings: Settings, starts: Float[np.ndarray, "B N 3"]) -> System:
    system = system_of(molecule, jnp.dtype(settings.precision))
    systems = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (len(starts), *leaf.shape)), system)
    centred = starts - starts.mean(axis=1, keepdims=True)
    return systems.replace(positions=jnp.asarray(centred, system.positions.dtype))


def _trace_batch(potential: Potential, relaxer: Relaxer, systems: System) -> list[Trace]:
    positions, state = systems.positions, jax.vmap(relaxer.init)(systems.positions)
    jax.block_until_ready(_ticks(potential, relaxer, systems, positions, state, 1))
    traces = [Trace() for _ in positions]
    started = time.perf_counter()
    while np.any(running := np.asarray(state.status) == Status.RUNNING):
        positions, state = _ticks(potential, relaxer, systems, positions, state, 1)
        energies, fmax = np.asarray(state.energy, float), np.asarray(state.fmax, float)
        for k in np.flatnonzero(running):
            traces[k].energies.append(float(energies[k]))
            traces[k].fmax.append(float(fmax[k]))
    seconds = (time.perf_counter() - started) / len(traces)
    for k, trace in enumerate(traces):
        trace.positions, trace.seconds = np.asarray(state.positions[k], float), seconds
        if state.status[k] != Status.CONVERGED:
            trace.failure = ending(int(state.status[k]), int(state.fallback[k]))
    return traces


@partial(jax.jit, static_argnames="relaxer")
def _ticks(potential: Potential, relaxer: Relaxer | None, systems: System, positions, state, n_ticks):
    """So many force calls, each with a step of the relaxer; None for the force calls alone."""

    def tick(_: int, carry):
        positions, state = carry
        evaluations = evaluate_batch(potential, systems.replace(positions=positions))
        if relaxer is None:  # each call needs the one before, so that none is left out
            return positions + 1e-9 * evaluations.forces, state
        return jax.vmap(relaxer.step)(positions, evaluations, state)

    return jax.lax.fori_loop(0, n_ticks, tick, (positions, state))


def share_outside(
    potential: Potential, molecule: Molecule, settings: Settings, starts: Float[np.ndarray, "n N 3"]
) -> float:
    """Share of the wall time of relaxing 32 structures at once that is not the potential's; the best of five times."""
    systems = _batch_of(molecule, settings, starts[np.arange(BATCH) % len(starts)])
    relaxer = make_relaxer(molecule, settings.relax)
    state = jax.vmap(relaxer.init)(systems.positions)
    seconds: dict[bool, list[float]] = {True: [], False: []}
    for _ in range(REPETITIONS + 1):  # the first is the compilation
        for alone in seconds:
            started = time.perf_counter()
            arguments = (systems, systems.positions, None if alone else state, TIMED_TICKS)
            jax.block_until_ready(_ticks(potential, None if alone else relaxer, *arguments))
            seconds[alone].append(time.perf_counter() - started)
    return 1 - min(seconds[True][1:]) / min(seconds[False][1:])


def summarise(molecule: Molecule, settings: Settings, traces: list[Trace]) -> dict[str, Any]:
    """Force calls, seconds, depth above the bottom of the basin, failures by reason.

    The bottom is where our relaxer ends from there in float64 at 1e-4 eV/Å; depths are differences of the energies in
    float64 of both.
    """
    good = [t for t in traces if not t.failure]
    failures = dict(Counter(t.failure for t in traces if t.failure))
    if not good:
        return {"n_starts": len(traces), "n_failed": len(traces), "failures": failures}
    ends = np.stack([t.positions for t in good])
    bottom = np.asarray(relax_tightly(molecule, settings, ends).energy, float)
    depth = energies_in_float64(molecule, settings, ends) - bottom
    # the traces are in the precision of the run: what an energy of float32 is off by is taken from the end
    offset = np.array([t.energies[-1] for t in good]) - (bottom + depth)
    reached = [_first(np.array(t.energies) - o - b < DEPTH) for t, o, b in zip(good, offset, bottom, strict=True)]
    return {
        "n_starts": len(traces),
        "n_failed": len(traces) - len(good),
        "failures": failures,
        "calls": quantiles([len(t.energies) for t in good]),
        "calls_to_1e-4_eV_of_the_bottom": quantiles([n for n in reached if n]),
        "n_that_reach_it": sum(n > 0 for n in reached),
        "calls_to_0.01_eV_per_A": quantiles([_first(np.array(t.fmax) < PEER_FMAX) for t in good]),
        "seconds_per_structure": float(np.median([t.seconds for t in good])),
        "depth_eV": quantiles(depth),
    }


def energies_in_float64(molecule: Molecule, settings: Settings, ends: Float[np.ndarray, "n N 3"]) -> np.ndarray:
    """Energies of structures, eV."""
    settings = replace(settings, precision="float64")
    potential = potential_of(settings, molecule)[0].replace(capacity=0)
    systems = _batch_of(molecule, settings, ends)
    return np.asarray(jax.lax.map(lambda system: evaluate(potential, system).energy, systems))


def quantiles(values: Any) -> dict[str, float] | None:
    """Median, 95th percentile and largest; None of nothing."""
    if len(values) == 0:
        return None
    median, upper = np.percentile(values, [50, 95])
    return {"median": float(median), "p95": float(upper), "largest": float(np.max(values))}


def _first(mask: np.ndarray) -> int:
    """Number of the first force call where it holds, from 1; 0 for never."""
    return int(mask.argmax()) + 1 if mask.any() else 0


def line(name: str, row: dict[str, Any]) -> str:
    """An optimiser for a person."""
    return "  ".join(cells(name, row))


def cells(name: str, row: dict[str, Any]) -> tuple[str, ...]:
    """An optimiser as a row of the table: name, starts, failed, calls, calls to 0.01 eV/Å, depth, seconds."""
    if "calls" not in row:
        return name, str(row["n_starts"]), str(row["n_failed"]), "", "", "", ""
    calls, force, depth = row["calls"], row["calls_to_0.01_eV_per_A"], row["depth_eV"]
    return (
        name,
        str(row["n_starts"]),
        str(row["n_failed"]),
        f"{calls['median']:.0f} / {calls['p95']:.0f}",
        f"{force['median']:.0f} / {force['p95']:.0f}",
        f"{depth['median']:.1e} / {depth['p95']:.1e}",
        f"{row['seconds_per_structure']:.2f}",
    )


def write(result: dict[str, Any], folder: Path) -> Path:
    """`relax.json` and `relax.svg` into a folder; returns the picture."""
    write_json(result, folder / "relax.json")
    return draw(result, folder / "relax.svg")


def draw(result: dict[str, Any], path: Path) -> Path:
    """Depth above the bottom of the basin against force calls, medians with the 95th percentiles as bars."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    for name, row in result["optimisers"].items():
        if "calls" in row:
            x, y = row["calls"], {k: max(v, 1e-8) for k, v in row["depth_eV"].items()}
            right, up = ([[0], [q["p95"] - q["median"]]] for q in (x, y))
            axes.errorbar(x["median"], y["median"], xerr=right, yerr=up, fmt="o", capsize=3, label=name)
    axes.set(xscale="log", yscale="log", xlabel="force calls", ylabel="depth above the bottom of the basin (eV)")
    axes.set_title(f"{result['molecule']}, {result['starts']}: median and 95th percentile", fontsize=9)
    axes.legend(fontsize=8)
    figure.savefig(path, metadata={"Date": None})
    return path
