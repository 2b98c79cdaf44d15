"""Moves in torsions: rotations about bonds, amide flips, crankshaft moves and crossover between minima.

Many proposals are drawn for a move. The most promising one without a clash is taken.
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

# None of these numbers was tuned.
MAX_ROTATED_BONDS = 3  # bonds that one torsion move rotates
MIN_ROTATION = 20.0  # degrees; smaller rotations tend to relax back
KNOWN_TORSION_SHARE = 0.5  # share of the proposals whose rotations lead to the torsions of other minima
KNOWN_TORSION_SPREAD = 8.0  # degrees, standard deviation about these torsions
AMIDE_FLIP_SPREAD = 15.0  # degrees, standard deviation about the rotation of an amide by 180°
N_PROPOSALS = 128  # proposals of one move that are ranked
MAX_CLASH_CHECKS = 12  # most promising proposals that are tried in turn until one has no clash
# Å; larger than the covalent radius of 0.31 Å, since hydrogens in contact repel each other without a bond
HYDROGEN_CONTACT_RADIUS = 0.5
CLASH_FACTOR = 1.5  # atoms four or more bonds apart clash when closer than this factor times the sum of their radii


class TorsionMoves:
    """Moves of one molecule that change its torsions.

    Args:
        topology: Bond graph of the molecule.
        flip_secondary: Whether amide flips may turn secondary amides; tertiary ones, such as that of proline, always.

    Attributes:
        rotors: Bonds that the moves rotate: rotatable ones first, then amides.
        rotation: Torsions of the rotors and rotations about them.
    """

    def __init__(self, topology: Topology, flip_secondary: bool = True):
        rotatable, amides = find_rotors(topology)
        self.rotors = [*rotatable, *amides]
        self.rotation = TorsionRotation(self.rotors, len(topology.atomic_numbers))
        self._is_amide = np.arange(len(self.rotors)) >= len(rotatable)
        secondary = {frozenset(amide[1:3]) for amide in topology.amides[topology.secondary_amides].tolist()}
        axes = [frozenset(rotor.quadruple[1:3].tolist()) for rotor in self.rotors]
        self._can_flip = self._is_amide & np.array([flip_secondary or axis not in secondary for axis in axes], bool)
        self._folds = np.array([rotor.fold for rotor in self.rotors])
        self._crankshafts = self._find_crankshafts(topology)
        # entry (i, j): the axis of rotor j is on the side that rotor i moves, so that j belongs to this side
        self._sides = np.array(
            [[bool(np.isin(other.quadruple[1:3], one.moved).any()) for other in self.rotors] for one in self.rotors],
            bool,
        )
        graph = nx.Graph(topology.bonds.tolist())
        numbers = topology.atomic_numbers
        radii = np.where(numbers == 1, HYDROGEN_CONTACT_RADIUS, covalent_radii[numbers])
        is_far = ~np.eye(len(numbers), dtype=bool)
        for i, lengths in nx.all_pairs_shortest_path_length(graph, 3):
            is_far[i, list(lengths)] = False
        self._far = np.flatnonzero(np.triu(is_far))  # pairs, as flat indices of the N x N matrix
        self._squared_contact = (CLASH_FACTOR * np.add.outer(radii, radii).ravel()[self._far]) ** 2

    def supports(self, move: Move) -> bool:
        """Return whether the molecule has the bonds that a move needs."""
        n_rotatable, n_amides = int((~self._is_amide).sum()), int(self._can_flip.sum())
        needed = {
            Move.HOPPING: 1,
            Move.LOW_MODE: 1,
            Move.TORSION: n_rotatable,
            Move.AMIDE_FLIP: n_amides,
            Move.CROSSOVER: max(0, n_rotatable - 1),
            Move.CRANKSHAFT: len(self._crankshafts),
            Move.RANDOM_RESTART: n_rotatable,
        }
        return needed.get(move, 0) > 0

    def _find_crankshafts(self, topology: Topology) -> list[tuple[int, int]]:
        """Return pairs of rotors on both sides of an amide: ψ of one residue and φ of the next."""
        rotor_of = {frozenset(rotor.quadruple[1:3].tolist()): k for k, rotor in enumerate(self.rotors)}
        axes = [(frozenset((int(a), int(c))), frozenset((int(n), int(b)))) for a, c, n, b in topology.amides]
        return [(rotor_of[psi], rotor_of[phi]) for psi, phi in axes if psi in rotor_of and phi in rotor_of]

    def torsions(self, positions: Float[np.ndarray, "*batch N 3"]) -> Float[np.ndarray, "*batch R"]:
        """Return the torsions of all rotors, degrees, in float32, in which they are stored.

        Args:
            positions: Positions, Å.
        """
        return self.rotation.angles(positions).astype(np.float32)

    def features(self, torsions: Float[np.ndarray, "*batch R"]) -> Float[np.ndarray, "*batch d"]:
        """Return cos fτ and sin fτ of all torsions τ with symmetry number f.

        The product of two such vectors is Σ cos f(τ - τ'). They are float32, since all proposals are multiplied with
        all known structures.

        Args:
            torsions: Degrees.
        """
        phases = np.radians(self._folds * torsions).astype(np.float32)
        return np.concatenate([np.cos(phases), np.sin(phases)], axis=-1)

    def propose(
        self,
        move: Move,
        positions: Float[np.ndarray, "N 3"],
        own_torsions: Float[np.ndarray, "R"],
        donor_torsions: Float[np.ndarray, "n R"],
        log_probability: LogProbability,
        rng: np.random.Generator,
        threshold: float = -np.inf,
    ) -> tuple[Float[np.ndarray, "N 3"], float]:
        """Propose a structure for relaxation: the most promising one of many proposals that has no clash.

        If all proposals that are checked have a clash, the one whose closest contact is widest is taken.

        Args:
            move: Any move that is a jump.
            positions: Minimum that is left, Å.
            own_torsions: Its torsions, degrees.
            donor_torsions: Torsions of minima from which torsions may be taken, degrees.
            log_probability: Logarithm of the probability that a jump to given features is useful.
            rng: Random number generator.
            threshold: Log-probability below which no proposal is checked for clashes.

        Returns:
            The structure, Å, and its log-probability. If no proposal reaches the threshold, the structure is the
            minimum itself, and the log-probability is the largest of all proposals.
        """
        changes = self._draw_changes(move, own_torsions, donor_torsions, rng)
        promise = log_probability(self.features(own_torsions + changes))
        if promise.max() < threshold:
            return positions, float(promise.max())
        best, best_width, best_promise = positions, -np.inf, -np.inf
        ranked = np.argsort(-promise, kind="stable")[:MAX_CLASH_CHECKS]
        for k, proposal in zip(ranked, self.rotation.rotate(positions, changes[ranked]), strict=True):
            width = self._clearance(proposal)
            if width > best_width:
                best, best_width, best_promise = proposal, width, promise[k]
            if width >= 1:
                break
        return best - best.mean(axis=0), float(best_promise)

    def _clearance(self, positions: Float[np.ndarray, "N 3"]) -> float:
        """Return the smallest ratio of squared distance to squared clash distance.

        |a - b|² = a² + b² - 2 a·b loses digits to cancellation, but it is fast and accurate enough for this purpose.
        """
        products = positions @ positions.T
        squares = products.diagonal()
        squared = (squares[:, None] + squares - 2 * products).ravel()[self._far]
        return float((squared / self._squared_contact).min(initial=np.inf))

    def _draw_changes(
        self, move: Move, own: np.ndarray, donors: np.ndarray, rng: np.random.Generator
    ) -> Float[np.ndarray, "n R"]:
        """Draw the changes of all torsions, degrees, for each proposal."""
        changes, rows = np.zeros((N_PROPOSALS, len(self.rotors))), np.arange(N_PROPOSALS)
        rotatable, amides = np.flatnonzero(~self._is_amide), np.flatnonzero(self._can_flip)
        if move == Move.AMIDE_FLIP:
            changes[rows, rng.choice(amides, N_PROPOSALS)] = 180 + rng.normal(0, AMIDE_FLIP_SPREAD, N_PROPOSALS)
        elif move == Move.CROSSOVER:
            # half of the proposals take all torsions on one side of a random bond, the bond included, from the donor;
            # the others take each torsion with probability 1/2
            sides = self._sides[rng.choice(rotatable, N_PROPOSALS)] ^ (rng.random((N_PROPOSALS, 1)) < 0.5)
            mixed = rng.random(changes.shape) < 0.5
            taken = np.where(rng.random((N_PROPOSALS, 1)) < 0.5, sides, mixed) & ~self._is_amide
            changes[taken] = (donors[rng.integers(len(donors), size=N_PROPOSALS)] - own)[taken]
        elif move == Move.CRANKSHAFT:
            angles = rng.uniform(MIN_ROTATION, 360 - MIN_ROTATION, N_PROPOSALS)
            psi, phi = np.array(self._crankshafts)[rng.integers(len(self._crankshafts), size=N_PROPOSALS)].T
            changes[rows, psi], changes[rows, phi] = angles, -angles
        elif move == Move.RANDOM_RESTART:
            changes[:, rotatable] = rng.uniform(0, 360, (N_PROPOSALS, len(rotatable)))
        else:
            n_rotated = rng.integers(1, min(MAX_ROTATED_BONDS, len(rotatable)) + 1, size=(N_PROPOSALS, 1))
            is_rotated = rng.random((N_PROPOSALS, len(rotatable))).argsort(axis=1) < n_rotated
            angles = rng.uniform(MIN_ROTATION, 360 - MIN_ROTATION, is_rotated.shape)
            to_known = self._rotations_to_known(own, donors, rng)[:, rotatable]
            is_taken = (np.abs(to_known) >= MIN_ROTATION) & (rng.random((N_PROPOSALS, 1)) < KNOWN_TORSION_SHARE)
            changes[:, rotatable] = is_rotated * np.where(is_taken, to_known, angles)
        return changes

    def _rotations_to_known(
        self, own: np.ndarray, donors: np.ndarray, rng: np.random.Generator
    ) -> Float[np.ndarray, "n R"]:
        """Draw rotations, degrees, to near the torsion of each bond in one of the donors, drawn for each bond."""
        rows = rng.integers(len(donors), size=(N_PROPOSALS, len(own)))
        angles = donors[rows, np.arange(len(own))] + rng.normal(0, KNOWN_TORSION_SPREAD, rows.shape) - own
        return (angles + 180 / self._folds) % (360 / self._folds) - 180 / self._folds
