"""How often the 95 % interval holds the number of minima, and how soon `--stop-at 0.95` ends a search.

    python reports/studies/coverage.py simulated --out reports/bench/coverage/simulated.json
    python reports/studies/coverage.py lj8 --seeds 100 --calls 3000 --out reports/bench/coverage/searches-lj8.json
    python reports/studies/coverage.py data/peptides/ac-ala-nhme.pdb --allow cis-amide --seeds 6 --calls 8000 \
        --out reports/bench/coverage/searches-ac-ala-nhme.json

Simulated searches draw visits independently, with probabilities that are log-normal or those of real searches. Real
searches are independent seeds of one molecule, whose minima are those of all seeds together. Each search is replayed
visit by visit: the interval is compared with the true number after some numbers of visits, and the force calls (visits,
if simulated) at which the rule stops with those at which all minima were there.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from explorer.bench.systems import random_cluster
from explorer.config import IdentitySettings
from explorer.config_file import load_settings
from explorer.devices import configure_jax
from explorer.files import write_json
from explorer.hopping.batch_size import with_walkers
from explorer.hopping.explore import explore
from explorer.io.read import read_molecule
from explorer.landscape.coverage import coverage_of
from explorer.potential.load import potential_of
from explorer.records.hop import Outcome
from explorer.records.minimum import Minimum
from explorer.records.molecule import Molecule
from explorer.similarity.dedup import deduplicate
from explorer.similarity.symmetry import symmetry_of
from explorer.strategy.history import History
from explorer.workflows.criteria import criteria_for

NUMBERS_OF_VISITS = (30, 50, 70, 100, 140, 200, 280, 400)
WANTED = 0.95
# visits of the 28 conformers of Ac-Ala-NHMe in two searches of 8000 force calls with cis amides, and of LJ8 in 100
AC_ALA_NHME = (63, 111, 52, 85, 30, 51, 17, 11, 15, 5, 13, 6, 13, 13, 10, 6, 22, 4, 6, 7, 4, 16, 9, 4, 3, 2, 11, 20)
LJ8 = (325, 247, 92, 110, 78, 42, 49, 58)


class Visit(NamedTuple):
    """One observation of a search: the minimum, and the force calls of the search so far."""

    minimum: int
    calls: int


class Outcomes(NamedTuple):
    """Replay of one search.

    Attributes:
        held: Whether the interval held the true number, after each of `NUMBERS_OF_VISITS` that the search reached.
        complete: Force calls at which all minima were found; None if that never happened.
        stopped: Force calls at which the stop rule was met; None if that never happened.
        found: Share of the minima that was found when it was met.
    """

    held: list[bool]
    complete: int | None
    stopped: int | None
    found: float | None


def replay(visits: Sequence[Visit], n_minima: int) -> Outcomes:
    """Replay a search.

    Args:
        visits: Its observations in order.
        n_minima: True number of minima; the first ids.
    """
    counts, held = np.zeros(n_minima, int), []
    complete = stopped = found = None
    for n, visit in enumerate(visits, start=1):
        counts[visit.minimum] += 1
        complete = visit.calls if complete is None and counts.all() else complete
        if n in NUMBERS_OF_VISITS or stopped is None:
            now = coverage_of(np.zeros(n_minima), counts, 0.0)
            if n in NUMBERS_OF_VISITS:
                held.append(now.richness.lower <= n_minima <= now.richness.upper)
            if stopped is None and now.reaches(WANTED):
                stopped, found = visit.calls, float(np.mean(counts > 0))
        if complete and stopped and n >= NUMBERS_OF_VISITS[-1]:
            break
    return Outcomes(held, complete, stopped, found)


def summary(n_minima: int, searches: Sequence[Outcomes]) -> dict[str, Any]:
    """Return the shares of intervals that held the number, and the calls at the stop over those at completeness."""
    by_number = {n: [one.held[k] for one in searches if len(one.held) > k] for k, n in enumerate(NUMBERS_OF_VISITS)}
    ratios = [one.stopped / one.complete for one in searches if one.stopped and one.complete]
    every = [held for one in searches for held in one.held]
    stopped = [one.found for one in searches if one.found is not None]
    return {
        "n_minima": n_minima,
        "n_searches": len(searches),
        "held": {n: float(np.mean(held)) for n, held in by_number.items() if held},
        "held_all": float(np.mean(every)) if every else None,
        "n_complete": sum(one.complete is not None for one in searches),
        "n_stopped": len(stopped),
        "stop_over_complete_median": float(np.median(ratios)) if ratios else None,
        "stop_over_complete_90": float(np.quantile(ratios, 0.9)) if ratios else None,
        "found_at_stop_mean": float(np.mean(stopped)) if stopped else None,
    }


def simulated(n_searches: int) -> dict[str, Any]:
    """Return the summary of simulated searches for each population.

    Args:
        n_searches: Searches of each population.
    """
    rng = np.random.default_rng(1)
    weights = {"Ac-Ala-NHMe": np.array(AC_ALA_NHME, float), "LJ8": np.array(LJ8, float)}
    for n_minima, spread in ((6, 0.7), (12, 0.7), (40, 0.7), (40, 1.1)):
        weights[f"{n_minima} log-normal, {spread}"] = np.exp(spread * rng.normal(size=n_minima))
    return {
        name: summary(len(w), [replay(_drawn(w, rng), len(w)) for _ in range(n_searches)])
        for name, w in weights.items()
    }


def _drawn(weights: Float[np.ndarray, "n"], rng: np.random.Generator, n_visits: int = 2000) -> list[Visit]:
    drawn = rng.choice(len(weights), size=n_visits, p=weights / weights.sum())
    return [Visit(int(minimum), n) for n, minimum in enumerate(drawn, start=1)]


def searched(system: str, allow: str, seeds: int, calls: int) -> dict[str, Any]:
    """Return the summary of real searches.

    Args:
        system: `lj` and a number of atoms, or a structure file.
        allow: Value of `hopping.allow`.
        seeds: Number of searches.
        calls: Force calls of each.
    """
    is_cluster = system.startswith("lj")
    overrides = {"potential": "lennard-jones" if is_cluster else "default", "hopping.allow": allow}
    settings = load_settings(overrides=overrides)
    molecule = random_cluster(int(system[2:]), 0) if is_cluster else read_molecule(Path(system))
    potential, info = potential_of(replace(settings, precision="float64"), molecule)
    settings = with_walkers(potential, molecule, settings)
    found: list[tuple[list[Minimum], list[Visit]]] = []
    for seed in range(seeds):
        start = random_cluster(int(system[2:]), seed) if is_cluster else molecule
        here, history = replace(settings, seed=seed), History(symmetry_of(start), settings.identity)
        minima: list[Minimum] = []
        visits: list[Visit] = []
        for round in explore(potential, start, here, history, assess=criteria_for(info, potential, start, here)):
            minima += round.minima
            visits += [
                Visit(h.end, round.n_evaluations)
                for h in round.hops
                if h.end is not None and h.outcome in (Outcome.NEW, Outcome.KNOWN)
            ]
            if round.n_evaluations >= calls:
                break
        found.append((minima, visits))
        print(f"seed {seed}: {len(minima)} minima, {len(visits)} visits", flush=True)
    return compared(found, molecule, settings.identity) | {"system": system, "allow": allow, "calls": calls}


def compared(
    found: Sequence[tuple[list[Minimum], list[Visit]]], molecule: Molecule, identity: IdentitySettings
) -> dict[str, Any]:
    """Return the summary of independent searches of one molecule, whose minima are those of all together.

    Args:
        found: Minima of each search in order of id, and its visits.
        molecule: Molecule of the searches; its positions are not used.
        identity: Criteria for two structures to be the same minimum.
    """
    every = [minimum for minima, _ in found for minimum in minima]
    labels = deduplicate(
        symmetry_of(molecule),
        np.array([m.energy for m in every]),
        np.array([m.positions for m in every]),
        [m.structure_class for m in every],
        identity,
    )
    named = [labels[list(part)] for part in _parts([len(minima) for minima, _ in found])]
    seen = sorted({int(own[v.minimum]) for own, (_, visits) in zip(named, found, strict=True) for v in visits})
    row = {label: k for k, label in enumerate(seen)}
    replays = [
        replay([Visit(row[int(own[v.minimum])], v.calls) for v in visits], len(seen))
        for own, (_, visits) in zip(named, found, strict=True)
    ]
    return summary(len(seen), replays)


def _parts(sizes: Sequence[int]) -> Iterator[range]:
    first = 0
    for size in sizes:
        yield range(first, first + size)
        first += size


def main() -> None:
    """Run the command line of this script."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("system", help="simulated, lj7, lj8 or a structure file")
    parser.add_argument("--allow", default="none")
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--calls", type=int, default=3000)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    configure_jax()
    is_simulated = given.system == "simulated"
    result = simulated(given.seeds) if is_simulated else searched(given.system, given.allow, given.seeds, given.calls)
    print(write_json(result, given.out).read_text(), end="")


if __name__ == "__main__":
    main()
