"""How walkers leave their minima: by which move, from where, and where a jump leads."""

from collections.abc import Sequence
from functools import cache, partial

import numpy as np
from jaxtyping import Float, Int

from explorer.classes import allowed_classes
from explorer.config import Settings
from explorer.grown import Grown
from explorer.hopping.aims import Aims
from explorer.hopping.bandit import Bandit
from explorer.hopping.cluster_kicks import ClusterKicks
from explorer.hopping.crew import Launch, Way
from explorer.hopping.history import History
from explorer.hopping.judge import Course, is_doubted, restart_point
from explorer.hopping.kicks import Kicks
from explorer.moves import MOVES, Move, chosen_moves
from explorer.records import Hop, Minimum, Molecule, Outcome, StructureClass
from explorer.topology.bonds import topology_of
from explorer.topology.classify import Classification, classify_batch

TURNING = 0.8  # share of the escapes that turn bonds; the others know rings and all else that is soft
LEAST_CHANCE = np.log(0.03)  # of what a move is sent for
HOPELESS = np.log(0.02)  # the same of the most promising turn of bonds
FEWEST = 60  # minima from which to guess where low ones are
LOW_WORTH = 30.0  # other new minima that a new low one is worth
LOWISH = 0.26  # eV above the lowest minimum, of those that a deep jump takes torsions from
WARMTH = 0.06  # eV, of the draw of a low minimum that a deep jump leaves from


