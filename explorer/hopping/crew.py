"""The device's side of a search: rows of walkers that compute one round while the host judges the one before."""

from collections.abc import Iterable, Sequence
from enum import Enum
from typing import Any, NamedTuple, Self

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from explorer.config import Settings
from explorer.devices import batch_sharding, everywhere, full_rows
from explorer.hopping.batch import advance, cleared, give
from explorer.hopping.engine import make_engine
from explorer.hopping.landmarks import Album
from explorer.hopping.row import WALKERS_PER_ROW, Row, rows_of
from explorer.hopping.walker import NOBODY
from explorer.potential.load import grown, in_precision
from explorer.potential.potential import Potential
from explorer.records import Minimum, Molecule
from explorer.system import from_molecule

NO_LIMIT = np.iinfo(np.int32).max
WAITING, PARKED = -1, -2  # in the place of force calls: given to a row but not begun; not given to a row


class Way(Enum):
    """How a walker leaves a minimum."""

    JUMP = "a jump: it relaxes from its aim at once"
    ALONG = "in the direction of its aim"
    NOISE = "in the direction of its aim without what is stiff"
    PUSH = "pushed in the direction of its aim without what is stiff, to relax from there"


class Launch(NamedTuple):
    """A hop to be done."""

    course: int
    origin: Float[np.ndarray, "N 3"]  # Å
    way: Way
    aim: Float[np.ndarray, "N 3"]  # where a jump leads, Å; else the direction in which the walker leaves
    temperature: float  # K
    n_known: int = 0  # minima that it may recognise, the first ones that were found


class Crew:
    """All rows of a run; walker k is always in row k modulo their number.

    Args:
        potential: on which surface.
        molecule: any conformer.
        settings: everything else.
    """

    def __init__(self, potential: Potential, molecule: Molecule, settings: Settings):
        self.settings = settings
        self.n_rows = full_rows(-(-settings.hopping.n_walkers // WALKERS_PER_ROW))
        surface = in_precision(potential, settings.precision), from_molecule(molecule, jnp.dtype(settings.precision))
        self.potential, self.system = jax.device_put(surface, everywhere(self.n_rows))
        self.engine = make_engine(molecule, settings)
        self.album = Album(self.engine.sketcher, settings.precision)
        empty = rows_of(self.engine, self.system.positions, self.n_rows)
        self.rows: Row = jax.device_put(empty, batch_sharding(self.n_rows))
        self._before = self.rows

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Let the device finish its round: a calculator that is called while Python ends takes the process with it."""
        jax.block_until_ready(self.rows)

    def give(self, launches: Iterable[Launch]) -> None:
        """Hand hops to the rows of their walkers."""
        waiting = list(launches)
        while waiting:
            turn = {launch.course % self.n_rows: launch for launch in reversed(waiting)}
            self._give(turn)
            waiting = [launch for launch in waiting if turn[launch.course % self.n_rows] is not launch]

    def _give(self, turn: dict[int, Launch]) -> None:
        dtype = self.settings.precision
        some = next(iter(turn.values()))
        row = [turn.get(k, some) for k in range(self.n_rows)]
        wanted = np.isin(np.arange(self.n_rows), list(turn))
        self.rows = give(
            self.engine,
            self.rows,
            wanted,
            np.array([launch.course for launch in row], np.int32),
            np.stack([launch.origin for launch in row]).astype(dtype),
            np.array([launch.way == Way.JUMP for launch in row]),
            np.stack([launch.aim for launch in row]).astype(dtype),
            np.array([launch.way in (Way.NOISE, Way.PUSH) for launch in row]),
            np.array([launch.way == Way.PUSH for launch in row]),
            np.array([launch.temperature for launch in row], dtype),
            np.array([launch.n_known for launch in row], np.int32),
        )

    def meet(self, minima: Sequence[Minimum]) -> None:
        """Take up those that are new of all minima, in order of ids, for hops that are given later to recognise."""
        self.album.keep(minima)

    def dispatch(self, n_ticks: int | None = None, limits: Int[np.ndarray, "B"] | None = None) -> None:
        """Start a round on the device without waiting for it.

        Args:
            n_ticks: force calls of every row; those of a round by default.
            limits: force calls after which the hop of a row is not carried on.
        """
        self._before, self._n_ticks = self.rows, np.int32(n_ticks or self.settings.hopping.ticks_per_round)
        self._limits = np.full(self.n_rows, NO_LIMIT, np.int32) if limits is None else limits.astype(np.int32)
        self._advance()

    def _advance(self) -> None:
        # hops recognise what was known when they began, so that a round may be done again with more landmarks
        surface, landmarks, limits = (self.potential, self.system), self.album.landmarks, (self._n_ticks, self._limits)
        self.rows = advance(self.engine, *surface, self._before, landmarks, *limits)

    def wait(self) -> None:
        """Until the round is done; when pairs did not fit, room is made and the round is done again."""
        while bool(jnp.any(self.rows.now.overflow | self.rows.ended.overflow)):
            at = np.concatenate([self.rows.now.positions, self.rows.ended.positions])
            self.potential = grown(self.potential, at)
            self._advance()

    def make_room(self, capacity: int) -> None:
        """Let so many pairs fit; 0 for all."""
        self.potential = self.potential.replace(capacity=capacity)

    def collect(self) -> tuple[Any, Any, int]:
        """Hops that ended in the round: a `Walker`, the memory of its relaxer, and force calls of the round.

        Both have a leading axis in the order of courses and arrays of numpy.
        """
        self.wait()
        ended, memory, n_calls = jax.device_get((self.rows.ended, self.rows.memory, self.rows.n_calls))
        self.rows = cleared(self.rows)
        order = np.argsort(ended.course)
        order = order[ended.course[order] != NOBODY]
        return *jax.tree.map(lambda leaf: leaf[order], (ended, memory)), int(n_calls.sum())

    def where(self, n_walkers: int) -> Int[np.ndarray, "n"]:
        """Force calls that the current hop of each walker has had, or WAITING, or PARKED."""
        now, ticks, then = jax.device_get((self.rows.now.course, self.rows.now.n_ticks, self.rows.then.course))
        result = np.full(n_walkers, PARKED)
        result[now[now != NOBODY]] = ticks[now != NOBODY]
        result[then[then != NOBODY]] = WAITING
        return result

    def replay(self, launches: Sequence[Launch], where: Int[np.ndarray, "n"]) -> None:
        """Bring rows to where an interrupted run was: hops are pure functions of their start and key.

        Args:
            launches: the current hop of every walker.
            where: each of them was, from `where`.
        """
        self.give(launch for launch in launches if where[launch.course] >= 0)
        limits = np.zeros(self.n_rows)
        for course in np.flatnonzero(where >= 0):
            limits[course % self.n_rows] = where[course]
        if limits.any():
            self.dispatch(int(limits.max()), limits)
            self.wait()
            counted = jax.device_put(np.zeros(self.n_rows, np.int32), batch_sharding(self.n_rows))
            self.rows = self.rows.replace(n_calls=counted)  # these calls were counted when they were made first
        self.give(launch for launch in launches if where[launch.course] == WAITING)
