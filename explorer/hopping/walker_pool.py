"""Walker pool: slots on the device that compute one round while the host concludes the hops of the last one."""

from collections.abc import Iterable, Mapping, Sequence
from threading import Thread
from typing import Any, Self

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from explorer.config import Settings
from explorer.devices import batch_sharding, padded_batch_size, replicated_sharding
from explorer.hopping.batch import HopRequestBatch, advance
from explorer.hopping.engine import make_engine
from explorer.hopping.padding import padded_engine
from explorer.hopping.recognition import KnownMinima
from explorer.hopping.slot import WALKERS_PER_SLOT, Slot, empty_slots
from explorer.hopping.start import HopStarter
from explorer.hopping.walker import NO_WALKER, Phase
from explorer.potential.capacity import with_more_capacity
from explorer.potential.load import in_precision
from explorer.potential.padding import with_padding
from explorer.potential.potential import Potential
from explorer.records.minimum import Minimum
from explorer.records.molecule import Molecule
from explorer.strategy.hop_request import EscapeMode, HopRequest
from explorer.system import system_of

NO_LIMIT = np.iinfo(np.int32).max  # force calls
# In place of the force calls of a hop in the stored state: the hop is assigned to a slot but has not begun; the hop is
# not assigned.
WAITING, UNASSIGNED = -1, -2


