"""Minima hopping of many walkers with one shared history: a generator of rounds."""

import time
from collections.abc import Iterator
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np

from explorer.config import Settings
from explorer.hopping.history import History
from explorer.hopping.judge import Course, judge
from explorer.hopping.search import Search
from explorer.moves import MOVES
from explorer.potential.potential import Potential
from explorer.records import Molecule, Outcome, Round

TIMING_INTERVAL = 50  # rounds between two measurements of the potential's share


class Checkpoint(NamedTuple):
    """Where an interrupted run goes on: its last committed round."""

    index: int
    walkers: dict[str, np.ndarray]
    n_evaluations: int
    wall_seconds: float
    potential_seconds: float


def explore(
    potential: Potential,
    molecule: Molecule,
    settings: Settings,
    history: History,
    checkpoint: Checkpoint | None = None,
) -> Iterator[Round]:
    """Search until the consumer stops asking.

    Args:
        potential: on which surface, best with parameters in float64; walkers use the precision of the settings.
        molecule: where to start.
        settings: everything else; the number of walkers is given (`explorer.hopping.memory`).
        history: empty, or the minima of the run that goes on.
        checkpoint: the last committed round of that run.

    Yields:
        Rounds: the relaxed input first, then one per `ticks_per_round` force calls of every walker.

    Source: Goedecker, J. Chem. Phys. 120, 9911 (2004), doi:10.1063/1.1724816.
    """
    search = Search(potential, molecule, settings, history)
    started = time.perf_counter() - (checkpoint.wall_seconds if checkpoint else 0.0)
    if checkpoint is None:
        first = search.relax_input()
        search.start_walkers()
        elapsed = time.perf_counter() - started
        index, potential_seconds = 0, 0.0
        yield Round(0, history.minima, (first,), _state(search), search.n_evaluations, elapsed, 0.0)
    else:
        index, potential_seconds = checkpoint.index, checkpoint.potential_seconds
        search.n_evaluations = checkpoint.n_evaluations
        search.courses = Course.unpack(checkpoint.walkers)
        search.bandit.found, search.bandit.calls = (
            np.array(checkpoint.walkers[name][0]) if name in checkpoint.walkers else np.zeros(len(MOVES))
            for name in ("new_minima", "calls")
        )
        search.potential = search.potential.replace(capacity=int(checkpoint.walkers["capacity"][0]))
    walkers = search.replay()
    while True:
        index += 1
        if search.tick_seconds == 0 or index % TIMING_INTERVAL == 0:
            search.time_tick(walkers)
        before = int(jnp.sum(walkers.n_ticks))
        walkers = search.advance(walkers)
        search.n_evaluations += int(jnp.sum(walkers.n_ticks)) - before
        n_known, hops = len(history), []
        fresh = np.zeros(len(search.courses), bool)
        for course in search.courses:
            course.n_rounds += 1
        for landing in search.confirmed(search.land(walkers)):
            course = search.courses[landing.walker]
            n_before = len(history)
            hops.append(judge(landing, course, history, settings.hopping, search.n_evaluations, index))
            search.bandit.learn(MOVES.index(hops[-1].move), hops[-1].outcome == Outcome.NEW, landing.n_evaluations)
            search.admit(history.minima[n_before:])
            search.steer(course, landing.walker)
            search.choose_move(course, landing.walker)
            fresh[landing.walker] = True
        walkers = search.launch(walkers, fresh)
        potential_seconds += search.tick_seconds * settings.hopping.ticks_per_round
        elapsed = time.perf_counter() - started
        minima = history.minima[n_known:]
        yield Round(index, minima, tuple(hops), _state(search), search.n_evaluations, elapsed, potential_seconds)


def _state(search: Search) -> dict[str, np.ndarray]:
    n_walkers = len(search.courses)
    return {
        **Course.pack(search.courses),
        "capacity": np.full(n_walkers, search.potential.capacity),
        "new_minima": np.tile(search.bandit.found, (n_walkers, 1)),
        "calls": np.tile(search.bandit.calls, (n_walkers, 1)),
    }
