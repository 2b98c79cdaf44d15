"""Shares of the time of a search: potential, algebra of relaxations, committee, host.

In a run, the host works while the device computes the next round. Here they take turns, so that the time of each part
can be measured.

Example: `pes-explore bench time-shares ac-ala3-nhme --walkers 64 --rounds 200 --out reports/bench`
"""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jax
import numpy as np

from explorer.compilation import CompilationLog
from explorer.config import Settings
from explorer.errors import ConfigError
from explorer.files import write_json
from explorer.hopping.batch_size import with_walkers
from explorer.hopping.coordinator import Coordinator
from explorer.hopping.timing import predicted_call_seconds, walker_call_seconds
from explorer.hopping.walker_pool import WalkerPool
from explorer.potential.load import potential_of
from explorer.records.molecule import Molecule
from explorer.similarity.symmetry import symmetry_of
from explorer.strategy.history import History
from explorer.strategy.outcomes import HopEnd
from explorer.uncertainty.assessor import MoleculeAssessor
from explorer.workflows.criteria import criteria_for

_UNCOUNTED_SHARE = 0.4  # share of first rounds that are not counted, as later rounds with a compilation; not tuned
# seconds of the parts of a round; "calls", "confirming calls" and "asked" are numbers
_ROUND_PARTS = ("round", "calls", "confirmations", "confirming calls", "committee", "asked", "host", "wall")
_SAMPLING_INTERVAL = 5  # counted rounds between two samples of the time of a force call; not tuned
_SAMPLE_REPEATS = 4  # measurements of a sample; the first is dropped, as the caches of the processor are cold

Stopwatch = Callable[[], float]  # measures the seconds of one call


class TimedSearch(Coordinator):
    """Search that measures the time of tight relaxations and of the committee.

    Attributes:
        parts: Figures of the current round by name, see `_ROUND_PARTS`.
    """

    parts: dict[str, float]

    def reset(self) -> None:
        """Set all figures to zero."""
        self.parts = defaultdict(float)

    @contextmanager
    def timed(self, name: str):
        """Add the time of a block to a part.

        Args:
            name: Name of the part, see `_ROUND_PARTS`.
        """
        started = time.perf_counter()
        yield
        self.parts[name] += time.perf_counter() - started

    def with_tight_relaxation(self, hop_ends: Sequence[HopEnd], memory: Any) -> list[HopEnd]:
        """Relax new minima as in every search and record time and force calls."""
        before = self.n_evaluations
        with self.timed("confirmations"):
            confirmed = super().with_tight_relaxation(hop_ends, memory)
        self.parts["confirming calls"] += self.n_evaluations - before
        return confirmed

    def with_assessment(self, hop_ends: Sequence[HopEnd]) -> list[HopEnd]:
        """Assess structures as in every search and record time and number of structures."""
        with self.timed("committee"):
            estimated = super().with_assessment(hop_ends)
        self.parts["asked"] += sum(one is not before for one, before in zip(estimated, hop_ends, strict=True))
        return estimated


def measure(
    molecule: Molecule,
    settings: Settings,
    n_rounds: int,
    progress: Callable[[str, int, int], None] = lambda what, done, total: None,
) -> dict[str, Any]:
    """Measure the milliseconds per force call of each part of a search, and its share of the time.

    The parts are:
        potential: Force calls of walkers.
        potential in float64: Force calls of the tight relaxation of new minima.
        potential of members: Force calls of every member of the committee for new minima.
        algebra: Other time of a round on the device, nearly all of it the algebra of relaxations.
        confirmations: Other time of tight relaxations.
        committee: Other time of uncertainty estimates.
        host: All other time.

    Args:
        molecule: Start structure.
        settings: Settings of the search.
        n_rounds: Number of rounds.
        progress: Called with what is counted, how many are done, and their number.

    Raises:
        ConfigError: When no round is counted.
    """
    potential, info = potential_of(settings, molecule)
    settings = with_walkers(potential, molecule, settings)
    criteria = criteria_for(info, potential, molecule, settings)
    assess = criteria.estimate if criteria else None
    search = TimedSearch(potential, molecule, settings, History(symmetry_of(molecule), settings.identity), criteria)
    search.reset()
    search.relax_input()
    search.start_walkers()
    pool = WalkerPool(potential, molecule, settings)
    pool.add_known_minima(search.history.minima)
    rounds: list[dict[str, float]] = []
    samples: list[tuple[float, ...]] = []
    stopwatches: tuple[Stopwatch, ...] = ()
    for k, (parts, has_compiled) in enumerate(_timed_rounds(search, pool, n_rounds)):
        progress("rounds", k + 1, n_rounds)
        if has_compiled:
            stopwatches = ()  # the capacity for pairs may have grown
        elif k >= _UNCOUNTED_SHARE * n_rounds:
            if len(rounds) % _SAMPLING_INTERVAL == 0:  # between rounds, because the speed of a machine changes
                stopwatches = stopwatches or _stopwatches(search, pool, assess)
                samples.append(tuple(_sample(measure_call) for measure_call in stopwatches))
            rounds.append(parts)
    if not rounds:
        raise ConfigError(
            f"None of {n_rounds} rounds counts: they are first ones, or something was compiled. Give more rounds."
        )
    return _report(search, rounds, np.median(np.array(samples), axis=0).tolist())


