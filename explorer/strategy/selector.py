"""Choice of the next hop of each walker: start minimum, move and target of a jump."""

from collections.abc import Sequence
from functools import cache, partial

import numpy as np
from jaxtyping import Float, Int

from explorer.config import Settings
from explorer.records.hop import Hop, Outcome
from explorer.records.minimum import Minimum
from explorer.records.molecule import Molecule
from explorer.records.moves import MOVES, Move, chosen_moves
from explorer.records.structure_class import FLIPPED_AMIDES, allowed_classes
from explorer.strategy.acquisition import AcquisitionFunction
from explorer.strategy.bandit import MoveBandit
from explorer.strategy.cluster_moves import ClusterMoves
from explorer.strategy.growing_array import GrowingArray
from explorer.strategy.history import History
from explorer.strategy.hop_request import EscapeMode, HopRequest
from explorer.strategy.outcomes import WalkerState, draw_low_minimum
from explorer.strategy.torsion_moves import TorsionMoves
from explorer.topology.bonds import topology_of
from explorer.topology.classify import Classification, classify_batch

# None of these numbers was tuned.
TORSION_ESCAPE_SHARE = 0.8  # share of the escapes along torsions; the others can also change rings
MIN_LOG_PROBABILITY = np.log(0.03)  # a jump with a smaller log-probability of success becomes a torsion move
MIN_LOG_PROBABILITY_TORSION = np.log(0.02)  # a torsion move with a smaller one no longer targets low energies
MIN_MINIMA_TO_EXPLOIT = 60  # known minima from which the energies of others can be predicted
VALUE_OF_LOW_MINIMUM = 30.0  # value of a new low minimum in units of the value of any new minimum
DONOR_WINDOW = 0.26  # eV above the lowest minimum; such minima donate torsions to jumps to low energies
START_ENERGY_SCALE = 0.06  # eV, over which the probability to start from a minimum decays with its energy


