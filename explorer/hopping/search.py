"""What a search knows between two rounds: walkers, their courses, all minima, and what each move is worth."""

import time
from collections.abc import Sequence
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np

from explorer.classes import allowed_classes, choices_for
from explorer.config import Settings
from explorer.devices import batch_sharding
from explorer.errors import InputError
from explorer.hopping.bandit import Bandit
from explorer.hopping.batch import advance, evaluate_ticks, relaunch
from explorer.hopping.engine import make_engine
from explorer.hopping.history import History
from explorer.hopping.judge import Course, Landing, restart_point
from explorer.hopping.kicks import Kicks
from explorer.hopping.walker import Phase, Walker, launch
from explorer.moves import MOVES, Move, chosen_moves
from explorer.potential.load import in_precision
from explorer.potential.pairs import count_pairs, n_all_pairs
from explorer.potential.potential import Potential
from explorer.records import Hop, Minimum, Molecule, Outcome, StructureClass
from explorer.relax.relaxer import STATUS_TEXT, Status
from explorer.relax.tight import TightRelaxer
from explorer.system import System, from_molecule
from explorer.topology.bonds import Topology, topology_of
from explorer.topology.classify import classify_batch

EXPLODED = "energies of the dynamics were not finite: walker too hot, time step too long, or a failed calculation"
UNCONFIRMED = "seemed new, but relaxed further, in float64: "
TIMED_TICKS = 4


