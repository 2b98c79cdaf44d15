"""The host's side of a search: courses of walkers, all minima, and what each move is worth."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from jaxtyping import Float

from explorer.classes import allowed_classes, choices_for
from explorer.config import Settings
from explorer.errors import InputError
from explorer.hopping.aims import Aims
from explorer.hopping.bandit import Bandit
from explorer.hopping.cluster_kicks import ClusterKicks
from explorer.hopping.crew import Launch, Way
from explorer.hopping.history import History
from explorer.hopping.judge import Course, Landing, judge, restart_point
from explorer.hopping.kicks import Kicks
from explorer.moves import MOVES, Move, chosen_moves
from explorer.potential.load import in_precision
from explorer.potential.potential import Potential
from explorer.records import Hop, Minimum, Molecule, Outcome, StructureClass
from explorer.relax.relaxer import STATUS_TEXT, Status
from explorer.relax.tight import TightRelaxer
from explorer.topology.bonds import Topology, topology_of
from explorer.topology.classify import classify_batch
from explorer.topology.rotors import turning

EXPLODED = "energies of the dynamics were not finite: walker too hot, time step too long, or a failed calculation"
UNCONFIRMED = "seemed new, but relaxed further, in float64: "
TURNING = 0.8  # share of the escapes that turn bonds; the others know rings and all else that is soft
LEAST_CHANCE = np.log(0.06)  # of a new minimum; about 45° in one torsion
FEWEST = 40  # minima from which to guess where low ones are
WARMTH = 0.06  # eV, of the draw of a low minimum that a deep jump leaves from
NUDGE = 0.02  # Å


class Search:
    """What a search knows, and how it decides.

    Args:
        potential: on which surface, in float64 where minima are to be confirmed in that.
        molecule: where to start.
        settings: everything else.
        history: empty, or the minima of the run that goes on.
    """

    def __init__(self, potential: Potential, molecule: Molecule, settings: Settings, history: History):
        self.confirm = TightRelaxer(molecule, in_precision(potential, "float64"), settings)
        self.molecule, self.settings, self.history = molecule, settings, history
        self.topology: Topology = topology_of(molecule)
        self.allowed = allowed_classes(settings.hopping.allow)
        self.allowed_ids: list[int] = []  # minima where walkers may be, ascending
        self.courses: list[Course] = []
        self.kicks = Kicks(self.topology) if len(molecule.bonds) else ClusterKicks(molecule.n_atoms)
        # where walkers jump to, Å, and its torsions, degrees; NaN for those that follow a path
        self.aim(np.empty((0, molecule.n_atoms, 3)))
        self.aims = Aims(2 * len(self.kicks.rotors))
        self.admit(history.minima)
        chosen = {move for move in chosen_moves(settings.hopping.moves) if self.kicks.can(move)}
        if StructureClass.CIS_AMIDE not in self.allowed:
            chosen -= {Move.AMIDE_FLIP}
        self.arms = [k for k, move in enumerate(MOVES) if move in (chosen or {Move.HOPPING})]
        self.bandit = Bandit([move.usual_calls for move in MOVES])
        self.n_evaluations = 0

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
        self.aims.learn(self.kicks.features(self.kicks.torsions(positions)), np.array([m.energy for m in minima]))
        self.allowed_ids += [m.id for m, what in zip(minima, found, strict=True) if what.is_within(self.allowed)]

    def recall(self, hops: Sequence[Hop]) -> None:
        """Take up where jumps have led."""
        if aims := [hop.aim for hop in hops if hop.aim]:
            self.aims.try_elsewhere(self.kicks.features(np.array(aims)))

    def start_walkers(self) -> None:
        """All walkers at the first minimum, on a ladder of temperatures."""
        hopping = self.settings.hopping
        ladder = np.geomspace(1, hopping.temperature_ladder, hopping.n_walkers) * hopping.temperature
        hottest = hopping.temperature_max
        self.courses = [Course(0, min(float(t), hottest), hopping.ediff, 0) for t in ladder]
        self.aim(np.full((hopping.n_walkers, self.molecule.n_atoms, 3), np.nan))
        for walker in range(hopping.n_walkers):
            self.choose_move(walker)

    def aim(self, jumps: Float[np.ndarray, "w N 3"]) -> None:
        """Take up where walkers jump to, Å."""
        self.jumps, self.torsions = jumps, self.kicks.torsions(jumps)

    def launch(self, walker: int) -> Launch:
        """The current hop of a walker."""
        course, aim = self.courses[walker], self.jumps[walker]
        origin = self.history[course.start].positions
        way = Way.JUMP
        if np.isnan(aim).any():
            rng = np.random.default_rng([self.settings.seed, walker, course.hop, 2])
            way, aim = self.direction(origin, rng)
        return Launch(walker, origin, way, aim, course.temperature)

    def direction(self, origin: np.ndarray, rng: np.random.Generator) -> tuple[Way, np.ndarray]:
        """In which a walker leaves: turning all bonds that turn, methyl groups left out, or by any soft motion.

        It takes half the force calls per new minimum of Ac-Ala3-NHMe to leave out what spins for nothing.
        """
        if self.kicks.rotors and rng.random() < TURNING:
            rates = rng.normal(size=len(self.kicks.rotors))
            turns = [turning(origin, rotor, rate) for rotor, rate in zip(self.kicks.rotors, rates, strict=True)]
            return Way.ALONG, np.sum(turns, axis=0)
        return Way.NOISE, rng.normal(size=origin.shape)

    def choose_move(self, walker: int) -> None:
        """How the walker leaves next, and where a jump leads.

        A deep jump leaves from a low minimum. A jump to where others are on their way, or have been, gives way to one
        that turns bonds freely.
        """
        course = self.courses[walker]
        rng = np.random.default_rng([self.settings.seed, walker, course.hop, 1])
        course.move = self.next_move(walker, course, rng)
        self.jumps[walker], self.torsions[walker] = np.nan, np.nan
        if MOVES[course.move].has_path:
            return
        can_guess = len(self.kicks.rotors) > 0 and len(self.history) >= FEWEST
        is_deep = can_guess and rng.random() < self.settings.hopping.deep
        if is_deep:
            course.start = self.low_minimum(rng)
        self.jumps[walker], chance = self.kick(course, is_deep, rng)
        if chance < LEAST_CHANCE and MOVES.index(Move.TORSION) in self.arms:
            course.move = MOVES.index(Move.TORSION)
            self.jumps[walker], _ = self.kick(course, False, rng)
        self.torsions[walker] = self.kicks.torsions(self.jumps[walker])

    def next_move(self, walker: int, course: Course, rng: np.random.Generator) -> int:
        """By what moves found; with patience evenly, and afresh where all walkers together have tried often enough.

        Only one walker explores from the given structure, the others begin afresh.
        """
        patience = self.settings.hopping.patience
        if not patience or not self.kicks.can(Move.FRESH):
            return self.bandit.choose(self.arms, rng)
        is_spent = self.history.departures[course.start] >= patience or (walker > 0 and course.hop == 0)
        return MOVES.index(Move.FRESH) if is_spent else int(rng.choice(self.arms))

    def kick(self, course: Course, is_deep: bool, rng: np.random.Generator) -> tuple[np.ndarray, float]:
        """Where a jump of this course leads, Å, and the logarithm of the chance that it is of use."""
        under_way = self.torsions[~np.isnan(self.torsions).any(axis=1)]
        chances = self.aims.chances(self.kicks.features(under_way), is_deep)
        partner = self.low_minimum(rng) if is_deep else self.allowed_ids[rng.integers(len(self.allowed_ids))]
        start, other = (self.history[k].positions for k in (course.start, partner))
        return self.kicks.kick(MOVES[course.move], start, other, chances, rng)

    def low_minimum(self, rng: np.random.Generator) -> int:
        """The id of one that walkers may explore, low ones and rarely visited ones first."""
        return restart_point(self.history, self.allowed_ids, WARMTH, rng)

    def judge(self, ended: Any, round_index: int) -> tuple[list[Hop], list[Launch]]:
        """What became of hops, in order of their walkers, and the next hop of each of these.

        Args:
            ended: `Walker` with a leading axis and arrays of numpy.
            round_index: the round in which they ended.
        """
        hops, launches = [], []
        for landing in self.confirmed(self.land(ended)):
            course, n_before = self.courses[landing.walker], len(self.history)
            aim = () if MOVES[course.move].has_path else tuple(self.torsions[landing.walker].tolist())
            hop = judge(landing, course, self.history, self.settings.hopping, self.n_evaluations, round_index, aim)
            self.bandit.learn(MOVES.index(hop.move), hop.outcome == Outcome.NEW, landing.n_evaluations)
            self.admit(self.history.minima[n_before:])
            self.recall([hop])
            self.steer(course, landing.walker)
            self.choose_move(landing.walker)
            hops.append(hop)
            launches.append(self.launch(landing.walker))
        return hops, launches

    def land(self, ended: Any) -> list[Landing]:
        """Finished hops, classified, and identified where they are known."""
        positions = ended.positions.astype(float)
        positions -= positions.mean(axis=1, keepdims=True)
        escapes = classify_batch(self.topology, ended.escaped)
        landings = []
        for k, (escape, found) in enumerate(zip(escapes, classify_batch(self.topology, positions), strict=True)):
            walker, status = int(ended.course[k]), Status(int(ended.status[k]))
            exploded, energy = bool(ended.exploded[k]), float(ended.energy[k])
            failure = EXPLODED if exploded else "" if status == Status.CONVERGED else STATUS_TEXT[status]
            landings.append(
                Landing(
                    walker=walker,
                    positions=positions[k],
                    energy=energy,
                    fmax=float(ended.fmax[k]),
                    highest_energy=float(ended.highest_energy[k]),
                    n_evaluations=int(ended.n_ticks[k]),
                    failure=failure,
                    escape=escape if MOVES[self.courses[walker].move].has_path and not exploded else None,
                    found=found,
                    known=None if failure else self.history.identify(energy, positions[k], found.kind),
                )
            )
        return landings

    def confirmed(self, landings: Sequence[Landing]) -> list[Landing]:
        """The landings, those that nobody has seen relaxed once more: in float64 and tightly.

        On a shelf a structure meets the thresholds of a search far above the minimum; what is stored is a minimum.
        What is known already needs no such care, so that the thresholds of all need not be as tight.
        """
        unseen = [k for k, landing in enumerate(landings) if not landing.failure and landing.known is None]
        if not unseen:
            return list(landings)
        result = self.confirm(np.array([self.nudged(landings[k]) for k in unseen]))
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

    def nudged(self, landing: Landing) -> np.ndarray:
        """Positions to relax once more, Å; what began afresh may be a saddle by symmetry, and is moved a little."""
        course = self.courses[landing.walker]
        if MOVES[course.move] != Move.FRESH:
            return landing.positions
        rng = np.random.default_rng([self.settings.seed, landing.walker, course.hop, 3])
        return landing.positions + rng.uniform(-NUDGE, NUDGE, landing.positions.shape)

    def steer(self, course: Course, walker: int) -> None:
        """Move a walker from a minimum that was visited often to a rarely visited low one.

        The first hop from a minimum of a peptide ends somewhere new twice as often as the fifth.
        """
        hopping = self.settings.hopping
        if hopping.max_visits and self.history.visits[course.start] > hopping.max_visits:
            rng = np.random.default_rng([self.settings.seed, walker, course.hop])
            course.start = self.low_minimum(rng)