def _timed_rounds(search: TimedSearch, pool: WalkerPool, n_rounds: int) -> Iterator[tuple[dict[str, float], bool]]:
    """Yield the figures of each round, and whether anything was compiled in it."""
    requests = [search.request(walker) for walker in range(search.settings.hopping.n_walkers)]
    for k in range(n_rounds):
        search.reset()
        started = time.perf_counter()
        with CompilationLog() as log:
            with search.timed("host"):
                pool.assign(requests)
            with search.timed("round"):
                pool.start_round()
                pool.wait()
                jax.block_until_ready(pool.slots)
            with search.timed("host"):
                ended, memory, n_calls = pool.finish_round()
                _, requests = search.conclude_hops(ended, memory, k)
                pool.add_known_minima(search.history.minima)
        seconds = time.perf_counter() - started
        yield {**search.parts, "wall": seconds, "calls": n_calls}, bool(log.compile_seconds())


def _stopwatches(search: TimedSearch, pool: WalkerPool, assess: MoleculeAssessor | None) -> tuple[Stopwatch, ...]:
    """Return stopwatches of a force call of walkers, of one in float64, and of an uncertainty estimate of a minimum."""
    tight, minimum = search.relax_tightly, search.history[0].positions[None]

    def estimate_uncertainty() -> float:
        started = time.perf_counter()
        if assess is not None:
            assess.observe(minimum)
        return time.perf_counter() - started

    return (
        lambda: walker_call_seconds(pool),
        lambda: predicted_call_seconds(tight.potential, tight.system),
        estimate_uncertainty,
    )


def _report(search: TimedSearch, rounds: list[dict[str, float]], per_call: Sequence[float]) -> dict[str, Any]:
    parts = {name: sum(one.get(name, 0) for one in rounds) for name in _ROUND_PARTS}
    of_walkers, in_float64, of_members = per_call
    seconds = {
        "potential": parts["calls"] * of_walkers,
        "potential in float64": parts["confirming calls"] * in_float64,
        "potential of members": parts["asked"] * of_members,
        "algebra": parts["round"] - parts["calls"] * of_walkers,
        "confirmations": parts["confirmations"] - parts["confirming calls"] * in_float64,
        "committee": parts["committee"] - parts["asked"] * of_members,
        "host": parts["host"] - parts["confirmations"] - parts["committee"],
    }
    total = parts["calls"] + parts["confirming calls"]
    return {
        "molecule": search.molecule.name,
        "n_walkers": search.settings.hopping.n_walkers,
        "device": jax.devices()[0].device_kind,
        "n_devices": len(jax.devices()),
        "n_rounds": len(rounds),
        "n_force_calls": int(total),
        "milliseconds_per_call": {name: round(1000 * value / total, 4) for name, value in seconds.items()},
        "share": {name: round(value / parts["wall"], 3) for name, value in seconds.items()},
    }


def _sample(measure_call: Stopwatch) -> float:
    """Return the median time of a call in seconds, without the first measurement."""
    return float(np.median([measure_call() for _ in range(_SAMPLE_REPEATS)][1:]))


def rows(result: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Format the parts as table rows: name, milliseconds per force call, share of the time."""
    shares = result["share"]
    return [(name, f"{value:.3f}", f"{shares[name]:.1%}") for name, value in result["milliseconds_per_call"].items()]


def write(result: dict[str, Any], folder: Path) -> Path:
    """Write `time-shares-N.json`, N walkers, into a folder and return its path."""
    return write_json(result, folder / f"time-shares-{result['n_walkers']}.json")
