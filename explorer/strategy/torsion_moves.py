"""Jumps in torsions: bonds turned, amides flipped, torsions crossed between minima.

Of many proposals the most promising one without a clash is tried.
"""

import networkx as nx
import numpy as np
from ase.data import covalent_radii
from jaxtyping import Float

from explorer.records.moves import Move
from explorer.strategy.acquisition import LogProbability
from explorer.topology.bonds import Topology
from explorer.topology.rotors import find_rotors
from explorer.topology.torsion_rotation import TorsionRotation

MOST_BONDS = 3  # turned by one kick
SMALLEST_TURN = 20.0  # degrees; less falls back
FAMILIAR = 0.5  # share of the turns that lead to where a bond stands in another minimum
SPREAD = 8.0  # degrees about that
FLIP_SPREAD = 15.0  # degrees about the half turn of an amide
PROPOSALS = 128  # of a kick, compared with what is known
TRIES = 12  # of these, the most promising ones, for one without a clash
HYDROGEN_RADIUS = 0.5  # Å, more than the covalent one: hydrogens that touch push, though no bond forms
CLEARANCE = 1.5  # times the sum of the radii, atoms four bonds apart or more


class TorsionMoves:
    """What torsions of one molecule can do.

    Args:
        topology: of the molecule.
    """

    def __init__(self, topology: Topology):
        turnable, amides = find_rotors(topology)
        self.rotors = [*turnable, *amides]
        self.turns = TorsionRotation(self.rotors, len(topology.atomic_numbers))
        self._is_amide = np.arange(len(self.rotors)) >= len(turnable)
        self._folds = np.array([rotor.fold for rotor in self.rotors])
        self._cranks = self._find_cranks(topology)
        # atoms of the axis on the moved side of another rotor: that one belongs to this side
        self._sides = np.array(
            [[bool(np.isin(other.quadruple[1:3], one.moved).any()) for other in self.rotors] for one in self.rotors],
            bool,
        )
        graph = nx.Graph(topology.bonds.tolist())
        numbers = topology.atomic_numbers
        radii = np.where(numbers == 1, HYDROGEN_RADIUS, covalent_radii[numbers])
        is_far = ~np.eye(len(numbers), dtype=bool)
        for i, lengths in nx.all_pairs_shortest_path_length(graph, 3):
            is_far[i, list(lengths)] = False
        self._far = np.flatnonzero(np.triu(is_far))  # pairs, as places in a matrix of all
        self._squared_contact = (CLEARANCE * np.add.outer(radii, radii).ravel()[self._far]) ** 2

    def supports(self, move: Move) -> bool:
        """Whether the molecule has what a move turns."""
        n_turnable, n_amides = int((~self._is_amide).sum()), int(self._is_amide.sum())
        needed = {
            Move.HOPPING: 1,
            Move.LOW_MODE: 1,
            Move.TORSION: n_turnable,
            Move.AMIDE_FLIP: n_amides,
            Move.CROSSOVER: max(0, n_turnable - 1),
            Move.CRANKSHAFT: len(self._cranks),
            Move.RANDOM_RESTART: n_turnable,
        }
        return needed.get(move, 0) > 0

    def _find_cranks(self, topology: Topology) -> list[tuple[int, int]]:
        """Pairs of rotors on both sides of an amide: ψ of one residue, φ of the next."""
        about = {frozenset(rotor.quadruple[1:3].tolist()): k for k, rotor in enumerate(self.rotors)}
        axes = [(frozenset((int(a), int(c))), frozenset((int(n), int(b)))) for a, c, n, b in topology.amides]
        return [(about[psi], about[phi]) for psi, phi in axes if psi in about and phi in about]

    def torsions(self, positions: Float[np.ndarray, "*batch N 3"]) -> Float[np.ndarray, "*batch R"]:
        """Of all rotors, degrees, in the precision that is stored."""
        return self.turns.angles(positions).astype(np.float32)

    def features(self, torsions: Float[np.ndarray, "*batch R"]) -> Float[np.ndarray, "*batch d"]:
        """cos fτ and sin fτ of all torsions τ with symmetry f; the product of two is Σ cos f(τ - τ').

        In float32, since all proposals are multiplied with all that is known.
        """
        phases = np.radians(self._folds * torsions).astype(np.float32)
        return np.concatenate([np.cos(phases), np.sin(phases)], axis=-1)

    def propose(
        self,
        move: Move,
        positions: Float[np.ndarray, "N 3"],
        own: Float[np.ndarray, "R"],
        others: Float[np.ndarray, "n R"],
        chances: LogProbability,
        rng: np.random.Generator,
        least: float = -np.inf,
    ) -> tuple[Float[np.ndarray, "N 3"], float]:
        """Where a move leads before relaxation, Å: of many proposals the most promising one without a clash.

        Args:
            move: any but hopping.
            positions: the minimum that is left, Å.
            own: its torsions, degrees.
            others: torsions of minima to take torsions from, degrees.
            chances: how promising features are, a logarithm.
            rng: draws.
            least: what is less promising is not looked at for clashes.

        Returns:
            The structure, and how promising it is; the minimum itself where nothing is as promising as the least.
        """
        changes = self._draw_changes(move, own, others, rng)
        promise = chances(self.features(own + changes))
        if promise.max() < least:
            return positions, float(promise.max())
        best, widest, most = positions, -np.inf, -np.inf
        rows = np.argsort(-promise, kind="stable")[:TRIES]
        for row, tried in zip(rows, self.turns.rotate(positions, changes[rows]), strict=True):
            width = self._clearance(tried)
            if width > widest:
                best, widest, most = tried, width, promise[row]
            if width >= 1:
                break
        return best - best.mean(axis=0), float(most)

    def _clearance(self, positions: Float[np.ndarray, "N 3"]) -> float:
        """The smallest squared distance in units of what is clear; |a - b|² = a² + b² - 2 a·b is fast and does here."""
        products = positions @ positions.T
        squares = products.diagonal()
        squared = (squares[:, None] + squares - 2 * products).ravel()[self._far]
        return float((squared / self._squared_contact).min(initial=np.inf))

    def _draw_changes(
        self, move: Move, own: np.ndarray, others: np.ndarray, rng: np.random.Generator
    ) -> Float[np.ndarray, "n R"]:
        """Changes of torsions in degrees."""
        changes, rows = np.zeros((PROPOSALS, len(self.rotors))), np.arange(PROPOSALS)
        turnable, amides = np.flatnonzero(~self._is_amide), np.flatnonzero(self._is_amide)
        if move == Move.AMIDE_FLIP:
            changes[rows, rng.choice(amides, PROPOSALS)] = 180 + rng.normal(0, FLIP_SPREAD, PROPOSALS)
        elif move == Move.CROSSOVER:  # one side of a random rotatable bond, itself included, or each torsion by chance
            sides = self._sides[rng.choice(turnable, PROPOSALS)] ^ (rng.random((PROPOSALS, 1)) < 0.5)
            mixed = rng.random(changes.shape) < 0.5
            taken = np.where(rng.random((PROPOSALS, 1)) < 0.5, sides, mixed) & ~self._is_amide
            changes[taken] = (others[rng.integers(len(others), size=PROPOSALS)] - own)[taken]
        elif move == Move.CRANKSHAFT:
            turns = rng.uniform(SMALLEST_TURN, 360 - SMALLEST_TURN, PROPOSALS)
            psi, phi = np.array(self._cranks)[rng.integers(len(self._cranks), size=PROPOSALS)].T
            changes[rows, psi], changes[rows, phi] = turns, -turns
        elif move == Move.RANDOM_RESTART:
            changes[:, turnable] = rng.uniform(0, 360, (PROPOSALS, len(turnable)))
        else:
            n_turned = rng.integers(1, min(MOST_BONDS, len(turnable)) + 1, size=(PROPOSALS, 1))
            is_turned = rng.random((PROPOSALS, len(turnable))).argsort(axis=1) < n_turned
            turns = rng.uniform(SMALLEST_TURN, 360 - SMALLEST_TURN, is_turned.shape)
            familiar = self._familiar(own, others, rng)[:, turnable]
            is_taken = (np.abs(familiar) >= SMALLEST_TURN) & (rng.random((PROPOSALS, 1)) < FAMILIAR)
            changes[:, turnable] = is_turned * np.where(is_taken, familiar, turns)
        return changes

    def _familiar(self, own: np.ndarray, others: np.ndarray, rng: np.random.Generator) -> Float[np.ndarray, "n R"]:
        """Turns in degrees to about where each bond by itself stands in one of the other minima."""
        rows = rng.integers(len(others), size=(PROPOSALS, len(own)))
        turns = others[rows, np.arange(len(own))] + rng.normal(0, SPREAD, rows.shape) - own
        return (turns + 180 / self._folds) % (360 / self._folds) - 180 / self._folds
