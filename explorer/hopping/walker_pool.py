"""The device's side of a search: rows of walkers that compute one round while the host judges the one before."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Int

from explorer.config import Settings
from explorer.devices import batch_sharding, everywhere, full_rows
from explorer.hopping.batch import HopRequestBatch, advance
from explorer.hopping.engine import make_engine
from explorer.hopping.recognition import KnownMinima
from explorer.hopping.slot import WALKERS_PER_SLOT, Slot, empty_slots
from explorer.hopping.walker import NO_WALKER
from explorer.potential.capacity import with_more_capacity
from explorer.potential.load import in_precision
from explorer.potential.potential import Potential
from explorer.records.minimum import Minimum
from explorer.records.molecule import Molecule
from explorer.strategy.hop_request import EscapeMode, HopRequest
from explorer.system import system_of

NO_LIMIT = np.iinfo(np.int32).max
WAITING, UNASSIGNED = -1, -2  # in the place of force calls: given to a row but not begun; not given to a row


class WalkerPool:
    """All rows of a run; walker k is always in row k modulo their number.

    Args:
        potential: on which surface.
        molecule: any conformer.
        settings: everything else.
    """

    def __init__(self, potential: Potential, molecule: Molecule, settings: Settings):
        self.settings = settings
        self.n_slots = full_rows(-(-settings.hopping.n_walkers // WALKERS_PER_SLOT))
        surface = in_precision(potential, settings.precision), system_of(molecule, jnp.dtype(settings.precision))
        self.potential, self.system = jax.device_put(surface, everywhere(self.n_slots))
        self.engine = make_engine(molecule, settings)
        self.known_minima = KnownMinima(self.engine.projection, settings.precision)
        empty = empty_slots(self.engine, self.system.positions, self.n_slots)
        self.slots: Slot = jax.device_put(empty, batch_sharding(self.n_slots))
        self._is_fetched = False  # whether the host has what ended in the last round
        self._given: Mapping[int, HopRequest] = {}  # hops by row, to be taken up in the next round
        self._requests = self._no_requests = self._batch_of({})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Let the device finish its round: a calculator that is called while Python ends takes the process with it."""
        jax.block_until_ready(self.slots)

    def assign(self, launches: Iterable[HopRequest]) -> None:
        """Hand hops to the rows of their walkers, which take them up when the next round begins."""
        waiting = list(launches)
        while waiting:
            if self._given:  # a row takes up one hop at a time
                self._begin(0)
            turn = {launch.walker % self.n_slots: launch for launch in reversed(waiting)}
            self._given, self._requests = turn, self._batch_of(turn)
            waiting = [launch for launch in waiting if turn[launch.walker % self.n_slots] is not launch]

    def _batch_of(self, turn: Mapping[int, HopRequest]) -> HopRequestBatch:
        dtype, somewhere = self.settings.precision, np.zeros(self.system.positions.shape)
        nothing = HopRequest(
            walker=NO_WALKER, origin=somewhere, mode=EscapeMode.JUMP, target=somewhere, temperature=0.0
        )
        row = [turn.get(k, nothing) for k in range(self.n_slots)]
        courses = np.array([launch.walker for launch in row], np.int32)
        parts: dict[str, Any] = {  # of numpy: the device takes them with the round
            "wanted": courses != NO_WALKER,
            "walkers": courses,
            "origins": np.stack([launch.origin for launch in row]).astype(dtype),
            "jumps": np.array([launch.mode == EscapeMode.JUMP for launch in row]),
            "targets": np.stack([launch.target for launch in row]).astype(dtype),
            "softened": np.array([launch.mode in (EscapeMode.SOFTENED, EscapeMode.PUSH) for launch in row]),
            "pushed": np.array([launch.mode == EscapeMode.PUSH for launch in row]),
            "temperatures": np.array([launch.temperature for launch in row], dtype),
            "n_known": np.array([launch.n_known for launch in row], np.int32),
        }
        return HopRequestBatch(**parts)

    def add_known_minima(self, minima: Sequence[Minimum]) -> None:
        """Take up those that are new of all minima, in order of ids, for hops that are given later to recognise."""
        self.known_minima.add(minima)

    def start_round(self, n_ticks: int | None = None, limits: Int[np.ndarray, "B"] | None = None) -> None:
        """Start a round on the device without waiting for it.

        Args:
            n_ticks: force calls of every row; those of a round by default.
            limits: force calls after which the hop of a row is not carried on.
        """
        self._begin(n_ticks or self.settings.hopping.ticks_per_round, limits)

    def _begin(self, n_ticks: int, limits: Int[np.ndarray, "B"] | None = None) -> None:
        limits = np.full(self.n_slots, NO_LIMIT) if limits is None else limits
        self._before = self.slots, np.bool_(self._is_fetched), self._requests
        self._limits = np.int32(n_ticks), limits.astype(np.int32)
        self._advance()
        self._is_fetched, self._given, self._requests = False, {}, self._no_requests

    def _advance(self) -> None:
        # hops recognise what was known when they began, so that a round may be done again with more landmarks
        surface = self.potential, self.system
        self.slots = advance(self.engine, *surface, *self._before, self.known_minima.projected, *self._limits)

    def wait(self) -> None:
        """Until the round is done; when pairs did not fit, room is made and the round is done again."""
        while bool(jnp.any(self.slots.current.overflow | self.slots.ended.overflow)):
            at = np.concatenate([self.slots.current.positions, self.slots.ended.positions])
            self.potential = with_more_capacity(self.potential, at)
            self._advance()

    def set_capacity(self, capacity: int) -> None:
        """Let so many pairs fit; 0 for all."""
        self.potential = self.potential.replace(capacity=capacity)

    def finish_round(self) -> tuple[Any, Any, int]:
        """Hops that ended in the round: a `Report`, the memory of its relaxer, and force calls of the round.

        Both have a leading axis in the order of courses and arrays of numpy.
        """
        self.wait()
        ended, memory, n_calls = jax.device_get((self.slots.ended, self.slots.memory, self.slots.n_calls))
        self._is_fetched = True
        order = np.argsort(ended.walker)
        order = order[ended.walker[order] != NO_WALKER]
        return *jax.tree.map(lambda leaf: leaf[order], (ended, memory)), int(n_calls.sum())

    def progress_of_walkers(self, n_walkers: int) -> Int[np.ndarray, "n"]:
        """Force calls that the current hop of each walker has had, or WAITING, or PARKED."""
        now, ticks, then = jax.device_get(
            (self.slots.current.walker, self.slots.current.n_ticks, self.slots.next.walker)
        )
        result = np.full(n_walkers, UNASSIGNED)
        result[now[now != NO_WALKER]] = ticks[now != NO_WALKER]
        result[then[then != NO_WALKER]] = WAITING
        result[[launch.walker for launch in self._given.values()]] = WAITING
        return result

    def replay(self, launches: Sequence[HopRequest], where: Int[np.ndarray, "n"]) -> None:
        """Bring rows to where an interrupted run was: hops are pure functions of their start and key.

        Args:
            launches: the current hop of every walker.
            where: each of them was, from `where`.
        """
        self.assign(launch for launch in launches if where[launch.walker] >= 0)
        limits = np.zeros(self.n_slots)
        for course in np.flatnonzero(where >= 0):
            limits[course % self.n_slots] = where[course]
        if limits.any():
            self.start_round(int(limits.max()), limits)
            self.wait()
            counted = jax.device_put(np.zeros(self.n_slots, np.int32), batch_sharding(self.n_slots))
            self.slots = self.slots.replace(n_calls=counted)  # these calls were counted when they were made first
        self.assign(launch for launch in launches if where[launch.walker] == WAITING)
