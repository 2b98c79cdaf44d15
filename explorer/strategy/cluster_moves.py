"""Jumps of clusters without bonds: all atoms shaken, loosely bound ones put elsewhere, or a start afresh.

They know contacts and nothing of the potential, so they suit any of them.
"""

import numpy as np
from jaxtyping import Bool, Float

from explorer.records.moves import Move
from explorer.strategy.acquisition import LogProbability
from explorer.strategy.symmetric_clusters import symmetric_cluster
from explorer.topology.torsion_rotation import TorsionRotation

# in units of a contact, the median distance of an atom to its nearest neighbour
SHAKE = 0.36  # largest change of a coordinate; with a fifth less or more it takes far longer to the lowest LJ38
TOUCHING = 1.2  # two atoms closer than this touch
NEIGHBOURS = 1.6  # of three atoms that carry a fourth two pairs touch; the third is not farther apart than this
ROOM = 0.85  # a place for an atom is no closer to others
ELSEWHERE = 0.5  # a place farther than this from where atoms were is another one
RADIUS, CLOSEST = 0.67, 0.71  # of a fresh start: of its ball over the cube root of N, and between two atoms
MOST_MOVED = 6  # atoms put elsewhere by one jump, and no more than a quarter of all
NOISE, OUTWARD = 0.1, 0.1  # in contacts: the draw among equals, and what a place loses per distance from all atoms
FEWEST = 5  # atoms, for one to be put elsewhere: three carry it


