"""Coverage of the 95 % interval for the number of minima, on Lennard-Jones clusters whose minima are known.

Example: `pes-explore bench coverage 8 --out reports/bench/coverage`
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from explorer.bench.systems import random_cluster
from explorer.config import Settings
from explorer.config_file import to_dict
from explorer.files import write_json
from explorer.hopping.batch_size import with_walkers
from explorer.hopping.explore import explore
from explorer.landscape.coverage import Coverage, VisitCounts
from explorer.potential.load import potential_of
from explorer.potential.potential import Potential
from explorer.similarity.symmetry import symmetry_of
from explorer.strategy.history import History

# number of minima by number of atoms, mirror images counted once;
# Tsai & Jordan, J. Phys. Chem. 97, 11227 (1993), doi:10.1021/j100145a019
N_MINIMA = {7: 4, 8: 8, 9: 21, 10: 64}


class CoverageTrial(NamedTuple):
    """Estimated number of minima of one search after a number of observations; the names are keys of the JSON file.

    Attributes:
        seed: Seed of the start and of the search.
        wanted: Number of observations after which the estimate was wanted.
        n_seen: Number of different minima found until then.
        estimate: Estimated number of minima.
        lower: Lower end of the 95 % interval.
        upper: Upper end of the 95 % interval.
    """

    seed: int
    wanted: int
    n_seen: int
    estimate: float
    lower: float
    upper: float


def measure(
    settings: Settings,
    n_atoms: int,
    seeds: Iterable[int],
    observations: Sequence[int],
    report: Callable[[int], None] = lambda seed: None,
) -> dict[str, Any]:
    """Run independent searches from random starts and compare their estimates with the known number of minima.

    Args:
        settings: Settings of the searches, with the Lennard-Jones potential.
        n_atoms: Number of atoms of the cluster, a key of `N_MINIMA`.
        seeds: Seeds of starts and searches.
        observations: Numbers of observations after which the estimate is compared.
        report: Called with the seed after each search.
    """
    molecule = random_cluster(n_atoms, 0)
    potential, _ = potential_of(replace(settings, precision="float64"), molecule)
    settings = with_walkers(potential, molecule, settings)
    trials: list[CoverageTrial] = []
    for seed in seeds:
        estimates = run_trial(potential, settings, n_atoms, seed, observations)
        for n, estimate in zip(sorted(observations), estimates, strict=True):
            trials.append(CoverageTrial(seed, n, estimate.n_seen, *estimate.richness))
        report(seed)
    return {"n_atoms": n_atoms, "n_minima": N_MINIMA[n_atoms], "held": share_held(trials, N_MINIMA[n_atoms])} | {
        "settings": to_dict(settings),
        "searches": [one._asdict() for one in trials],
    }


def run_trial(
    potential: Potential, settings: Settings, n_atoms: int, seed: int, observations: Sequence[int]
) -> list[Coverage]:
    """Return the estimates of one search, each after the first round that reaches a number of observations.

    Args:
        potential: Potential to evaluate.
        settings: Settings of the search.
        n_atoms: Number of atoms of the cluster.
        seed: Seed of the start and of the search.
        observations: Numbers of observations at which an estimate is wanted.
    """
    molecule, visits, estimates = random_cluster(n_atoms, seed), VisitCounts(), []
    history, thresholds = History(symmetry_of(molecule), settings.identity), sorted(observations)
    for round in explore(potential, molecule, replace(settings, seed=seed), history):
        visits.add(round.minima, round.hops)
        now = visits.coverage(0.0)
        reached = [n for n in thresholds[len(estimates) :] if n <= now.n_observations]
        estimates += [now] * len(reached)
        if len(estimates) == len(thresholds):
            break
    return estimates


def share_held(trials: Sequence[CoverageTrial], n_minima: int) -> dict[int, float]:
    """Return the share of searches whose interval contains the true number, by number of observations.

    Args:
        trials: Estimates of all searches.
        n_minima: True number of minima.
    """
    by_number: dict[int, list[bool]] = {}
    for one in trials:
        by_number.setdefault(one.wanted, []).append(one.lower <= n_minima <= one.upper)
    return {number: sum(hits) / len(hits) for number, hits in by_number.items()}


def rows(result: dict[str, Any]) -> list[tuple[str, str]]:
    """Format the figures as pairs of name and value."""
    cluster = ("cluster", f"LJ{result['n_atoms']}, {result['n_minima']} minima")
    return [cluster] + [(f"after {n} observations", f"held by {p:.0%}") for n, p in result["held"].items()]


def write(result: dict[str, Any], folder: Path) -> Path:
    """Write `coverage-ljN.json`, N atoms, into a folder and return its path."""
    return write_json(result, folder / f"coverage-lj{result['n_atoms']}.json")
