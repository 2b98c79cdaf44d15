"""Jumps in torsions: bonds turned at random, amides flipped, torsions crossed between two minima."""

from typing import NamedTuple

import networkx as nx
import numpy as np
from ase.data import covalent_radii
from jaxtyping import Bool, Float, Int

from explorer.moves import Move
from explorer.topology.bonds import Topology
from explorer.topology.torsions import dihedrals

MOST_BONDS = 3  # turned by one kick
SMALLEST_TURN = 40.0  # degrees; less falls back
FLIP_SPREAD = 15.0  # degrees about the half turn of an amide
TRIES = 20  # for a kick without a clash
HYDROGEN_RADIUS = 0.5  # Å, more than the covalent one: hydrogens that touch push, though no bond forms
CLEARANCE = 1.5  # times the sum of the radii, atoms four bonds apart or more


class Rotor(NamedTuple):
    """A bond about which a part turns; `moved` is the smaller part, its dihedral grows with `sense`."""

    quadruple: Int[np.ndarray, "4"]
    moved: Bool[np.ndarray, "N"]
    sense: float


class Kicks:
    """What torsions of one molecule can do.

    Args:
        topology: of the molecule.
    """

    def __init__(self, topology: Topology):
        graph = nx.Graph(topology.bonds.tolist())
        numbers = topology.atomic_numbers
        hydroxyls = [
            sorted((i, next(iter(set(graph[i]) - {h}))))
            for i, h in topology.bonds.tolist() + topology.bonds[:, ::-1].tolist()
            if numbers[h] == 1 and numbers[i] in (8, 16) and graph.degree(i) == 2
        ]
        turnable = {tuple(bond) for bond in [*topology.rotatable_bonds.tolist(), *hydroxyls]}
        self.rotors = _rotors(graph, sorted(turnable), len(numbers))
        bridges = {frozenset(bond) for bond in nx.bridges(graph)} if len(graph) else set()
        amides = [(int(c), int(n)) for _, c, n, _ in topology.amides if frozenset((int(c), int(n))) in bridges]
        self.amides = _rotors(graph, amides, len(numbers))
        radii = np.where(numbers == 1, HYDROGEN_RADIUS, covalent_radii[numbers])
        near = {(i, j) for i, lengths in nx.all_pairs_shortest_path_length(graph, 3) for j in lengths}
        pairs = np.array([p for p in zip(*np.triu_indices(len(numbers), 1), strict=True) if p not in near], int)
        self._pairs = pairs.reshape(-1, 2)
        self._contact = CLEARANCE * radii[self._pairs].sum(axis=1)

    def can(self, move: Move) -> bool:
        """Whether the molecule has what a move turns."""
        needed = {Move.HOPPING: 1, Move.TORSION: len(self.rotors), Move.AMIDE_FLIP: len(self.amides),
                  Move.CROSSOVER: max(0, len(self.rotors) - 1)}  # fmt: skip
        return needed[move] > 0

    def kick(
        self,
        move: Move,
        positions: Float[np.ndarray, "N 3"],
        partner: Float[np.ndarray, "N 3"],
        rng: np.random.Generator,
    ) -> Float[np.ndarray, "N 3"]:
        """Where a move leads before relaxation, Å: the first of some tries without a clash, or the least clashing.

        Args:
            move: any but hopping.
            positions: the minimum that is left, Å.
            partner: another one, Å; only a crossover looks at it.
            rng: draws.
        """
        best, widest = positions, -np.inf
        for _ in range(TRIES):
            tried = self._once(move, positions, partner, rng)
            distances = np.linalg.norm(tried[self._pairs[:, 0]] - tried[self._pairs[:, 1]], axis=1)
            width = float((distances / self._contact).min(initial=np.inf))
            if width > widest:
                best, widest = tried, width
            if width >= 1:
                break
        return best - best.mean(axis=0)

    def _once(self, move: Move, positions: np.ndarray, partner: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        if move == Move.AMIDE_FLIP:
            return turned(positions, self.amides[rng.integers(len(self.amides))], 180 + rng.normal(0, FLIP_SPREAD))
        if move == Move.CROSSOVER:
            return self._crossed(positions, partner, rng)
        n_bonds = min(int(rng.integers(1, MOST_BONDS + 1)), len(self.rotors))
        for k in rng.choice(len(self.rotors), n_bonds, replace=False):
            positions = turned(positions, self.rotors[k], rng.uniform(SMALLEST_TURN, 360 - SMALLEST_TURN))
        return positions

    def _crossed(self, positions: np.ndarray, partner: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """The torsions on one side of a random rotatable bond, itself included, as they are in the partner."""
        side = self.rotors[rng.integers(len(self.rotors))].moved
        if rng.random() < 0.5:
            side = ~side
        for rotor in self.rotors:
            if side[rotor.quadruple[1:3]].any():
                wanted = dihedrals(partner, rotor.quadruple) - dihedrals(positions, rotor.quadruple)
                positions = turned(positions, rotor, float(wanted))
        return positions


def turned(positions: Float[np.ndarray, "N 3"], rotor: Rotor, angle: float) -> Float[np.ndarray, "N 3"]:
    """Positions with the dihedral of a rotor larger by an angle in degrees, by Rodrigues' formula."""
    _, j, k, _ = rotor.quadruple
    axis = positions[k] - positions[j]
    axis = axis / np.linalg.norm(axis)
    arms = positions[rotor.moved] - positions[j]
    theta = np.radians(rotor.sense * angle)
    along = np.outer(arms @ axis, axis)
    result = positions.copy()
    result[rotor.moved] = positions[j] + along + np.cos(theta) * (arms - along) + np.sin(theta) * np.cross(axis, arms)
    return result


def _rotors(graph: nx.Graph, bonds: list[tuple[int, int]], n_atoms: int) -> list[Rotor]:
    rotors = []
    for j, k in bonds:
        beyond = nx.node_connected_component(nx.restricted_view(graph, [], [(j, k)]), k)
        before = nx.node_connected_component(nx.restricted_view(graph, [], [(j, k)]), j)
        sense, part = (1.0, beyond) if len(beyond) <= len(before) else (-1.0, before)
        first, last = min(set(graph[j]) - {k}), min(set(graph[k]) - {j})
        rotors.append(Rotor(np.array([first, j, k, last]), np.isin(np.arange(n_atoms), list(part)), sense))
    return rotors
