"""Where the time of a search goes, round by round with nothing overlapping: the network, algebra, the host."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jax
import numpy as np

from explorer.bench.results import write_json
from explorer.config import Settings
from explorer.errors import ConfigError
from explorer.hopping.batch_size import with_walkers
from explorer.hopping.coordinator import Coordinator
from explorer.hopping.timing import ForceCallTimer
from explorer.hopping.walker_pool import WalkerPool
from explorer.potential.load import potential_of
from explorer.records.molecule import Molecule
from explorer.relax.tight import AT_A_TIME
from explorer.similarity.symmetry import symmetry_of
from explorer.strategy.history import History
from explorer.strategy.outcomes import HopEnd
from explorer.uncertainty.assessor import MoleculeAssessor
from explorer.workflows.run import assess_with

WARM_UP = 0.4  # share of the rounds that is not counted, nor are later ones in which something compiles
PARTS = ("round", "calls", "confirmations", "confirming calls", "committee", "asked", "host", "wall")  # of a round
EVERY = 5  # rounds between two samples of the time of a force call
REPEATS = 4  # of a sample; the first does not count, for it finds nothing in the cache
COMPILATION = "/jax/core/compile/backend_compile_duration"


class TimedSearch(Coordinator):
    """A search that takes the time of what its host asks the network."""

    parts: dict[str, float]  # seconds of each, force calls of confirmations, and what the committee was asked about

    def reset(self) -> None:
        """Begin to count."""
        self.parts = defaultdict(float)

    @contextmanager
    def timed(self, name: str):
        """Add the time of a block."""
        started = time.perf_counter()
        yield
        self.parts[name] += time.perf_counter() - started

    def with_tight_relaxation(self, landings: Sequence[HopEnd], memory: Any) -> list[HopEnd]:
        """As in every search."""
        before = self.n_evaluations
        with self.timed("confirmations"):
            confirmed = super().with_tight_relaxation(landings, memory)
        self.parts["confirming calls"] += self.n_evaluations - before
        return confirmed

    def with_uncertainty(self, landings: Sequence[HopEnd]) -> list[HopEnd]:
        """As in every search."""
        with self.timed("committee"):
            doubted = super().with_uncertainty(landings)
        self.parts["asked"] += sum(one is not before for one, before in zip(doubted, landings, strict=True))
        return doubted


def measure(
    molecule: Molecule,
    settings: Settings,
    n_rounds: int,
    progress: Callable[[str, int, int], None] = lambda what, done, total: None,
) -> dict[str, Any]:
    """Milliseconds per force call of each part of a search, and the share of each in all.

    The parts: force calls by themselves, of walkers (`potential`), in float64 (`potential in float64`) and of every
    member of the committee about new minima (`potential of members`); what else a round takes on the device (`algebra`:
    that of relaxations nearly all); what else a relaxation in float64 takes (`confirmations`); what else the
    committee's word takes (`committee`); and all else that the host does (`host`).

    Args:
        molecule: where to start.
        settings: of the search.
        n_rounds: in all.
        progress: called with what is counted, how many are done, and of how many.

    Raises:
        ConfigError: when none of them counts.
    """
    potential, info = potential_of(settings, molecule)
    settings = with_walkers(potential, molecule, settings)
    assess = assess_with(info, potential, molecule, settings)
    search = TimedSearch(potential, molecule, settings, History(symmetry_of(molecule), settings.identity), assess)
    search.reset()
    search.relax_input()
    search.start_walkers()
    crew = WalkerPool(potential, molecule, settings)
    crew.add_known_minima(search.history.minima)
    launches = [search.request(walker) for walker in range(settings.hopping.n_walkers)]
    rounds: list[dict[str, float]] = []
    samples: list[tuple[float, ...]] = []
    watches: tuple[Callable[[], float], ...] = ()
    with compilations() as compiled:
        for k in range(n_rounds):
            search.reset()
            started, n_compiled = time.perf_counter(), len(compiled)
            with search.timed("host"):
                crew.assign(launches)
            with search.timed("round"):
                crew.start_round()
                crew.wait()
                jax.block_until_ready(crew.slots)
            with search.timed("host"):
                ended, memory, n = crew.finish_round()
                _, launches = search.conclude_hops(ended, memory, k)
                crew.add_known_minima(search.history.minima)
            seconds = time.perf_counter() - started
            progress("rounds", k + 1, n_rounds)
            if len(compiled) > n_compiled:
                watches = ()  # the room for pairs may have grown
                continue
            if k < WARM_UP * n_rounds:
                continue
            if len(rounds) % EVERY == 0:  # between the rounds, for a machine is not always as fast
                watches = watches or _watches(search, crew, assess)
                samples.append(tuple(_sample(watch) for watch in watches))
            rounds.append({**search.parts, "wall": seconds, "calls": n})
    if not rounds:
        raise ConfigError(f"None of {n_rounds} rounds counts: first ones, or something was compiled. Give more rounds.")
    return _report(search, rounds, np.median(samples, axis=0).tolist())


@contextmanager
def compilations() -> Iterator[list[float]]:
    """Seconds of every compilation in a block."""
    seconds: list[float] = []

    def listen(event: str, duration_secs: float, **kwargs: str | int) -> None:
        if event == COMPILATION:
            seconds.append(duration_secs)

    jax.monitoring.register_event_duration_secs_listener(listen)
    try:
        yield seconds
    finally:
        jax.monitoring.unregister_event_duration_listener(listen)


def _watches(search: TimedSearch, crew: WalkerPool, assess: MoleculeAssessor | None) -> tuple[Callable[[], float], ...]:
    """Seconds of a force call of walkers, of one in float64, and of what the committee is asked about one minimum."""
    confirm, minimum = search.relax_tightly, search.history[0].positions[None]

    def ask() -> float:
        started = time.perf_counter()
        if assess is not None:
            assess.observe(minimum)
        return time.perf_counter() - started

    return (
        ForceCallTimer(crew.potential, crew.system, crew.n_slots).measure,
        ForceCallTimer(confirm.potential, confirm.system, AT_A_TIME).measure,
        ask,
    )


def _report(search: TimedSearch, rounds: list[dict[str, float]], per_call: Sequence[float]) -> dict[str, Any]:
    parts = {name: sum(one.get(name, 0) for one in rounds) for name in PARTS}
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


def _sample(watch: Callable[[], float]) -> float:
    """Seconds of a call: the median of some measurements, without the first."""
    return float(np.median([watch() for _ in range(REPEATS)][1:]))


def rows(result: dict[str, Any]) -> list[tuple[str, str, str]]:
    """What is printed: a part, milliseconds per force call, its share of the time."""
    shares = result["share"]
    return [(name, f"{value:.3f}", f"{shares[name]:.1%}") for name, value in result["milliseconds_per_call"].items()]


def write(result: dict[str, Any], folder: Path) -> Path:
    """`time-shares-N.json`, N walkers, into a folder; returns it."""
    return write_json(result, folder / f"time-shares-{result['n_walkers']}.json")
