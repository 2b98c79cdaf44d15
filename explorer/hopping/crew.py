"""The device's side of a search: rows of walkers that compute one round while the host judges the one before."""

from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from typing import Any, NamedTuple, Self

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from explorer.config import Settings
from explorer.devices import batch_sharding, everywhere, full_rows
from explorer.hopping.batch import Orders, advance
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
        self._is_fetched = False  # whether the host has what ended in the last round
        self._given: Mapping[int, Launch] = {}  # hops by row, to be taken up in the next round
        self._orders = self._no_orders = self._orders_of({})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Let the device finish its round: a calculator that is called while Python ends takes the process with it."""
        jax.block_until_ready(self.rows)

    def give(self, launches: Iterable[Launch]) -> None:
        """Hand hops to the rows of their walkers, which take them up when the next round begins."""
        waiting = list(launches)
        while waiting:
            if self._given:  # a row takes up one hop at a time
                self._begin(0)
            turn = {launch.course % self.n_rows: launch for launch in reversed(waiting)}
            self._given, self._orders = turn, self._orders_of(turn)
            waiting = [launch for launch in waiting if turn[launch.course % self.n_rows] is not launch]

    def _orders_of(self, turn: Mapping[int, Launch]) -> Orders:
        dtype, somewhere = self.settings.precision, np.zeros(self.system.positions.shape)
        nothing = Launch(NOBODY, somewhere, Way.JUMP, somewhere, 0.0)
        row = [turn.get(k, nothing) for k in range(self.n_rows)]
        courses = np.array([launch.course for launch in row], np.int32)
        parts: dict[str, Any] = {  # of numpy: the device takes them with the round
            "wanted": courses != NOBODY,
            "courses": courses,
            "origins": np.stack([launch.origin for launch in row]).astype(dtype),
            "jumps": np.array([launch.way == Way.JUMP for launch in row]),
            "aims": np.stack([launch.aim for launch in row]).astype(dtype),
            "noisy": np.array([launch.way in (Way.NOISE, Way.PUSH) for launch in row]),
            "pushed": np.array([launch.way == Way.PUSH for launch in row]),
            "temperatures": np.array([launch.temperature for launch in row], dtype),
            "n_known": np.array([launch.n_known for launch in row], np.int32),
        }
        return Orders(**parts)

    def meet(self, minima: Sequence[Minimum]) -> None:
        """Take up those that are new of all minima, in order of ids, for hops that are given later to recognise."""
        self.album.keep(minima)

    def dispatch(self, n_ticks: int | None = None, limits: Int[np.ndarray, "B"] | None = None) -> None:
        """Start a round on the device without waiting for it.

        Args:
            n_ticks: force calls of every row; those of a round by default.
            limits: force calls after which the hop of a row is not carried on.
        """
        self._begin(n_ticks or self.settings.hopping.ticks_per_round, limits)

    def _begin(self, n_ticks: int, limits: Int[np.ndarray, "B"] | None = None) -> None:
        limits = np.full(self.n_rows, NO_LIMIT) if limits is None else limits
        self._before = self.rows, np.bool_(self._is_fetched), self._orders
        self._limits = np.int32(n_ticks), limits.astype(np.int32)
        self._advance()
        self._is_fetched, self._given, self._orders = False, {}, self._no_orders

    def _advance(self) -> None:
        # hops recognise what was known when they began, so that a round may be done again with more landmarks
        surface = self.potential, self.system
        self.rows = advance(self.engine, *surface, *self._before, self.album.landmarks, *self._limits)

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
        """Hops that ended in the round: a `Report`, the memory of its relaxer, and force calls of the round.

        Both have a leading axis in the order of courses and arrays of numpy.
        """
        self.wait()
        ended, memory, n_calls = jax.device_get((self.rows.ended, self.rows.memory, self.rows.n_calls))
        self._is_fetched = True
        order = np.argsort(ended.course)
        order = order[ended.course[order] != NOBODY]
        return *jax.tree.map(lambda leaf: leaf[order], (ended, memory)), int(n_calls.sum())

    def where(self, n_walkers: int) -> Int[np.ndarray, "n"]:
        """Force calls that the current hop of each walker has had, or WAITING, or PARKED."""
        now, ticks, then = jax.device_get((self.rows.now.course, self.rows.now.n_ticks, self.rows.then.course))
        result = np.full(n_walkers, PARKED)
        result[now[now != NOBODY]] = ticks[now != NOBODY]
        result[then[then != NOBODY]] = WAITING
        result[[launch.course for launch in self._given.values()]] = WAITING
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
