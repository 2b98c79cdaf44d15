"""Moves of atomic clusters without bonds: random displacements, relocation of surface atoms and random restarts.

The moves are built from contacts between atoms and need no potential, so they suit any of them.
"""

import numpy as np
from jaxtyping import Bool, Float

from explorer.records.moves import Move
from explorer.strategy.acquisition import LogProbability
from explorer.strategy.symmetric_clusters import symmetric_cluster
from explorer.topology.contacts import contact_distance, squared_distances
from explorer.topology.torsion_rotation import TorsionRotation

# Lengths are in units of a contact, the median distance of an atom to its nearest neighbour. Only the first was tuned.
RATTLE_AMPLITUDE = 0.36  # largest change of a coordinate; with a fifth less or more, LJ38 takes far longer
CONTACT_CUTOFF = 1.2  # two atoms closer than this are in contact
# Three atoms can carry a fourth one where two pairs of them are in contact and the third pair is closer than this.
TRIANGLE_CUTOFF = 1.6
SITE_CLEARANCE = 0.85  # smallest distance of a surface site from all other atoms
MIN_RELOCATION = 0.5  # smallest distance of the first relocated atom from all vacated positions
RESTART_RADIUS = 0.67  # radius of the ball of a random restart, over the cube root of the number of atoms
RESTART_MIN_DISTANCE = 0.71  # smallest distance between two atoms of a random restart
MAX_RELOCATED_ATOMS = 6  # atoms relocated by one move, at most a quarter of all
MIN_ATOMS_TO_RELOCATE = 5  # three of the others must carry the relocated atom
TIE_BREAKING_NOISE = 0.1  # contacts, scale of the Gumbel noise that ranks sites with equally many contacts
OUTWARD_PENALTY = 0.1  # contacts that a site loses per contact length of root mean square distance from all atoms

_TINY = 1e-12  # keeps divisions by the area of degenerate triangles finite


