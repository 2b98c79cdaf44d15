"""Force calls of relaxations and the energies at which they end, ours and other programs' from the same starts.

Example: `pes-explore bench relax ac-ala3-nhme --potential so3lr:FOLDER --out reports/bench`
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

from explorer.bench.peers import ASE_OPTIMISERS, OPTIONAL_OPTIMISERS, Trace, missing_peers, relax_with
from explorer.bench.starts import embedded_starts, escaped_starts
from explorer.config import Settings
from explorer.files import write_atomically, write_json
from explorer.potential.capacity import choose_capacity
from explorer.potential.load import potential_of
from explorer.potential.potential import Potential, evaluate, evaluate_batch
from explorer.records.molecule import Molecule
from explorer.relaxation.relaxer import Relaxer, Status, ending, make_relaxer
from explorer.system import System, system_of
from explorer.workflows.relax import relax_tightly

_RELAX_BATCH = 32  # structures relaxed together; not tuned
PEER_FMAX = 0.01  # eV/Å, at which the other optimisers stop; not tuned
_BOTTOM_TOLERANCE = 1e-4  # eV above the bottom of the basin, below which it counts as reached; not tuned
_TIMED_TICKS, _TIMED_REPETITIONS = 16, 5  # force calls in one measurement of time, and measurements; not tuned


def measure(
    molecule: Molecule,
    settings: Settings,
    embedded: bool,
    n_starts: int,
    n_peer_starts: int,
    report: Callable[[str], None] = lambda line: None,
) -> dict[str, Any]:
    """Relax the same starts with our relaxer and with other optimisers.

    Args:
        molecule: Molecule; its positions are not used.
        settings: Settings of the run: potential, precision, seed, convergence of our relaxer.
        embedded: Whether to start from embeddings, not from the ends of escapes.
        n_starts: Number of starts of our relaxer.
        n_peer_starts: Number of these, from the first on, for each other optimiser.
        report: Called with a line about each optimiser.
    """
    potential, info = potential_of(settings, molecule)
    if embedded:
        starts = embedded_starts(molecule, n_starts, settings.seed)
    else:
        starts = escaped_starts(potential, molecule, settings, n_starts, settings.seed)
    if potential.capacity:  # relaxation makes structures more compact, and this list does not grow
        potential = potential.replace(capacity=choose_capacity(starts, 1.2 * potential.cutoff))
    rows = {"pes-explore": summarise(molecule, settings, trace_ours(potential, molecule, settings, starts))}
    report(line("pes-explore", rows["pes-explore"]))
    missing = missing_peers()
    for name in [*ASE_OPTIMISERS, *(n for n in OPTIONAL_OPTIMISERS if n not in missing)] if n_peer_starts else []:
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
        "share_outside_potential": share_outside_potential(potential, molecule, settings, starts),
    }


def trace_ours(
    potential: Potential, molecule: Molecule, settings: Settings, starts: Float[np.ndarray, "n N 3"]
) -> list[Trace]:
    """Relax with our relaxer in batches of 32; record energy and force of the accepted structure at each force call.

    Args:
        potential: Potential to evaluate.
        molecule: Molecule; its positions are not used.
        settings: Settings of the run: precision and convergence.
        starts: Start structures, Å.
    """
    relaxer = make_relaxer(molecule, settings.relax)
    traces = []
    for first in range(0, len(starts), _RELAX_BATCH):
        part = starts[first : first + _RELAX_BATCH]
        filled = np.concatenate([part, np.repeat(part[-1:], _RELAX_BATCH - len(part), axis=0)])
        traces += _trace_batch(potential, relaxer, _batch_of(molecule, settings, filled))[: len(part)]
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
    """Do `n_ticks` force calls, each with a step of the relaxer; without a relaxer, the force calls alone."""

    def tick(_: int, carry):
        positions, state = carry
        evaluations = evaluate_batch(potential, systems.replace(positions=positions))
        if relaxer is None:  # each call depends on the previous one, so that the compiler removes none
            return positions + 1e-9 * evaluations.forces, state
        return jax.vmap(relaxer.step)(positions, evaluations, state)

    return jax.lax.fori_loop(0, n_ticks, tick, (positions, state))


def share_outside_potential(
    potential: Potential, molecule: Molecule, settings: Settings, starts: Float[np.ndarray, "n N 3"]
) -> float:
    """Return the share of the wall time of a batch of 32 relaxations that is not spent in the potential.

    The shortest of five times is used, with and without the relaxer.

    Args:
        potential: Potential to evaluate.
        molecule: Molecule; its positions are not used.
        settings: Settings of the run: precision and convergence.
        starts: Start structures, repeated to fill the batch, Å.
    """
    systems = _batch_of(molecule, settings, starts[np.arange(_RELAX_BATCH) % len(starts)])
    relaxer = make_relaxer(molecule, settings.relax)
    state = jax.vmap(relaxer.init)(systems.positions)
    seconds: dict[bool, list[float]] = {True: [], False: []}
    for _ in range(_TIMED_REPETITIONS + 1):  # the first is the compilation
        for alone in seconds:
            started = time.perf_counter()
            arguments = (systems, systems.positions, None if alone else state, _TIMED_TICKS)
            jax.block_until_ready(_ticks(potential, None if alone else relaxer, *arguments))
            seconds[alone].append(time.perf_counter() - started)
    return 1 - min(seconds[True][1:]) / min(seconds[False][1:])


def summarise(molecule: Molecule, settings: Settings, traces: list[Trace]) -> dict[str, Any]:
    """Return force calls, seconds, energies above the bottom of the basin, and failures by reason.

    The bottom is where our relaxer ends from the same structure in float64 at 1e-4 eV/Å; both energies are computed in
    float64.

    Args:
        molecule: Molecule; its positions are not used.
        settings: Settings of the run.
        traces: Relaxations of one optimiser.
    """
    good = [t for t in traces if not t.failure]
    failures = dict(Counter(t.failure for t in traces if t.failure))
    if not good:
        return {"n_starts": len(traces), "n_failed": len(traces), "failures": failures}
    ends = np.stack([t.positions for t in good])
    bottom = np.asarray(relax_tightly(molecule, settings, ends).energy, float)
    depth = energies_in_float64(molecule, settings, ends) - bottom
    # traces have the precision of the run, so the error of its energies is estimated at the last structure
    offset = np.array([t.energies[-1] for t in good]) - (bottom + depth)
    reached = [
        _first(np.array(t.energies) - o - b < _BOTTOM_TOLERANCE) for t, o, b in zip(good, offset, bottom, strict=True)
    ]
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
    """Return the energies of structures, computed in float64, eV.

    Args:
        molecule: Molecule; its positions are not used.
        settings: Settings of the run; the potential is used.
        ends: Structures, Å.
    """
    settings = replace(settings, precision="float64")
    potential = potential_of(settings, molecule)[0].replace(capacity=0)
    systems = _batch_of(molecule, settings, ends)
    return np.asarray(jax.lax.map(lambda system: evaluate(potential, system).energy, systems))


def quantiles(values: Any) -> dict[str, float] | None:
    """Return median, 95th percentile and largest value; None without values."""
    if len(values) == 0:
        return None
    median, upper = np.percentile(values, [50, 95])
    return {"median": float(median), "p95": float(upper), "largest": float(np.max(values))}


def _first(mask: np.ndarray) -> int:
    """Return the number of the first force call where the mask is true, from 1; 0 if it never is."""
    return int(mask.argmax()) + 1 if mask.any() else 0


def line(name: str, row: dict[str, Any]) -> str:
    """Format the figures of an optimiser as a line of text."""
    return "  ".join(cells(name, row))


def cells(name: str, row: dict[str, Any]) -> tuple[str, ...]:
    """Format an optimiser as table cells: name, starts, failed, calls, calls to 0.01 eV/Å, depth, seconds."""
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
    """Write `relax.json` and `relax.svg` into a folder and return the path of the picture."""
    write_json(result, folder / "relax.json")
    return draw(result, folder / "relax.svg")


def draw(result: dict[str, Any], path: Path) -> Path:
    """Draw the energy above the bottom of the basin against force calls: medians, with bars to 95th percentiles."""
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
    with write_atomically(path) as temporary:
        figure.savefig(temporary, metadata={"Date": None})
    return path
