"""How walkers leave their minima: by which move, from where, and where a jump leads."""

from collections.abc import Sequence
from functools import cache, partial

import numpy as np
from jaxtyping import Float, Int

from explorer.config import Settings
from explorer.records.hop import Hop, Outcome
from explorer.records.minimum import Minimum
from explorer.records.molecule import Molecule
from explorer.records.moves import MOVES, Move, chosen_moves
from explorer.records.structure_class import StructureClass, allowed_classes
from explorer.strategy.acquisition import AcquisitionFunction
from explorer.strategy.bandit import MoveBandit
from explorer.strategy.cluster_moves import ClusterMoves
from explorer.strategy.growing_array import GrowingArray
from explorer.strategy.history import History
from explorer.strategy.hop_request import EscapeMode, HopRequest
from explorer.strategy.outcomes import WalkerState, draw_low_minimum, is_too_uncertain
from explorer.strategy.torsion_moves import TorsionMoves
from explorer.topology.bonds import topology_of
from explorer.topology.classify import Classification, classify_batch

TURNING = 0.8  # share of the escapes that turn bonds; the others know rings and all else that is soft
LEAST_CHANCE = np.log(0.03)  # of what a move is sent for
HOPELESS = np.log(0.02)  # the same of the most promising turn of bonds
FEWEST = 60  # minima from which to guess where low ones are
LOW_WORTH = 30.0  # other new minima that a new low one is worth
LOWISH = 0.26  # eV above the lowest minimum, of those that a deep jump takes torsions from
WARMTH = 0.06  # eV, of the draw of a low minimum that a deep jump leaves from