class Search:
    """The state of a search between two rounds."""

    def __init__(self, potential: Potential, molecule: Molecule, settings: Settings, history: History):
        self.potential = in_precision(potential, settings.precision)
        self.confirm = TightRelaxer(molecule, in_precision(potential, "float64"), settings)
        self.molecule, self.settings, self.history = molecule, settings, history
        self.system: System = from_molecule(molecule, jnp.dtype(settings.precision))
        self.topology: Topology = topology_of(molecule)
        self.engine = make_engine(molecule, settings)
        self.allowed = allowed_classes(settings.hopping.allow)
        self.allowed_ids: list[int] = []  # minima where walkers may be, ascending
        self.admit(history.minima)
        self.courses: list[Course] = []
        self.kicks = Kicks(self.topology)
        chosen = {move for move in chosen_moves(settings.hopping.moves) if self.kicks.can(move)}
        if StructureClass.CIS_AMIDE not in self.allowed:
            chosen -= {Move.AMIDE_FLIP}
        self.arms = [k for k, move in enumerate(MOVES) if move in (chosen or {Move.HOPPING})]
        self.bandit = Bandit(len(MOVES))
        self.n_evaluations = 0
        self.tick_seconds = 0.0

    def relax_input(self) -> Hop:
        """Relax the given structure: the first minimum, from which all walkers start."""
        result = self.confirm(self.molecule.positions[None])
        status = Status(int(result.status[0]))
        if status != Status.CONVERGED:
            raise InputError(
                f"The input structure could not be relaxed: {STATUS_TEXT[status]} (fmax {result.fmax[0]:.3g} eV/Å "
                f"after {result.n_steps[0]} force calls). Check its geometry, or raise relax.max_steps."
            )
        positions = np.asarray(result.positions[0], float)
        found = classify_batch(self.topology, positions[None])[0]
        energy, fmax, n = float(result.energy[0]), float(result.fmax[0]), int(result.n_steps[0])
        self.n_evaluations += n
        self.history.add(Minimum(0, energy, positions, found.kind, fmax, n, 0))
        self.admit(self.history.minima)
        if not self.allowed_ids:
            choices = ",".join((*self.settings.hopping.allow, *choices_for(found.changes - self.allowed)))
            raise InputError(
                f"The input structure relaxes to what walkers may not explore ({found.kind}: {found.reason}). Check "
                f"bonds and charge, use another potential, or allow it by --allow {choices}."
            )
        return Hop(-1, 0, 0, -1, 0, Outcome.NEW, found.reason, True, 0.0, 0.0, energy, n)

    def admit(self, minima: Sequence[Minimum]) -> None:
        """Take up those minima that walkers may explore."""
        positions = np.array([m.positions for m in minima]).reshape(len(minima), self.molecule.n_atoms, 3)
        found = classify_batch(self.topology, positions)
        self.allowed_ids += [m.id for m, what in zip(minima, found, strict=True) if what.is_within(self.allowed)]

    def start_walkers(self) -> None:
        """All walkers at the first minimum, on a ladder of temperatures."""
        hopping = self.settings.hopping
        ladder = np.geomspace(1, hopping.temperature_ladder, hopping.n_walkers) * hopping.temperature
        hottest = hopping.temperature_max
        self.courses = [Course(0, min(float(t), hottest), hopping.ediff, 0, 0) for t in ladder]
        for walker, course in enumerate(self.courses):
            self.choose_move(course, walker)

    def launch(self, walkers: Walker, fresh: np.ndarray) -> Walker:
        """Start the current hop of the walkers marked fresh."""
        dtype = self.settings.precision
        origins = np.stack([self.history[c.start].positions for c in self.courses]).astype(dtype)
        temperatures = np.array([c.temperature for c in self.courses], dtype)
        hops = np.array([c.hop for c in self.courses], np.int32)
        seed = np.int32(self.settings.seed)
        jumps = fresh & np.array([not MOVES[c.move].has_path for c in self.courses])
        starts = origins.copy()
        for k in np.flatnonzero(jumps):
            starts[k] = self.kicked(self.courses[k], int(k))
        return relaunch(self.engine, walkers, jnp.asarray(fresh), origins, jumps, starts, temperatures, seed, hops)

    def choose_move(self, course: Course, walker: int) -> None:
        """How the walker leaves next, and the other minimum where that takes two."""
        rng = np.random.default_rng([self.settings.seed, walker, course.hop, 1])
        course.move = self.bandit.choose(self.arms, rng)
        course.partner = self.allowed_ids[rng.integers(len(self.allowed_ids))]

    def kicked(self, course: Course, walker: int) -> np.ndarray:
        """Where a jump leads before relaxation, Å; a function of the course, so that a resumed run jumps alike."""
        rng = np.random.default_rng([self.settings.seed, walker, course.hop, 2])
        positions, partner = (self.history[known].positions for known in (course.start, course.partner))
        return self.kicks.kick(MOVES[course.move], positions, partner, rng)

    def advance(self, walkers: Walker) -> Walker:
        """One round of force calls; when pairs do not fit, room is made and the round is done again."""
        n_ticks = np.int32(self.settings.hopping.ticks_per_round)
        while True:
            after = advance(self.engine, self.potential, self.system, walkers, n_ticks)
            if not bool(jnp.any(after.overflow)):
                return after
            needed = count_pairs(np.asarray(after.positions), self.potential.cutoff)
            capacity = min(int(1.1 * max(needed, self.potential.capacity)), n_all_pairs(self.molecule.n_atoms))
            self.potential = self.potential.replace(capacity=capacity)

    def blank(self) -> Walker:
        """A batch of the right shape, every row to be overwritten by a launch."""
        key = jax.random.key(0)
        one = launch(self.engine, self.system.positions, jnp.asarray(300.0, self.system.positions.dtype), key)
        n_walkers = self.settings.hopping.n_walkers
        rows = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (n_walkers, *leaf.shape)), one)
        return jax.device_put(rows, batch_sharding(n_walkers))

    def replay(self) -> Walker:
        """Walkers of an interrupted run, in mid-flight: hops are pure functions of their start and key."""
        in_flight = np.array([c.n_rounds for c in self.courses])
        walkers = self.launch(self.blank(), np.ones(len(in_flight), bool))
        for ago in range(in_flight.max(), 0, -1):
            walkers = self.advance(self.launch(walkers, in_flight == ago))
        return self.launch(walkers, in_flight == 0)

    def land(self, walkers: Walker) -> list[Landing]:
        """Finished walkers in order of their index, classified."""
        host = jax.device_get(walkers.replace(relaxation=None))
        relaxed = jax.device_get({k: getattr(walkers.relaxation, k) for k in ("positions", "energy", "fmax", "status")})
        done = np.flatnonzero(host.phase == Phase.DONE)
        positions = relaxed["positions"][done].astype(float)
        positions -= positions.mean(axis=1, keepdims=True)
        escapes = classify_batch(self.topology, host.escaped[done])
        landings = []
        for k, x, escape, found in zip(done, positions, escapes, classify_batch(self.topology, positions), strict=True):
            status = Status(int(relaxed["status"][k]))
            failure = EXPLODED if host.exploded[k] else "" if status == Status.CONVERGED else STATUS_TEXT[status]
            highest = float(host.highest_energy[k])
            energy, fmax, n = float(relaxed["energy"][k]), float(relaxed["fmax"][k]), int(host.n_ticks[k])
            escaped = escape if MOVES[self.courses[k].move].has_path and not host.exploded[k] else None
            landings.append(Landing(int(k), x, energy, fmax, highest, n, failure, escaped, found))
        return landings

    def confirmed(self, landings: Sequence[Landing]) -> list[Landing]:
        """The landings, those that nobody has seen relaxed once more: in float64 and tightly.

        On a shelf a structure meets the thresholds of a search far above the minimum; what is stored is a minimum.
        Walkers mostly come back to what is known, so that the thresholds of all need not be as tight.
        """
        unseen = [k for k, landing in enumerate(landings) if not landing.failure and self.is_unseen(landing)]
        if not unseen:
            return list(landings)
        result = self.confirm(np.array([landings[k].positions for k in unseen]))
        self.n_evaluations += int(result.n_steps.sum())
        positions = np.asarray(result.positions, float)
        confirmed = list(landings)
        for row, (k, found) in enumerate(zip(unseen, classify_batch(self.topology, positions), strict=True)):
            status = Status(int(result.status[row]))
            confirmed[k] = replace(
                landings[k],
                positions=positions[row] - positions[row].mean(axis=0),
                energy=float(result.energy[row]),
                fmax=float(result.fmax[row]),
                n_evaluations=landings[k].n_evaluations + int(result.n_steps[row]),
                failure="" if status == Status.CONVERGED else UNCONFIRMED + STATUS_TEXT[status],
                found=found,
            )
        return confirmed

    def is_unseen(self, landing: Landing) -> bool:
        """Whether it is none of the minima so far."""
        return self.history.identify(landing.energy, landing.positions, landing.found.kind) is None

    def steer(self, course: Course, walker: int) -> None:
        """Move a walker from a minimum that was visited often to a rarely visited low one.

        The first hop from a minimum of a peptide ends somewhere new twice as often as the fifth.
        """
        hopping = self.settings.hopping
        if hopping.max_visits and self.history.visits[course.start] > hopping.max_visits:
            rng = np.random.default_rng([self.settings.seed, walker, course.hop])
            course.start = restart_point(self.history, self.allowed_ids, hopping.max_visits, rng)

    def time_tick(self, walkers: Walker) -> None:
        """Measure the force call of one tick alone."""
        jax.block_until_ready(evaluate_ticks(self.potential, self.system, walkers.positions, np.int32(1)))
        started = time.perf_counter()
        jax.block_until_ready(evaluate_ticks(self.potential, self.system, walkers.positions, np.int32(TIMED_TICKS)))
        self.tick_seconds = (time.perf_counter() - started) / TIMED_TICKS