class Planner:
    """What is known of the moves of a molecule, and what each of them is worth.

    Args:
        molecule: where the search starts.
        settings: of the search.
        history: its minima; what is in it already is taken up.
    """

    def __init__(self, molecule: Molecule, settings: Settings, history: History):
        self.settings, self.history, self.n_atoms = settings, history, molecule.n_atoms
        self.topology = topology_of(molecule)
        self.allowed = allowed_classes(settings.hopping.allow)
        self._allowed_ids = Grown(np.empty(0, int))
        self.found: list[Classification] = []  # what the minima are, by id
        self.kicks = Kicks(self.topology) if len(molecule.bonds) else ClusterKicks(molecule.n_atoms)
        # where walkers jump to, Å, and its torsions, degrees; NaN for those that follow a path
        self.aim(np.empty((0, molecule.n_atoms, 3)))
        self._known = Grown(self.torsions)
        self.aims = Aims(2 * len(self.kicks.rotors))
        self.admit(history.minima, classify_batch(self.topology, self._positions(history.minima)))
        chosen = {move for move in chosen_moves(settings.hopping.moves) if self.kicks.can(move)}
        if StructureClass.CIS_AMIDE not in self.allowed:
            chosen -= {Move.AMIDE_FLIP}
        self.arms = [k for k, move in enumerate(MOVES) if move in (chosen or {Move.HOPPING})]
        self.deep_arms = [k for k in self.arms if not MOVES[k].has_path]
        # what each move is worth: new minima per force call, of deep hops new low ones
        self.bandits = tuple(Bandit([move.usual_calls for move in MOVES]) for _ in range(2))

    def admit(self, minima: Sequence[Minimum], found: Sequence[Classification]) -> None:
        """Take up new minima: their torsions, and which of them walkers may explore by what they are."""
        self.found += found
        torsions = self.kicks.torsions(self._positions(minima))
        self._known.add(torsions)
        self.aims.learn(self.kicks.features(torsions), np.array([m.energy for m in minima]))
        limit = self.settings.hopping.max_uncertainty
        allowed = [
            minimum.id
            for minimum, what in zip(minima, found, strict=True)
            if what.is_within(self.allowed) and not is_doubted(minimum.doubt, limit)
        ]
        self._allowed_ids.add(np.array(allowed, int))

    @property
    def allowed_ids(self) -> Int[np.ndarray, "n"]:
        """Minima where walkers may be, ascending."""
        return self._allowed_ids.rows

    @property
    def known(self) -> Float[np.ndarray, "n R"]:
        """Torsions of all minima by id, degrees."""
        return self._known.rows

    def _positions(self, minima: Sequence[Minimum]) -> Float[np.ndarray, "n N 3"]:
        return np.array([m.positions for m in minima]).reshape(len(minima), self.n_atoms, 3)

    def recall(self, hops: Sequence[Hop]) -> None:
        """Take up where jumps have begun to relax, and at what energies they ended."""
        jumps = [hop for hop in hops if hop.aim]
        if jumps:
            ends = [np.nan if hop.end is None else self.history[hop.end].energy for hop in jumps]
            self.aims.try_elsewhere(self.kicks.features(np.array([hop.aim for hop in jumps])), np.array(ends))

    def learn(self, hop: Hop, is_deep: bool) -> None:
        """Take up what a hop cost, whether it found what it was sent for, and where it led from."""
        is_found = hop.outcome == Outcome.NEW
        if is_deep and is_found and hop.end is not None:
            is_found = self.aims.is_low(self.history[hop.end].energy)
        self.bandits[is_deep].learn(MOVES.index(hop.move), is_found, hop.n_evaluations)
        self.recall([hop])

    def aim(self, jumps: Float[np.ndarray, "w N 3"]) -> None:
        """Take up where walkers jump to, Å."""
        self.jumps, self.torsions = jumps, self.kicks.torsions(jumps)

    def aim_of(self, walker: int, course: Course) -> tuple[float, ...]:
        """Torsions where the jump of a walker begins to relax, degrees; none of a path, or of a push."""
        return tuple(self.torsions[walker].tolist()) if MOVES[course.move].is_jump else ()

    def plan(self, walker: int, course: Course) -> None:
        """How the walker leaves next, and where a jump leads.

        A deep hop leaves from a low minimum. A jump to where others are on their way, or have been, gives way to one
        that turns bonds, where that is hopeless as well for low minima to one that is sent for any.
        """
        rng = np.random.default_rng([self.settings.seed, walker, course.hop, 1])
        course.n_known = len(self.history)
        course.deep = self.goes_deep(rng)
        course.move = self.next_move(walker, course, rng)
        self.jumps[walker], self.torsions[walker] = np.nan, np.nan
        if course.deep:
            course.start = self.low_minimum(rng)
        if not MOVES[course.move].is_jump:
            return
        torsion = MOVES.index(Move.TORSION)
        ways = [(course.move, course.deep, -np.inf)]
        if torsion in self.arms:
            ways = [
                (course.move, course.deep, LEAST_CHANCE),
                (torsion, course.deep, HOPELESS),
                (torsion, False, -np.inf),
            ]
        under_way = self.torsions[~np.isnan(self.torsions).any(axis=1)]
        chances = cache(partial(self.aims.chances, self.kicks.features(under_way)))
        others, start = cache(self.others), (self.history[course.start].positions, self.known[course.start])
        for move, is_deep, least in ways:
            course.move = move
            self.jumps[walker], chance = self.kicks.kick(
                MOVES[move], *start, others(is_deep), chances(is_deep), rng, least
            )
            if chance >= least:
                break
        self.torsions[walker] = self.kicks.torsions(self.jumps[walker])

    def goes_deep(self, rng: np.random.Generator) -> bool:
        """Whether a hop is sent for low minima: most are while they find some that are new, few when all seem found."""
        if not self.kicks.rotors or not self.deep_arms or len(self.history) < FEWEST:
            return False
        anywhere, deep = (bandit.rate(rng) for bandit in self.bandits)
        share = self.settings.hopping.deep
        return bool(rng.random() < (share if LOW_WORTH * deep > anywhere else min(share, 1 - share)))

    def next_move(self, walker: int, course: Course, rng: np.random.Generator) -> int:
        """By what moves found; with patience evenly, and afresh where all walkers together have tried often enough.

        Only one walker explores from the given structure, the others begin afresh.
        """
        patience = self.settings.hopping.patience
        if not patience or not self.kicks.can(Move.FRESH):
            return self.bandits[course.deep].choose(self.deep_arms if course.deep else self.arms, rng)
        is_spent = self.history.departures[course.start] >= patience or (walker > 0 and course.hop == 0)
        return MOVES.index(Move.FRESH) if is_spent else int(rng.choice(self.arms))

    def others(self, is_deep: bool) -> Float[np.ndarray, "n R"]:
        """Torsions of the minima that a jump may take torsions from, degrees: of a deep one only lowish ones."""
        ids = self.allowed_ids
        if is_deep:
            ids = ids[self.aims.energies[ids] <= self.aims.energies[ids].min() + LOWISH]
        return self.known[ids]

    def low_minimum(self, rng: np.random.Generator) -> int:
        """The id of one that walkers may explore, low ones and rarely visited ones first."""
        allowed = self.allowed_ids
        visits = np.fromiter(self.history.visits.values(), int)[allowed]  # in order of ids
        return int(allowed[restart_point(self.aims.energies[allowed], visits, WARMTH, rng)])

    def launch(self, walker: int, course: Course) -> Launch:
        """The current hop of a walker as the device takes it."""
        aim, origin = self.jumps[walker], self.history[course.start].positions
        rng = np.random.default_rng([self.settings.seed, walker, course.hop, 2])
        way = Way.JUMP
        if MOVES[course.move] == Move.LOW_MODE:
            way, aim = Way.PUSH, rng.normal(size=origin.shape)
        elif np.isnan(aim).any():
            way, aim = self.direction(origin, rng)
        return Launch(walker, origin, way, aim, course.temperature, course.n_known)

    def direction(self, origin: np.ndarray, rng: np.random.Generator) -> tuple[Way, np.ndarray]:
        """In which a walker leaves: turning all bonds that turn, methyl groups left out, or by any soft motion.

        It takes half the force calls per new minimum of Ac-Ala3-NHMe to leave out what spins for nothing.
        """
        if self.kicks.rotors and rng.random() < TURNING:
            rates = rng.normal(size=len(self.kicks.rotors))
            return Way.ALONG, self.kicks.turns.turning(origin, rates)
        return Way.NOISE, rng.normal(size=origin.shape)