class MoveSelector:
    """Chooses hops from the minima found so far and from the success of earlier moves.

    A hop either targets any new minimum (exploration) or a new low one (exploitation). Each of the two has its own
    bandit for the choice of the move.

    Args:
        molecule: Molecule where the search starts.
        settings: Settings of the search.
        history: Minima of the search. Those that it already contains are added.

    Attributes:
        classifications: Classification of each minimum, by id.
        moves: Moves of the molecule.
        acquisition: Probability that a jump is useful.
        arms: Indices into `MOVES` of the moves that may be chosen.
        low_energy_arms: Those of these arms that are used for hops to low energies.
        bandits: Bandits that choose the move: one for hops to any new minimum, and one for hops to new low minima.
        jump_targets: Structure to which each walker jumps, Å; NaN for walkers that do not jump.
        jump_torsions: Torsions of these structures, degrees.
        given_structures: Structures to which the next walkers jump before they choose moves of their own, Å.
    """

    def __init__(self, molecule: Molecule, settings: Settings, history: History):
        self.settings, self.history, self.n_atoms = settings, history, molecule.n_atoms
        self.topology = topology_of(molecule)
        self.allowed = allowed_classes(settings.hopping.allow)
        self._allowed_ids = GrowingArray(np.empty(0, int))
        self.classifications: list[Classification] = []
        flips = not self.allowed.isdisjoint(FLIPPED_AMIDES)
        self.moves = TorsionMoves(self.topology, flips) if len(molecule.bonds) else ClusterMoves(molecule.n_atoms)
        self.set_jump_targets(np.empty((0, molecule.n_atoms, 3)))
        self._torsions = GrowingArray(self.jump_torsions)
        self.acquisition = AcquisitionFunction(2 * len(self.moves.rotors))
        self.add_minima(history.minima, classify_batch(self.topology, self._positions(history.minima)))
        chosen = {move for move in chosen_moves(settings.hopping.moves) if self.moves.supports(move)}
        self.arms = [k for k, move in enumerate(MOVES) if move in (chosen or {Move.HOPPING})]
        self.low_energy_arms = [k for k in self.arms if not MOVES[k].has_path]
        self.given_structures: list[Float[np.ndarray, "N 3"]] = []
        self.bandits = tuple(MoveBandit([move.usual_calls for move in MOVES]) for _ in range(2))

    def add_minima(self, minima: Sequence[Minimum], classifications: Sequence[Classification]) -> None:
        """Add new minima in order of id.

        Args:
            minima: Minima that follow those added before.
            classifications: Their classifications, which decide whether walkers may explore them.
        """
        self.classifications += classifications
        torsions = self.moves.torsions(self._positions(minima))
        self._torsions.add(torsions)
        energies = np.array([m.energy if m.is_result else np.nan for m in minima])
        self.acquisition.add_minima(self.moves.features(torsions), energies)
        allowed = [
            minimum.id
            for minimum, classification in zip(minima, classifications, strict=True)
            if classification.is_within(self.allowed) and minimum.is_result
        ]
        self._allowed_ids.add(np.array(allowed, int))

    @property
    def allowed_ids(self) -> Int[np.ndarray, "n"]:
        """Ids of the minima that walkers may explore, ascending."""
        return self._allowed_ids.rows

    @property
    def torsions(self) -> Float[np.ndarray, "n R"]:
        """Torsions of all minima by id, degrees."""
        return self._torsions.rows

    def _positions(self, minima: Sequence[Minimum]) -> Float[np.ndarray, "n N 3"]:
        return np.array([m.positions for m in minima]).reshape(len(minima), self.n_atoms, 3)

    def add_hops(self, hops: Sequence[Hop]) -> None:
        """Add the torsions where the relaxations of jumps started, and the energies where they ended.

        Args:
            hops: Finished hops; those that are not jumps are ignored.
        """
        jumps = [hop for hop in hops if hop.start_torsions]
        if jumps:
            ends = [self._energy_of_result(hop.end) for hop in jumps]
            self.acquisition.add_starts(
                self.moves.features(np.array([hop.start_torsions for hop in jumps])), np.array(ends)
            )

    def _energy_of_result(self, end: int | None) -> float:
        """Return the energy of a minimum, eV; NaN without one and where the model does not know it."""
        return self.history[end].energy if end is not None and self.history[end].is_result else np.nan

    def record_hop(self, hop: Hop, targets_low_energy: bool) -> None:
        """Update the bandit with the cost and the success of a finished hop, and add where it started.

        Args:
            hop: Finished hop.
            targets_low_energy: Whether only a new low minimum counts as success.
        """
        is_success = hop.outcome == Outcome.NEW
        if targets_low_energy and is_success and hop.end is not None:
            is_success = self.acquisition.is_low(self.history[hop.end].energy)
        if hop.move != Move.GIVEN_STRUCTURE:  # its success says nothing about moves
            self.bandits[targets_low_energy].record(MOVES.index(hop.move), is_success, hop.n_evaluations)
        self.add_hops([hop])

    def set_jump_targets(self, jump_targets: Float[np.ndarray, "w N 3"]) -> None:
        """Set the structures to which all walkers jump.

        Args:
            jump_targets: Structure for each walker, Å; NaN for walkers that do not jump.
        """
        self.jump_targets, self.jump_torsions = jump_targets, self.moves.torsions(jump_targets)

    def jump_torsions_of(self, walker: int, walker_state: WalkerState) -> tuple[float, ...]:
        """Return the torsions where the relaxation after a jump starts, degrees; empty if the walker does not jump.

        Args:
            walker: Index of the walker.
            walker_state: State of the walker, with the hop chosen.
        """
        return tuple(self.jump_torsions[walker].tolist()) if MOVES[walker_state.move].is_jump else ()

    def choose_hop(self, walker: int, walker_state: WalkerState) -> None:
        """Choose the next hop of a walker: its purpose, start, move and jump target. Modifies `walker_state`.

        Args:
            walker: Index of the walker.
            walker_state: State of the walker after its last hop.
        """
        rng = np.random.default_rng([self.settings.seed, walker, walker_state.hop, 1])
        walker_state.n_known = len(self.history)
        if self.given_structures:
            self._jump_to(self.given_structures.pop(0), walker, walker_state)
            return
        walker_state.targets_low_energy = self.draw_targets_low_energy(rng)
        walker_state.move = self.next_move(walker, walker_state, rng)
        self.jump_targets[walker], self.jump_torsions[walker] = np.nan, np.nan
        if walker_state.targets_low_energy:
            walker_state.start = self.low_minimum(rng)
        if MOVES[walker_state.move].is_jump:
            self._choose_jump(walker, walker_state, rng)

    def _jump_to(self, structure: Float[np.ndarray, "N 3"], walker: int, walker_state: WalkerState) -> None:
        walker_state.targets_low_energy, walker_state.move = False, MOVES.index(Move.GIVEN_STRUCTURE)
        self.jump_targets[walker], self.jump_torsions[walker] = structure, self.moves.torsions(structure)

    def _choose_jump(self, walker: int, walker_state: WalkerState, rng: np.random.Generator) -> None:
        """Choose the target of a jump, and another move where the chosen one has little chance of success.

        A jump has little chance near the targets of pending jumps and near the starts of earlier relaxations. It is
        first replaced by a torsion move, which reaches more structures. If that has little chance of finding a low
        minimum either, it is replaced by a torsion move to any new minimum.
        """
        torsion, targets_low_energy = MOVES.index(Move.TORSION), walker_state.targets_low_energy
        attempts = [(walker_state.move, targets_low_energy, -np.inf)]
        if torsion in self.arms:
            attempts = [
                (walker_state.move, targets_low_energy, MIN_LOG_PROBABILITY),
                (torsion, targets_low_energy, MIN_LOG_PROBABILITY_TORSION),
                (torsion, False, -np.inf),
            ]
        pending = self.jump_torsions[~np.isnan(self.jump_torsions).any(axis=1)]
        log_probability = cache(partial(self.acquisition.log_probability, self.moves.features(pending)))
        donors = cache(self.torsion_donors)
        start = self.history[walker_state.start].positions, self.torsions[walker_state.start]
        for move, to_low_energy, threshold in attempts:
            walker_state.move = move
            self.jump_targets[walker], promise = self.moves.propose(
                MOVES[move], *start, donors(to_low_energy), log_probability(to_low_energy), rng, threshold
            )
            if promise >= threshold:
                break
        self.jump_torsions[walker] = self.moves.torsions(self.jump_targets[walker])

    def draw_targets_low_energy(self, rng: np.random.Generator) -> bool:
        """Draw whether a hop targets low minima: most hops do while such hops find new ones, few hops do afterwards.

        Args:
            rng: Random number generator.
        """
        if not self.moves.rotors or not self.low_energy_arms or len(self.history) < MIN_MINIMA_TO_EXPLOIT:
            return False
        rate_of_new, rate_of_low = (bandit.rate(rng) for bandit in self.bandits)
        share = self.settings.hopping.low_energy_share
        pays_off = VALUE_OF_LOW_MINIMUM * rate_of_low > rate_of_new
        return bool(rng.random() < (share if pays_off else min(share, 1 - share)))

    def next_move(self, walker: int, walker_state: WalkerState, rng: np.random.Generator) -> int:
        """Draw the next move of a walker, as an index into `MOVES`.

        Without `hopping.patience` the bandit chooses. With it, moves are drawn uniformly, and a walker restarts from
        a random structure once enough hops have left its minimum. All walkers but the first begin with a restart, so
        that only one of them explores the surroundings of the input.

        Args:
            walker: Index of the walker.
            walker_state: State of the walker.
            rng: Random number generator.
        """
        patience = self.settings.hopping.patience
        if not patience or not self.moves.supports(Move.RANDOM_RESTART):
            arms = self.low_energy_arms if walker_state.targets_low_energy else self.arms
            return self.bandits[walker_state.targets_low_energy].choose(arms, rng)
        is_first_hop = walker > 0 and walker_state.hop == 0
        if self.history.departures[walker_state.start] >= patience or is_first_hop:
            return MOVES.index(Move.RANDOM_RESTART)
        return int(rng.choice(self.arms))

    def torsion_donors(self, targets_low_energy: bool) -> Float[np.ndarray, "n R"]:
        """Return the torsions of the minima from which a jump may take torsions, degrees.

        Args:
            targets_low_energy: Whether to take them from minima of low energy only.
        """
        ids = self.allowed_ids
        if targets_low_energy:
            ids = ids[self.acquisition.energies[ids] <= self.acquisition.energies[ids].min() + DONOR_WINDOW]
        return self.torsions[ids]

    def low_minimum(self, rng: np.random.Generator) -> int:
        """Draw the id of a minimum that walkers may explore, with preference for low and rarely visited ones.

        Args:
            rng: Random number generator.
        """
        allowed = self.allowed_ids
        visits = np.fromiter(self.history.visits.values(), int)[allowed]  # in order of ids
        return int(allowed[draw_low_minimum(self.acquisition.energies[allowed], visits, START_ENERGY_SCALE, rng)])

    def request(self, walker: int, walker_state: WalkerState) -> HopRequest:
        """Return the current hop of a walker as a request to the walker pool.

        Args:
            walker: Index of the walker.
            walker_state: State of the walker, with the hop chosen.
        """
        target, origin = self.jump_targets[walker], self.history[walker_state.start].positions
        rng = np.random.default_rng([self.settings.seed, walker, walker_state.hop, 2])
        mode = EscapeMode.JUMP
        if MOVES[walker_state.move] == Move.LOW_MODE:
            mode, target = EscapeMode.PUSH, rng.normal(size=origin.shape)
        elif np.isnan(target).any():
            mode, target = self.escape_direction(origin, rng)
        return HopRequest(
            walker=walker,
            origin=origin,
            mode=mode,
            target=target,
            temperature=walker_state.temperature,
            n_known=walker_state.n_known,
        )

    def escape_direction(
        self, origin: Float[np.ndarray, "N 3"], rng: np.random.Generator
    ) -> tuple[EscapeMode, Float[np.ndarray, "N 3"]]:
        """Draw the direction of an escape by dynamics: a rotation of all rotors, or noise to be softened.

        Methyl groups are not rotors. Leaving them out halves the force calls per new minimum of Ac-Ala3-NHMe, since
        their rotation leads to nothing new.

        Args:
            origin: Minimum that is left, Å.
            rng: Random number generator.

        Returns:
            The mode of the escape and the direction.
        """
        if self.moves.rotors and rng.random() < TORSION_ESCAPE_SHARE:
            rates = rng.normal(size=len(self.moves.rotors))
            return EscapeMode.DIRECTED, self.moves.rotation.tangent(origin, rates)
        return EscapeMode.SOFTENED, rng.normal(size=origin.shape)