class WalkerPool:
    """All slots of a run. Walker k always uses slot k modulo the number of slots.

    Args:
        potential: Potential to evaluate.
        molecule: Molecule; its positions define the internal coordinates.
        settings: Settings of the run.

    Attributes:
        n_slots: Number of slots.
        known_minima: Minima that hops may recognise.
        slots: Slots with a leading batch axis, on the device.
    """

    def __init__(self, potential: Potential, molecule: Molecule, settings: Settings):
        self.settings = settings
        self.n_slots = padded_batch_size(-(-settings.hopping.n_walkers // WALKERS_PER_SLOT))
        self._n_atoms, system = molecule.n_atoms, system_of(molecule, jnp.dtype(settings.precision))
        surface = in_precision(potential, settings.precision), with_padding(potential, system)
        self.potential, self.system = jax.device_put(surface, replicated_sharding(self.n_slots))
        engine = padded_engine(self.potential, make_engine(molecule, settings), len(self.system.positions))
        self.known_minima = KnownMinima(engine.projection, settings.precision, replicated_sharding(self.n_slots))
        self.engine = jax.device_put(engine, replicated_sharding(self.n_slots))
        self._start = HopStarter(molecule, settings.hopping)
        empty = empty_slots(engine, np.asarray(self.system.positions), self.n_slots)
        self.slots: Slot = jax.device_put(empty, batch_sharding(self.n_slots))
        self._empty = self.slots
        self._is_fetched = False  # whether the host has fetched the hops that ended in the last round
        self._assigned: Mapping[int, HopRequest] = {}  # requests by slot, which the next round takes up
        self._requests = self._no_requests = self._batch_of({})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Wait for the round on the device: a calculator that is called while Python shuts down aborts the process."""
        jax.block_until_ready(self.slots)

    def assign(self, requests: Iterable[HopRequest]) -> None:
        """Assign hops to the slots of their walkers, which take them up when the next round begins.

        Args:
            requests: At most one for each walker.
        """
        waiting = list(requests)
        while waiting:
            if self._assigned:  # a slot takes up one hop at a time, here in a round without force calls
                self._begin(0)
            by_slot = {request.walker % self.n_slots: request for request in reversed(waiting)}
            self._assigned, self._requests = by_slot, self._batch_of(by_slot)
            waiting = [request for request in waiting if by_slot[request.walker % self.n_slots] is not request]

    def _batch_of(self, by_slot: Mapping[int, HopRequest]) -> HopRequestBatch[np.ndarray]:
        """Return the requests as arrays of numpy, which the device receives with the call of the round."""
        dtype, shape = self.settings.precision, (self.n_slots, *self.system.positions.shape)
        batch = HopRequestBatch(
            wanted=np.zeros(self.n_slots, bool),
            walkers=np.full(self.n_slots, NO_WALKER, np.int32),
            phases=np.full(self.n_slots, int(Phase.DONE), np.int32),
            origins=np.zeros(shape, dtype),
            positions=np.zeros(shape, dtype),
            velocities=np.zeros(shape, dtype),
            highest_energies=np.zeros(self.n_slots, dtype),
            pushed=np.zeros(self.n_slots, bool),
            temperatures=np.zeros(self.n_slots, dtype),
            n_known=np.zeros(self.n_slots, np.int32),
        )
        for k, request in by_slot.items():
            start = self._start(request)
            row = dict(
                wanted=True,
                walkers=request.walker,
                phases=int(start.phase),
                origins=request.origin,
                positions=start.positions,
                velocities=start.velocities,
                highest_energies=start.highest_energy,
                pushed=request.mode == EscapeMode.PUSH,
                temperatures=request.temperature,
                n_known=request.n_known,
            )
            for name, value in row.items():
                getattr(batch, name)[(k, *map(slice, np.shape(value)))] = value  # padding stays zero
        return batch

    def add_known_minima(self, minima: Sequence[Minimum]) -> None:
        """Add the minima that are new, so that hops assigned later may recognise them.

        Args:
            minima: All minima of the search, in order of id.
        """
        self.known_minima.add(minima)

    def start_round(self, n_ticks: int | None = None, limits: Int[np.ndarray, "B"] | None = None) -> None:
        """Start a round on the device without waiting for it.

        Args:
            n_ticks: Force calls of every slot; by default `hopping.ticks_per_round`.
            limits: Number of force calls at which the current hop of each slot is paused; by default none.
        """
        self._begin(n_ticks or self.settings.hopping.ticks_per_round, limits)

    def _begin(self, n_ticks: int, limits: Int[np.ndarray, "B"] | None = None) -> None:
        limits = np.full(self.n_slots, NO_LIMIT) if limits is None else limits
        # kept until the round is done, since it is repeated where the capacity for pairs was too small
        self._arguments = self.slots, np.bool_(self._is_fetched), self._requests
        self._limits = np.int32(n_ticks), limits.astype(np.int32)
        self._advance()
        self._is_fetched, self._assigned, self._requests = False, {}, self._no_requests

    def _advance(self) -> None:
        # A hop recognises the minima that were known when it began. So a round can be repeated with more known minima.
        surface = self.potential, self.system
        self.slots = advance(self.engine, *surface, *self._arguments, self.known_minima.projected, *self._limits)

    def compile_in_background(self) -> Thread:
        """Begin to compile the program of a round; rounds must wait for the thread."""
        return advance.compile_in_background(*self._trial_arguments([], 0))

    def trial_round(self, requests: Sequence[HopRequest], n_ticks: int) -> Slot:
        """Advance empty slots by some hops, to measure what force calls cost; the slots of the pool do not change.

        Args:
            requests: One for each slot.
            n_ticks: Force calls of every slot.
        """
        return advance(*self._trial_arguments(requests, n_ticks))

    def _trial_arguments(self, requests: Sequence[HopRequest], n_ticks: int) -> tuple:
        batch = self._batch_of({request.walker: request for request in requests})
        arguments = self._empty, np.bool_(False), batch, self.known_minima.projected
        limits = np.full(self.n_slots, NO_LIMIT, np.int32)
        return self.engine, self.potential, self.system, *arguments, np.int32(n_ticks), limits

    def wait(self) -> None:
        """Wait for the round. While pairs exceed the capacity, it is increased and the round is repeated."""
        while bool(jnp.any(self.slots.current.overflow | self.slots.ended.overflow)):
            at = self.without_padding(np.concatenate([self.slots.current.positions, self.slots.ended.positions]))
            self.potential = with_more_capacity(self.potential, at)
            self._advance()

    def without_padding(self, vectors: Float[np.ndarray, "*B N 3"]) -> Float[np.ndarray, "*B N 3"]:
        """Return vectors of the atoms of the molecule, such as positions."""
        return vectors[..., : self._n_atoms, :]

    def set_capacity(self, capacity: int) -> None:
        """Set the capacity of the potential for pairs; 0 for all pairs."""
        self.potential = self.potential.replace(capacity=capacity)

    def finish_round(self) -> tuple[Any, Any, int]:
        """Wait for the round and fetch its results.

        Returns:
            A `HopResult` of the hops that ended in the round, the curvature that their relaxations learned, and the
            force calls of the round. The first two are arrays of numpy with a leading axis in the order of walkers.
        """
        self.wait()
        ended, memory, n_calls = jax.device_get((self.slots.ended, self.slots.memory, self.slots.n_calls))
        self._is_fetched = True
        order = np.argsort(ended.walker)
        order = order[ended.walker[order] != NO_WALKER]
        vectors = {name: self.without_padding(getattr(ended, name)) for name in ("positions", "escaped")}
        ended = ended.replace(**vectors)
        return *jax.tree.map(lambda leaf: leaf[order], (ended, memory)), int(n_calls.sum())

    def progress_of_walkers(self, n_walkers: int) -> Int[np.ndarray, "n"]:
        """Return the force calls that the current hop of each walker has used, or `WAITING` or `UNASSIGNED`.

        Args:
            n_walkers: Number of walkers.
        """
        current, n_ticks, following = jax.device_get(
            (self.slots.current.walker, self.slots.current.n_ticks, self.slots.next.walker)
        )
        progress = np.full(n_walkers, UNASSIGNED)
        progress[current[current != NO_WALKER]] = n_ticks[current != NO_WALKER]
        progress[following[following != NO_WALKER]] = WAITING
        progress[[request.walker for request in self._assigned.values()]] = WAITING
        return progress

    def replay(self, requests: Sequence[HopRequest], progress: Int[np.ndarray, "n"]) -> None:
        """Bring the slots to the state of an interrupted run: a hop is a pure function of its request.

        Args:
            requests: Current hop of every walker.
            progress: Progress of each walker in that run, from `progress_of_walkers`.
        """
        self.assign(request for request in requests if progress[request.walker] >= 0)
        limits = np.zeros(self.n_slots)
        for walker in np.flatnonzero(progress >= 0):
            limits[walker % self.n_slots] = progress[walker]
        if limits.any():
            self.start_round(int(limits.max()), limits)
            self.wait()
            # these calls were counted before the interruption
            counted = jax.device_put(np.zeros(self.n_slots, np.int32), batch_sharding(self.n_slots))
            self.slots = self.slots.replace(n_calls=counted)
        self.assign(request for request in requests if progress[request.walker] == WAITING)