class MoveSelector:
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
        self._allowed_ids = GrowingArray(np.empty(0, int))
        self.classifications: list[Classification] = []  # what the minima are, by id
        self.moves = TorsionMoves(self.topology) if len(molecule.bonds) else ClusterMoves(molecule.n_atoms)
        # where walkers jump to, Å, and its torsions, degrees; NaN for those that follow a path
        self.set_jump_targets(np.empty((0, molecule.n_atoms, 3)))
        self._known = GrowingArray(self.jump_torsions)
        self.acquisition = AcquisitionFunction(2 * len(self.moves.rotors))
        self.add_minima(history.minima, classify_batch(self.topology, self._positions(history.minima)))
        chosen = {move for move in chosen_moves(settings.hopping.moves) if self.moves.supports(move)}
        if StructureClass.CIS_AMIDE not in self.allowed:
            chosen -= {Move.AMIDE_FLIP}
        self.arms = [k for k, move in enumerate(MOVES) if move in (chosen or {Move.HOPPING})]
        self.low_energy_arms = [k for k in self.arms if not MOVES[k].has_path]
        # what each move is worth: new minima per force call, of deep hops new low ones
        self.bandits = tuple(MoveBandit([move.usual_calls for move in MOVES]) for _ in range(2))

    def add_minima(self, minima: Sequence[Minimum], found: Sequence[Classification]) -> None:
        """Take up new minima: their torsions, and which of them walkers may explore by what they are."""
        self.classifications += found
        torsions = self.moves.torsions(self._positions(minima))
        self._known.add(torsions)
        self.acquisition.add_minima(self.moves.features(torsions), np.array([m.energy for m in minima]))
        limit = self.settings.hopping.max_uncertainty
        allowed = [
            minimum.id
            for minimum, what in zip(minima, found, strict=True)
            if what.is_within(self.allowed) and not is_too_uncertain(minimum.uncertainty, limit)
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

    def add_hops(self, hops: Sequence[Hop]) -> None:
        """Take up where jumps have begun to relax, and at what energies they ended."""
        jumps = [hop for hop in hops if hop.start_torsions]
        if jumps:
            ends = [np.nan if hop.end is None else self.history[hop.end].energy for hop in jumps]
            self.acquisition.add_starts(
                self.moves.features(np.array([hop.start_torsions for hop in jumps])), np.array(ends)
            )

    def record_hop(self, hop: Hop, is_deep: bool) -> None:
        """Take up what a hop cost, whether it found what it was sent for, and where it led from."""
        is_found = hop.outcome == Outcome.NEW
        if is_deep and is_found and hop.end is not None:
            is_found = self.acquisition.is_low(self.history[hop.end].energy)
        self.bandits[is_deep].record(MOVES.index(hop.move), is_found, hop.n_evaluations)
        self.add_hops([hop])

    def set_jump_targets(self, jumps: Float[np.ndarray, "w N 3"]) -> None:
        """Take up where walkers jump to, Å."""
        self.jump_targets, self.jump_torsions = jumps, self.moves.torsions(jumps)

    def jump_torsions_of(self, walker: int, course: WalkerState) -> tuple[float, ...]:
        """Torsions where the jump of a walker begins to relax, degrees; none of a path, or of a push."""
        return tuple(self.jump_torsions[walker].tolist()) if MOVES[course.move].is_jump else ()

    def choose_hop(self, walker: int, course: WalkerState) -> None:
        """How the walker leaves next, and where a jump leads.

        A deep hop leaves from a low minimum. A jump to where others are on their way, or have been, gives way to one
        that turns bonds, where that is hopeless as well for low minima to one that is sent for any.
        """
        rng = np.random.default_rng([self.settings.seed, walker, course.hop, 1])
        course.n_known = len(self.history)
        course.targets_low_energy = self.draw_targets_low_energy(rng)
        course.move = self.next_move(walker, course, rng)
        self.jump_targets[walker], self.jump_torsions[walker] = np.nan, np.nan
        if course.targets_low_energy:
            course.start = self.low_minimum(rng)
        if not MOVES[course.move].is_jump:
            return
        torsion = MOVES.index(Move.TORSION)
        ways = [(course.move, course.targets_low_energy, -np.inf)]
        if torsion in self.arms:
            ways = [
                (course.move, course.targets_low_energy, LEAST_CHANCE),
                (torsion, course.targets_low_energy, HOPELESS),
                (torsion, False, -np.inf),
            ]
        under_way = self.jump_torsions[~np.isnan(self.jump_torsions).any(axis=1)]
        chances = cache(partial(self.acquisition.log_probability, self.moves.features(under_way)))
        others, start = cache(self.torsion_donors), (self.history[course.start].positions, self.known[course.start])
        for move, is_deep, least in ways:
            course.move = move
            self.jump_targets[walker], chance = self.moves.propose(
                MOVES[move], *start, others(is_deep), chances(is_deep), rng, least
            )
            if chance >= least:
                break
        self.jump_torsions[walker] = self.moves.torsions(self.jump_targets[walker])

    def draw_targets_low_energy(self, rng: np.random.Generator) -> bool:
        """Whether a hop is sent for low minima: most are while they find some that are new, few when all seem found."""
        if not self.moves.rotors or not self.low_energy_arms or len(self.history) < FEWEST:
            return False
        anywhere, deep = (bandit.rate(rng) for bandit in self.bandits)
        share = self.settings.hopping.low_energy_share
        return bool(rng.random() < (share if LOW_WORTH * deep > anywhere else min(share, 1 - share)))

    def next_move(self, walker: int, course: WalkerState, rng: np.random.Generator) -> int:
        """By what moves found; with patience evenly, and afresh where all walkers together have tried often enough.

        Only one walker explores from the given structure, the others begin afresh.
        """
        patience = self.settings.hopping.patience
        if not patience or not self.moves.supports(Move.RANDOM_RESTART):
            return self.bandits[course.targets_low_energy].choose(
                self.low_energy_arms if course.targets_low_energy else self.arms, rng
            )
        is_spent = self.history.departures[course.start] >= patience or (walker > 0 and course.hop == 0)
        return MOVES.index(Move.RANDOM_RESTART) if is_spent else int(rng.choice(self.arms))

    def torsion_donors(self, is_deep: bool) -> Float[np.ndarray, "n R"]:
        """Torsions of the minima that a jump may take torsions from, degrees: of a deep one only lowish ones."""
        ids = self.allowed_ids
        if is_deep:
            ids = ids[self.acquisition.energies[ids] <= self.acquisition.energies[ids].min() + LOWISH]
        return self.known[ids]

    def low_minimum(self, rng: np.random.Generator) -> int:
        """The id of one that walkers may explore, low ones and rarely visited ones first."""
        allowed = self.allowed_ids
        visits = np.fromiter(self.history.visits.values(), int)[allowed]  # in order of ids
        return int(allowed[draw_low_minimum(self.acquisition.energies[allowed], visits, WARMTH, rng)])

    def request(self, walker: int, course: WalkerState) -> HopRequest:
        """The current hop of a walker as the device takes it."""
        aim, origin = self.jump_targets[walker], self.history[course.start].positions
        rng = np.random.default_rng([self.settings.seed, walker, course.hop, 2])
        way = EscapeMode.JUMP
        if MOVES[course.move] == Move.LOW_MODE:
            way, aim = EscapeMode.PUSH, rng.normal(size=origin.shape)
        elif np.isnan(aim).any():
            way, aim = self.direction(origin, rng)
        return HopRequest(
            walker=walker, origin=origin, mode=way, target=aim, temperature=course.temperature, n_known=course.n_known
        )

    def direction(self, origin: np.ndarray, rng: np.random.Generator) -> tuple[EscapeMode, np.ndarray]:
        """In which a walker leaves: turning all bonds that turn, methyl groups left out, or by any soft motion.

        It takes half the force calls per new minimum of Ac-Ala3-NHMe to leave out what spins for nothing.
        """
        if self.moves.rotors and rng.random() < TURNING:
            rates = rng.normal(size=len(self.moves.rotors))
            return EscapeMode.DIRECTED, self.moves.turns.tangent(origin, rates)
        return EscapeMode.SOFTENED, rng.normal(size=origin.shape)
