"""Minima hopping of many walkers with one shared history, as a generator of rounds."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from explorer.config import Settings
from explorer.hopping.clock import SearchClock
from explorer.hopping.coordinator import Coordinator
from explorer.hopping.input_minimum import Assess
from explorer.hopping.timing import predicted_call_seconds, walker_call_seconds
from explorer.hopping.walker_pool import UNASSIGNED, WAITING, WalkerPool
from explorer.potential.potential import Potential
from explorer.records.former_names import WALKER_ARRAYS
from explorer.records.hop import Hop
from explorer.records.molecule import Molecule
from explorer.records.moves import MOVES
from explorer.records.run import Round
from explorer.strategy.history import History
from explorer.strategy.hop_request import HopRequest
from explorer.strategy.outcomes import WalkerState

# Prefixes of the stored arrays of each bandit: of hops to any new minimum, and of hops to low ones.
BANDIT_PREFIXES = ("", "low_energy_")
TIMING_INTERVAL = 100  # rounds between two measurements of the share of the potential; not tuned


class Checkpoint(NamedTuple):
    """State from which an interrupted run continues: its last committed round.

    Attributes:
        index: Number of that round.
        walkers: Stored state of the walkers.
        n_evaluations: Force calls of the run.
        wall_seconds: Wall time of the search, s (`SearchClock`).
        potential_seconds: Share of it in force calls, s.
        n_idle: Force calls for which the device had room and which were not needed.
        hops: All hops up to that round.
    """

    index: int
    walkers: dict[str, np.ndarray]
    n_evaluations: int
    wall_seconds: float
    potential_seconds: float
    n_idle: int = 0
    hops: Sequence[Hop] = ()


def explore(
    potential: Potential,
    molecule: Molecule,
    settings: Settings,
    history: History,
    checkpoint: Checkpoint | None = None,
    assess: Assess | None = None,
    given: Sequence[Float[np.ndarray, "N 3"]] = (),
) -> Iterator[Round]:
    """Search for minima until the consumer stops iterating.

    Args:
        potential: Potential to evaluate, with parameters in float64; walkers use the precision of the settings.
        molecule: Molecule with the structure where the search starts.
        settings: Settings of the run; the number of walkers must not be 0 (see `explorer.hopping.batch_size`).
        history: History of the search; empty, or with the minima of the run to continue.
        checkpoint: Last committed round of that run.
        assess: Function that assesses structures; None without one.
        given: Structures to which walkers jump first, Å; of a run that continues, after their current hops.

    Yields:
        Rounds: the relaxed input first, then one per `ticks_per_round` force calls of every walker.

    Source: Goedecker, J. Chem. Phys. 120, 9911 (2004), doi:10.1063/1.1724816.
    """
    search = Coordinator(potential, molecule, settings, history, assess)
    search.selector.given_structures = list(given)
    pool = WalkerPool(potential, molecule, settings)
    of_rounds = pool.compile_in_background()
    for thread in search.relax_tightly.compile_in_background():
        thread.join()
    index, potential_seconds, n_idle = 0, 0.0, 0
    if checkpoint is None:
        first = search.relax_input()
        search.start_walkers()
        progress = np.full(len(search.walkers), WAITING)
        yield Round(
            index=0,
            minima=history.minima,
            hops=(first,),
            walkers=_state(search, progress, pool.potential.capacity),
            n_evaluations=search.n_evaluations,
            wall_seconds=0.0,
            potential_seconds=0.0,
        )
    else:
        index, potential_seconds, n_idle = checkpoint.index, checkpoint.potential_seconds, checkpoint.n_idle
        progress = _restore(search, checkpoint)
    of_rounds.join()
    requests = _start_pool(pool, search, progress, checkpoint)
    ended = memory = None

    def measured() -> tuple[float, float]:
        """Return the time of a force call of walkers and of a tight relaxation, s."""
        tight = search.relax_tightly
        return walker_call_seconds(pool), predicted_call_seconds(tight.potential, tight.system)

    per_call, per_tight_call = measured()
    last_measured = index
    with pool, SearchClock(checkpoint.wall_seconds if checkpoint else 0.0) as clock:
        while True:
            if index - last_measured >= TIMING_INTERVAL:
                per_call, per_tight_call = measured()
                last_measured = index
            progress = pool.progress_of_walkers(len(search.walkers))
            pool.start_round()
            if ended is not None:  # the device computes the next round meanwhile
                n_known, n_before = len(history), search.n_evaluations
                hops, requests = search.conclude_hops(ended, memory, index)
                potential_seconds += (search.n_evaluations - n_before) * per_tight_call
                elapsed = clock.seconds()
                pool.add_known_minima(history.minima)
                yield Round(
                    index=index,
                    minima=history.minima[n_known:],
                    hops=tuple(hops),
                    walkers=_state(search, progress, pool.potential.capacity),
                    n_evaluations=search.n_evaluations,
                    wall_seconds=elapsed,
                    potential_seconds=potential_seconds,
                    n_idle=n_idle,
                )
            ended, memory, n_calls = pool.finish_round()
            index += 1
            search.n_evaluations += n_calls
            n_idle += pool.n_slots * settings.hopping.ticks_per_round - n_calls
            potential_seconds += n_calls * per_call
            pool.assign(requests)
            requests = []


def _start_pool(
    pool: WalkerPool, search: Coordinator, progress: Int[np.ndarray, "n"], checkpoint: Checkpoint | None
) -> list[HopRequest]:
    """Bring the walker pool to the state of the checkpoint, and return the current hops that are not assigned yet."""
    pool.add_known_minima(search.history.minima)
    if checkpoint is not None:
        capacity = int(checkpoint.walkers["capacity"][0])
        if (
            capacity or checkpoint.index
        ):  # round 0 stored 0 in earlier versions; the pool has the capacity of that round
            pool.set_capacity(capacity)
    requests = [search.request(walker) for walker in range(len(search.walkers))]
    pool.replay(requests, progress)
    return [request for request in requests if progress[request.walker] == UNASSIGNED]


def _state(search: Coordinator, progress: Int[np.ndarray, "n"], capacity: int) -> dict[str, np.ndarray]:
    """Return the state of the walkers as it is stored. The names of the arrays are an on-disk format."""
    n_walkers = len(search.walkers)
    return {
        **WalkerState.pack(search.walkers),
        "jump_targets": search.selector.jump_targets.copy(),
        "progress": progress,
        "capacity": np.full(n_walkers, capacity),
        "tight_capacity": np.full(n_walkers, search.relax_tightly.potential.capacity),
        **{
            name: np.tile(values, (n_walkers, 1))
            for prefix, bandit in zip(BANDIT_PREFIXES, search.selector.bandits, strict=True)
            for name, values in ((prefix + "new_minima", bandit.new_minima), (prefix + "calls", bandit.force_calls))
        },
    }


def _restore(search: Coordinator, checkpoint: Checkpoint) -> Int[np.ndarray, "n"]:
    """Restore what `_state` stored, and return the progress of each walker."""
    stored = {WALKER_ARRAYS.get(name, name): values for name, values in checkpoint.walkers.items()}
    no_counts = np.zeros((1, len(MOVES)))
    search.n_evaluations = checkpoint.n_evaluations
    if "tight_capacity" in stored:  # rounding errors depend on it
        search.relax_tightly.set_capacity(int(stored["tight_capacity"][0]))
    search.walkers = WalkerState.unpack(stored)
    no_targets = np.full((len(search.walkers), search.molecule.n_atoms, 3), np.nan)
    search.selector.set_jump_targets(np.array(stored.get("jump_targets", no_targets)))
    search.selector.add_hops(checkpoint.hops)
    for prefix, bandit in zip(BANDIT_PREFIXES, search.selector.bandits, strict=True):
        bandit.new_minima, bandit.force_calls = (
            np.pad(stored.get(prefix + name, no_counts)[0], (0, len(MOVES)))[: len(MOVES)]  # fewer moves before
            for name in ("new_minima", "calls")
        )
    return stored.get("progress", np.full(len(search.walkers), WAITING))  # not stored before: hops begin anew
