"""Minima hopping of many walkers with one shared history: a generator of rounds."""

import time
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from explorer.config import Settings
from explorer.hopping.coordinator import Coordinator
from explorer.hopping.input_minimum import Assess
from explorer.hopping.timing import ForceCallTimer
from explorer.hopping.walker_pool import UNASSIGNED, WAITING, WalkerPool
from explorer.potential.potential import Potential
from explorer.records.former_names import WALKER_ARRAYS
from explorer.records.hop import Hop
from explorer.records.molecule import Molecule
from explorer.records.moves import MOVES
from explorer.records.run import Round
from explorer.relax.tight import AT_A_TIME
from explorer.strategy.history import History
from explorer.strategy.outcomes import WalkerState

BANDITS = ("", "low_energy_")  # what comes before the names of their stored numbers
TIMING_INTERVAL = 100  # rounds between two measurements of the potential's share


class Checkpoint(NamedTuple):
    """Where an interrupted run goes on: its last committed round, and all hops up to it."""

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
) -> Iterator[Round]:
    """Search until the consumer stops asking.

    Args:
        potential: on which surface, best with parameters in float64; walkers use the precision of the settings.
        molecule: where to start.
        settings: everything else; the number of walkers is given (`explorer.hopping.batch_size`).
        history: empty, or the minima of the run that goes on.
        checkpoint: the last committed round of that run.
        assess: says how well the network knows structures, Å; None where nothing does.

    Yields:
        Rounds: the relaxed input first, then one per `ticks_per_round` force calls of every walker.

    Source: Goedecker, J. Chem. Phys. 120, 9911 (2004), doi:10.1063/1.1724816.
    """
    search = Coordinator(potential, molecule, settings, history, assess)
    started = time.perf_counter() - (checkpoint.wall_seconds if checkpoint else 0.0)
    index, potential_seconds, n_idle = 0, 0.0, 0
    if checkpoint is None:
        first = search.relax_input()
        search.start_walkers()
        elapsed = time.perf_counter() - started
        where = np.full(len(search.walkers), WAITING)
        yield Round(
            index=0,
            minima=history.minima,
            hops=(first,),
            walkers=_state(search, where, 0),
            n_evaluations=search.n_evaluations,
            wall_seconds=elapsed,
            potential_seconds=0.0,
        )
    else:
        index, potential_seconds, n_idle = checkpoint.index, checkpoint.potential_seconds, checkpoint.n_idle
        where = _restore(search, checkpoint)
    crew = WalkerPool(potential, molecule, settings)
    crew.add_known_minima(history.minima)
    if checkpoint is not None:
        crew.set_capacity(int(checkpoint.walkers["capacity"][0]))
    launches = [search.request(walker) for walker in range(len(search.walkers))]
    crew.replay(launches, where)
    launches = [launch for launch in launches if where[launch.walker] == UNASSIGNED]
    ended = memory = None
    watch = ForceCallTimer(crew.potential, crew.system, crew.n_slots)
    confirming = watch  # in the same precision a force call takes as long
    if settings.precision != "float64":
        confirming = ForceCallTimer(search.relax_tightly.potential, search.relax_tightly.system, AT_A_TIME)
    with crew:
        while True:
            if index % TIMING_INTERVAL == 0 or watch.seconds == 0:
                for one in {watch, confirming}:
                    one.measure()
            where = crew.progress_of_walkers(len(search.walkers))
            crew.start_round()
            if ended is not None:  # the device computes the next round meanwhile
                n_known, n_before = len(history), search.n_evaluations
                hops, launches = search.conclude_hops(ended, memory, index)
                potential_seconds += (search.n_evaluations - n_before) * confirming.seconds
                elapsed = time.perf_counter() - started
                state = _state(search, where, crew.potential.capacity)
                minima = history.minima[n_known:]
                crew.add_known_minima(history.minima)
                yield Round(
                    index=index,
                    minima=minima,
                    hops=tuple(hops),
                    walkers=state,
                    n_evaluations=search.n_evaluations,
                    wall_seconds=elapsed,
                    potential_seconds=potential_seconds,
                    n_idle=n_idle,
                )
            ended, memory, n_calls = crew.finish_round()
            index += 1
            search.n_evaluations += n_calls
            n_idle += crew.n_slots * settings.hopping.ticks_per_round - n_calls
            potential_seconds += n_calls * watch.seconds
            crew.assign(launches)
            launches = []


def _state(search: Coordinator, where: np.ndarray, capacity: int) -> dict[str, np.ndarray]:
    n_walkers = len(search.walkers)
    return {
        **WalkerState.pack(search.walkers),
        "jump_targets": search.selector.jump_targets.copy(),
        "progress": where,
        "capacity": np.full(n_walkers, capacity),
        **{
            name: np.tile(values, (n_walkers, 1))
            for prefix, bandit in zip(BANDITS, search.selector.bandits, strict=True)
            for name, values in ((prefix + "new_minima", bandit.found), (prefix + "calls", bandit.calls))
        },
    }


def _restore(search: Coordinator, checkpoint: Checkpoint) -> np.ndarray:
    """Take up what `_state` stored; returns where each walker was."""
    stored = {WALKER_ARRAYS.get(name, name): values for name, values in checkpoint.walkers.items()}
    nothing = np.zeros((1, len(MOVES)))
    search.n_evaluations = checkpoint.n_evaluations
    search.walkers = WalkerState.unpack(stored)
    nowhere = np.full((len(search.walkers), search.molecule.n_atoms, 3), np.nan)
    search.selector.set_jump_targets(np.array(stored.get("jump_targets", nowhere)))
    search.selector.add_hops(checkpoint.hops)
    for prefix, bandit in zip(BANDITS, search.selector.bandits, strict=True):
        bandit.found, bandit.calls = (
            np.pad(stored.get(prefix + name, nothing)[0], (0, len(MOVES)))[: len(MOVES)]  # an older version knew fewer
            for name in ("new_minima", "calls")
        )
    return stored.get("progress", np.full(len(search.walkers), WAITING))  # of an older version: hops begin anew