class ClusterMoves:
    """Moves of an atomic cluster, with the interface of `TorsionMoves`; a cluster has no torsions.

    Args:
        n_atoms: Number of atoms.
    """

    rotors = ()

    def __init__(self, n_atoms: int):
        self.n_atoms = n_atoms
        self.rotation = TorsionRotation(self.rotors, n_atoms)

    def supports(self, move: Move) -> bool:
        """Return whether the cluster has enough atoms for a move."""
        fewest = {Move.HOPPING: 1, Move.RATTLE: 2, Move.RANDOM_RESTART: 2, Move.SURFACE_MOVE: MIN_ATOMS_TO_RELOCATE}
        return self.n_atoms >= fewest.get(move, np.inf)

    def torsions(self, positions: Float[np.ndarray, "*batch N 3"]) -> Float[np.ndarray, "*batch 0"]:
        """Return an empty array: torsions do not describe a cluster.

        Args:
            positions: Positions, Å.
        """
        return np.empty((*positions.shape[:-2], 0), np.float32)

    def features(self, torsions: Float[np.ndarray, "*batch 0"]) -> Float[np.ndarray, "*batch 0"]:
        """Return the empty array of `torsions`.

        Args:
            torsions: Empty array.
        """
        return torsions

    def propose(
        self,
        move: Move,
        positions: Float[np.ndarray, "N 3"],
        own_torsions: Float[np.ndarray, "0"],
        donor_torsions: Float[np.ndarray, "n 0"],
        log_probability: LogProbability,
        rng: np.random.Generator,
        threshold: float = -np.inf,
    ) -> tuple[Float[np.ndarray, "N 3"], float]:
        """Propose a structure for relaxation.

        Args:
            move: `RATTLE`, `SURFACE_MOVE` or `RANDOM_RESTART`.
            positions: Minimum that is left, Å.
            own_torsions: Not used.
            donor_torsions: Not used.
            log_probability: Not used.
            rng: Random number generator.
            threshold: Not used.

        Returns:
            The structure, Å, and 0: proposals are not ranked, so the logarithm of the probability is that of 1.
        """
        contact = contact_distance(positions)
        if move == Move.RANDOM_RESTART:
            proposal = random_restart(self.n_atoms, contact, rng)
        elif move == Move.SURFACE_MOVE:
            most = max(1, min(MAX_RELOCATED_ATOMS, self.n_atoms // 4))
            proposal = relocate_atoms(positions, int(rng.integers(1, most + 1)), contact, rng)
        else:
            amplitude = RATTLE_AMPLITUDE * contact
            proposal = positions + rng.uniform(-amplitude, amplitude, positions.shape)
        return proposal - proposal.mean(axis=0), 0.0


def random_restart(n_atoms: int, contact: float, rng: np.random.Generator) -> Float[np.ndarray, "N 3"]:
    """Return atoms at random in a ball, with the symmetry of a random point group, Å.

    Args:
        n_atoms: Number of atoms.
        contact: Distance of atoms in contact, Å.
        rng: Random number generator.
    """
    return symmetric_cluster(n_atoms, RESTART_RADIUS * contact, RESTART_MIN_DISTANCE * contact, rng)


def relocate_atoms(
    positions: Float[np.ndarray, "N 3"], n_moved: int, contact: float, rng: np.random.Generator
) -> Float[np.ndarray, "N 3"]:
    """Move the most weakly bound atoms, one by one, to the surface sites with the most contacts.

    The first atom must go to a site away from all vacated positions, so that the structure changes. This follows
    the dynamic lattices of Shao, Cheng & Cai, J. Comput. Chem. 25, 1693 (2004), doi:10.1002/jcc.20096, with contacts
    in place of energies.

    Args:
        positions: Minimum, Å.
        n_moved: Number of atoms to move; those with the fewest contacts are taken first.
        contact: Distance of atoms in contact, Å.
        rng: Random number generator that breaks ties.

    Returns:
        The new positions, Å.
    """
    positions, stays = positions.copy(), np.ones(len(positions), bool)
    moved = []
    for _ in range(n_moved):
        remaining = np.flatnonzero(stays)
        binding = _binding(positions[remaining], positions[remaining], contact)
        binding = binding + rng.gumbel(0, TIE_BREAKING_NOISE, len(remaining))
        moved.append(remaining[binding.argmin()])
        stays[moved[-1]] = False
    vacated = positions[moved]
    for k, atom in enumerate(moved):
        others = positions[stays]
        sites = surface_sites(others, contact)
        if k == 0:
            sites = sites[(squared_distances(sites, vacated) > (MIN_RELOCATION * contact) ** 2).all(axis=1)]
        if len(sites):
            binding = _binding(sites, others, contact) + rng.gumbel(0, TIE_BREAKING_NOISE, len(sites))
            positions[atom] = sites[binding.argmax()]
        stays[atom] = True
    return positions


def surface_sites(positions: Float[np.ndarray, "n 3"], contact: float) -> Float[np.ndarray, "m 3"]:
    """Return the positions where one more atom would touch three others without a clash, Å.

    For three atoms at a, a + u and a + v, the points at distance d from all three are a + c ± (d² - c²)^½ n. Here c is
    the circumcentre of the triangle relative to a, and n is the unit normal of its plane.

    Args:
        positions: Positions of the other atoms, Å.
        contact: Contact distance d, Å.
    """
    squared = squared_distances(positions, positions)
    touching: Bool[np.ndarray, "n n"] = squared < (CONTACT_CUTOFF * contact) ** 2
    np.fill_diagonal(touching, False)
    near = np.triu(squared < (TRIANGLE_CUTOFF * contact) ** 2, 1)
    middle, one, other = np.nonzero(touching[:, :, None] & touching[:, None, :] & near)
    a, u, v = positions[middle], positions[one] - positions[middle], positions[other] - positions[middle]
    normal = np.cross(u, v)
    area = np.sum(normal**2, axis=1, keepdims=True)
    uu, vv = (np.sum(w**2, axis=1, keepdims=True) for w in (u, v))
    centre = np.cross(uu * v - vv * u, normal) / (2 * np.maximum(area, _TINY))
    height = contact**2 - np.sum(centre**2, axis=1, keepdims=True)
    rise = np.sqrt(np.maximum(height, 0) / np.maximum(area, _TINY)) * normal
    exists = (height > 0).ravel() & (area > 1e-6 * contact**4).ravel()
    sites = np.concatenate([(a + centre + rise)[exists], (a + centre - rise)[exists]])
    return sites[(squared_distances(sites, positions) > (SITE_CLEARANCE * contact) ** 2).all(axis=1)]


def _binding(sites: np.ndarray, others: np.ndarray, contact: float) -> Float[np.ndarray, "m"]:
    """Return the number of contacts at each site, minus the penalty for its distance from all other atoms."""
    squared = squared_distances(sites, others)
    n_contacts = np.sum(squared < (CONTACT_CUTOFF * contact) ** 2, axis=1)
    return n_contacts - OUTWARD_PENALTY * np.sqrt(squared.mean(axis=1)) / contact