class ClusterMoves:
    """What a cluster of atoms can do, with the interface of `Kicks`; it has no torsions.

    Args:
        n_atoms: of the cluster.
    """

    rotors = ()

    def __init__(self, n_atoms: int):
        self.n_atoms = n_atoms
        self.turns = TorsionRotation(self.rotors, n_atoms)

    def supports(self, move: Move) -> bool:
        """Whether the cluster has what a move takes."""
        fewest = {Move.HOPPING: 1, Move.RATTLE: 2, Move.RANDOM_RESTART: 2, Move.SURFACE_MOVE: FEWEST}
        return self.n_atoms >= fewest.get(move, np.inf)

    def torsions(self, positions: Float[np.ndarray, "*batch N 3"]) -> Float[np.ndarray, "*batch 0"]:
        """None: what is near in a cluster is not told by torsions."""
        return np.empty((*positions.shape[:-2], 0), np.float32)

    def features(self, torsions: Float[np.ndarray, "*batch 0"]) -> Float[np.ndarray, "*batch 0"]:
        """None either."""
        return torsions

    def propose(
        self,
        move: Move,
        positions: Float[np.ndarray, "N 3"],
        own: Float[np.ndarray, "0"],
        others: Float[np.ndarray, "n 0"],
        chances: LogProbability,
        rng: np.random.Generator,
        least: float = -np.inf,
    ) -> tuple[Float[np.ndarray, "N 3"], float]:
        """Where a move leads before relaxation, Å, and the logarithm of its chance: of one, since nothing is compared.

        Args:
            move: shake, surface or fresh.
            positions: the minimum that is left, Å.
            own, others, chances, least: not looked at.
            rng: draws.
        """
        contact = contact_distance(positions)
        if move == Move.RANDOM_RESTART:
            kicked = symmetric_cluster(self.n_atoms, RADIUS * contact, CLOSEST * contact, rng)
        elif move == Move.SURFACE_MOVE:
            most = max(1, min(MOST_MOVED, self.n_atoms // 4))
            kicked = relocate_atoms(positions, int(rng.integers(1, most + 1)), contact, rng)
        else:
            kicked = positions + rng.uniform(-SHAKE * contact, SHAKE * contact, positions.shape)
        return kicked - kicked.mean(axis=0), 0.0


def contact_distance(positions: Float[np.ndarray, "N 3"]) -> float:
    """The median distance of an atom to its nearest neighbour, Å."""
    squared = _squared(positions, positions)
    np.fill_diagonal(squared, np.inf)
    return float(np.sqrt(np.median(squared.min(axis=1))))


def relocate_atoms(
    positions: Float[np.ndarray, "N 3"], n_moved: int, contact: float, rng: np.random.Generator
) -> Float[np.ndarray, "N 3"]:
    """The most loosely bound atoms put, one by one, to the places that touch most others; the first goes elsewhere.

    It works like the dynamic lattices of Shao, Cheng & Cai, J. Comput. Chem. 25, 1693 (2004), doi:10.1002/jcc.20096,
    with contacts in place of energies.

    Args:
        positions: of a minimum, Å.
        n_moved: so many atoms, one after the other, those with the fewest contacts first.
        contact: distance of atoms that touch, Å.
        rng: draws among equals.
    """
    positions, stay = positions.copy(), np.ones(len(positions), bool)
    moved = []
    for _ in range(n_moved):
        left = np.flatnonzero(stay)
        bound = _holds(positions[left], positions[left], contact) + rng.gumbel(0, NOISE, len(left))
        moved.append(left[bound.argmin()])
        stay[moved[-1]] = False
    vacated = positions[moved]
    for k, atom in enumerate(moved):
        others = positions[stay]
        places = surface_sites(others, contact)
        if k == 0:
            places = places[(_squared(places, vacated) > (ELSEWHERE * contact) ** 2).all(axis=1)]
        if len(places):
            drawn = _holds(places, others, contact) + rng.gumbel(0, NOISE, len(places))
            positions[atom] = places[drawn.argmax()]
        stay[atom] = True
    return positions


def surface_sites(positions: Float[np.ndarray, "n 3"], contact: float) -> Float[np.ndarray, "m 3"]:
    """Where one more atom would touch three others without being too close to any, Å.

    Of three atoms at a, a + u, a + v the points at distance d from all are a + c ± (d² - c²)^½ n, where c is the centre
    of their circle seen from a and n the normal of their plane.

    Args:
        positions: of the others, Å.
        contact: d, Å.
    """
    squared = _squared(positions, positions)
    touching: Bool[np.ndarray, "n n"] = squared < (TOUCHING * contact) ** 2
    np.fill_diagonal(touching, False)
    near = np.triu(squared < (NEIGHBOURS * contact) ** 2, 1)
    middle, one, other = np.nonzero(touching[:, :, None] & touching[:, None, :] & near)
    a, u, v = positions[middle], positions[one] - positions[middle], positions[other] - positions[middle]
    normal = np.cross(u, v)
    area = np.sum(normal**2, axis=1, keepdims=True)
    uu, vv = (np.sum(w**2, axis=1, keepdims=True) for w in (u, v))
    centre = np.cross(uu * v - vv * u, normal) / (2 * np.maximum(area, 1e-12))
    height = contact**2 - np.sum(centre**2, axis=1, keepdims=True)
    rise = np.sqrt(np.maximum(height, 0) / np.maximum(area, 1e-12)) * normal
    real = (height > 0).ravel() & (area > 1e-6 * contact**4).ravel()
    places = np.concatenate([(a + centre + rise)[real], (a + centre - rise)[real]])
    return places[(_squared(places, positions) > (ROOM * contact) ** 2).all(axis=1)]


def _holds(places: np.ndarray, others: np.ndarray, contact: float) -> Float[np.ndarray, "m"]:
    """How well the others hold an atom at a place: contacts, less a little for the distance from all of them."""
    squared = _squared(places, others)
    return np.sum(squared < (TOUCHING * contact) ** 2, axis=1) - OUTWARD * np.sqrt(squared.mean(axis=1)) / contact


def _squared(one: np.ndarray, other: np.ndarray) -> Float[np.ndarray, "n m"]:
    return np.sum((one[:, None] - other) ** 2, axis=-1)
