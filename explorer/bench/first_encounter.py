"""Force calls until a search first finds the lowest minimum of a Lennard-Jones cluster.

Example: `pes-explore bench first-encounter --out reports/bench/first-encounter-lj38`
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from explorer.bench.curves import draw
from explorer.bench.own_hopping import OURS
from explorer.bench.systems import random_cluster
from explorer.config import Settings
from explorer.config_file import to_dict
from explorer.files import write_json
from explorer.hopping.batch_size import with_walkers
from explorer.hopping.explore import explore
from explorer.potential.load import potential_of
from explorer.potential.potential import Potential
from explorer.records.molecule import Molecule
from explorer.similarity.symmetry import symmetry_of
from explorer.strategy.history import History

ENCOUNTER_TOLERANCE = 1e-4  # eV; the energies of the Cambridge Cluster Database have six digits


class Encounter(NamedTuple):
    """Result of one search; the names are keys of the JSON file.

    Attributes:
        seed: Seed of the start and of the search.
        met: Whether the energy was reached.
        n_evaluations: Force calls of all walkers until then, or until the limit.
        lowest: Lowest energy of the search, eV.
        seconds: Wall time, s.
    """

    seed: int
    met: bool
    n_evaluations: int
    lowest: float
    seconds: float


def measure(
    settings: Settings,
    n_atoms: int,
    energy: float,
    seeds: Iterable[int],
    limit: int,
    report: Callable[[Encounter], None] = lambda encounter: None,
) -> dict[str, Any]:
    """Run independent searches, each from a random compact start, and count the force calls of all their walkers.

    The waiting time is assumed to be exponentially distributed. Its mean is then the sum of all force calls, including
    those of searches that reached the limit, over the number of hits. Its standard error is the mean over the square
    root of the number of hits.

    Args:
        settings: Settings of the searches, with the Lennard-Jones potential, ε = 1 eV, σ = 1 Å.
        n_atoms: Number of atoms of the cluster.
        energy: Energy to reach, eV.
        seeds: Seeds of starts and searches.
        limit: Largest number of force calls of each search.
        report: Called after each search.
    """
    molecule = random_cluster(n_atoms, 0)
    potential, _ = potential_of(replace(settings, precision="float64"), molecule)
    settings = with_walkers(potential, molecule, settings)
    encounters = []
    for seed in seeds:
        encounters.append(encounter(potential, settings, random_cluster(n_atoms, seed), energy, seed, limit))
        report(encounters[-1])
    return {"n_atoms": n_atoms, "energy_eV": energy, "limit": limit, **summarise(encounters)} | {
        "settings": to_dict(settings),
        "searches": [e._asdict() for e in encounters],
    }


def encounter(
    potential: Potential, settings: Settings, molecule: Molecule, energy: float, seed: int, limit: int
) -> Encounter:
    """Search from a structure until an energy is reached or the force calls are spent.

    Args:
        potential: Potential to evaluate.
        settings: Settings of the search.
        molecule: Start structure.
        energy: Energy to reach, eV.
        seed: Seed of the search.
        limit: Largest number of force calls.
    """
    history, started = History(symmetry_of(molecule), settings.identity), time.perf_counter()
    lowest = np.inf
    for round in explore(potential, molecule, replace(settings, seed=seed), history):
        lowest = min([lowest, *(m.energy for m in round.minima)])
        if lowest <= energy + ENCOUNTER_TOLERANCE or round.n_evaluations >= limit:
            break
    seconds = time.perf_counter() - started
    return Encounter(seed, lowest <= energy + ENCOUNTER_TOLERANCE, round.n_evaluations, lowest, seconds)


def summarise(encounters: list[Encounter]) -> dict[str, Any]:
    """Return hits, mean first encounter and its standard error in force calls; None without a hit.

    Args:
        encounters: Results of all searches.
    """
    calls, n_met = sum(e.n_evaluations for e in encounters), sum(e.met for e in encounters)
    mean = calls / n_met if n_met else None
    return {
        "n_searches": len(encounters),
        "n_met": n_met,
        "n_cut": len(encounters) - n_met,
        "mean_calls": mean,
        "standard_error": mean / n_met**0.5 if mean else None,
        "median_calls_of_hits": float(np.median([e.n_evaluations for e in encounters if e.met])) if n_met else None,
        "seconds": sum(e.seconds for e in encounters),
    }


def line(encounter: Encounter) -> str:
    """Format one search as a line of text."""
    end = "reached" if encounter.met else f"cut, lowest {encounter.lowest:.4f}"
    return f"seed {encounter.seed}: {end} after {encounter.n_evaluations} force calls, {encounter.seconds:.0f} s"


def rows(result: dict[str, Any]) -> list[tuple[str, str]]:
    """Format the figures as pairs of name and value."""
    mean, error, median = (result[name] for name in ("mean_calls", "standard_error", "median_calls_of_hits"))
    return [
        ("cluster", f"{result['n_atoms']} atoms, to {result['energy_eV']} ε"),
        ("searches", f"{result['n_searches']}, {result['n_cut']} of them cut at {result['limit']} force calls"),
        ("mean first encounter", f"{mean:.0f} ± {error:.0f} force calls" if mean else "never reached"),
        ("median of the hits", f"{median:.0f} force calls" if mean else "–"),
        ("wall time", f"{result['seconds']:.0f} s"),
    ]


def write(result: dict[str, Any], folder: Path) -> Path:
    """Write `first-encounter.json` and `first-encounter.svg` into a folder and return the path of the picture."""
    write_json(result, folder / "first-encounter.json")
    calls = sorted(search["n_evaluations"] for search in result["searches"] if search["met"])
    title = f"LJ{result['n_atoms']}, {result['n_searches']} searches to {result['energy_eV']} ε"
    curves = {OURS: [(calls, result["limit"])]}
    return draw(
        curves, title, "share of searches that reached it", folder / "first-encounter.svg", result["n_searches"]
    )
