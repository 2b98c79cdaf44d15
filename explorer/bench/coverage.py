"""Whether the estimated number of minima holds the true one, on Lennard-Jones clusters whose minima are known.

pes-explore bench coverage 8 --out reports/bench/coverage
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from explorer.bench.results import write_json
from explorer.bench.systems import random_cluster
from explorer.config import Settings
from explorer.config_file import to_dict
from explorer.hopping.batch_size import with_walkers
from explorer.hopping.explore import explore
from explorer.landscape.coverage import Coverage, VisitCounts
from explorer.potential.load import potential_of
from explorer.potential.potential import Potential
from explorer.similarity.symmetry import symmetry_of
from explorer.strategy.history import History

# mirror images counted once; Tsai & Jordan, J. Phys. Chem. 97, 11227 (1993), doi:10.1021/j100145a019
N_MINIMA = {7: 4, 8: 8, 9: 21, 10: 64}


class CoverageTrial(NamedTuple):
    """What a search said after so many observations: minima seen, and the estimate with its interval."""

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
    """Independent searches from random starts, each judged after given numbers of observations.

    Args:
        settings: of the searches; potential Lennard-Jones.
        n_atoms: of the cluster, one of `N_MINIMA`.
        seeds: of starts and searches.
        observations: after which a search is judged.
        report: called with the seed after each search.
    """
    molecule = random_cluster(n_atoms, 0)
    potential, _ = potential_of(replace(settings, precision="float64"), molecule)
    settings = with_walkers(potential, molecule, settings)
    judged: list[CoverageTrial] = []
    for seed in seeds:
        said = zip(sorted(observations), run_trial(potential, settings, n_atoms, seed, observations), strict=True)
        judged += [CoverageTrial(seed, wanted, one.n_seen, *one.richness) for wanted, one in said]
        report(seed)
    return {"n_atoms": n_atoms, "n_minima": N_MINIMA[n_atoms], "held": held(judged, N_MINIMA[n_atoms])} | {
        "settings": to_dict(settings),
        "searches": [one._asdict() for one in judged],
    }


def run_trial(
    potential: Potential, settings: Settings, n_atoms: int, seed: int, observations: Sequence[int]
) -> list[Coverage]:
    """What a search says of all energies at the first round with so many observations, for each of these numbers."""
    molecule, sightings, said = random_cluster(n_atoms, seed), VisitCounts(), []
    history, wanted = History(symmetry_of(molecule), settings.identity), sorted(observations)
    for round in explore(potential, molecule, replace(settings, seed=seed), history):
        sightings.add(round.minima, round.hops)
        now = sightings.coverage(0.0)
        reached = [n for n in wanted[len(said) :] if n <= now.n_observations]
        said += [now] * len(reached)
        if len(said) == len(wanted):
            break
    return said


def held(judged: Sequence[CoverageTrial], n_minima: int) -> dict[int, float]:
    """The share of the searches whose interval holds the true number, by the number of observations."""
    by_number: dict[int, list[bool]] = {}
    for one in judged:
        by_number.setdefault(one.wanted, []).append(one.lower <= n_minima <= one.upper)
    return {number: sum(hits) / len(hits) for number, hits in by_number.items()}


def rows(result: dict[str, Any]) -> list[tuple[str, str]]:
    """What is printed: a name, a value."""
    cluster = ("cluster", f"LJ{result['n_atoms']}, {result['n_minima']} minima")
    return [cluster] + [(f"after {n} observations", f"held by {p:.0%}") for n, p in result["held"].items()]


def write(result: dict[str, Any], folder: Path) -> Path:
    """`coverage-ljN.json` into a folder; returns it."""
    return write_json(result, folder / f"coverage-lj{result['n_atoms']}.json")
