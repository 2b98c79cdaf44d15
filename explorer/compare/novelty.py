"""How far a minimum is from everything the model was trained on, in torsions."""

from math import lcm

import numpy as np
from jaxtyping import Float, Int

from explorer.records.molecule import Molecule
from explorer.topology.bonds import Topology, topology_of
from explorer.topology.symmetry_classes import symmetry_classes
from explorer.topology.torsions import dihedrals

MAX_PAIRS = 1_000_000  # of minima and frames at a time: 4 MB per array


def nearest_frame_distance(
    molecule: Molecule, positions: Float[np.ndarray, "n N 3"], frames: Float[np.ndarray, "F N 3"]
) -> Float[np.ndarray, "n"]:
    """The smallest root-mean-square torsion difference to any training frame, degrees, for each structure.

    d(x) = min_f sqrt(Σ_t δ_t(x, f)² / n_torsions) with the periodic difference δ of torsion t.

    Args:
        molecule: whose torsions are compared, see `conformation_torsions`.
        positions: of the structures, Å.
        frames: of the training data in the same atom order, Å.

    Returns:
        NaN where there is no frame or the molecule has no such torsion.
    """
    quadruples, periods = conformation_torsions(topology_of(molecule))
    nearest = np.full(len(positions), np.nan)
    if len(quadruples) == 0 or len(frames) == 0:
        return nearest
    ours = np.asarray(dihedrals(positions, quadruples) % periods, np.float32)
    theirs = np.asarray(dihedrals(frames, quadruples) % periods, np.float32)
    size = max(1, MAX_PAIRS // len(frames))
    for start in range(0, len(positions), size):
        rows = slice(start, start + size)
        total = np.zeros((len(ours[rows]), len(frames)), np.float32)
        for torsion, period in enumerate(periods.astype(np.float32)):
            difference = np.abs(ours[rows, torsion, None] - theirs[:, torsion])
            np.minimum(difference, period - difference, out=difference)
            total += difference**2
        nearest[rows] = np.sqrt(total.min(axis=1) / len(periods))
    return nearest


def conformation_torsions(
    topology: Topology,
) -> tuple[Int[np.ndarray, "n_torsions 4"], Float[np.ndarray, "n_torsions"]]:
    """The torsions that tell conformers apart, and their periods in degrees.

    φ and ψ of each residue, the omega of each amide, and one torsion for every other
    rotatable bond; methyl rotors are left out. An end whose atoms are all equivalent
    (phenyl, carboxylate, tert-butyl) shortens the period, so that no labelling matters.
    """
    known = [*topology.backbone.reshape(-1, 4), *topology.amides]
    central = {frozenset(map(int, quadruple[1:3])) for quadruple in known}
    ranks = symmetry_classes(topology.atomic_numbers, topology.bonds)
    quadruples, periods = [list(map(int, quadruple)) for quadruple in known], [360.0] * len(known)
    for j, k in topology.rotatable_bonds.tolist():
        if frozenset((j, k)) not in central:
            (i, n_left), (m, n_right) = _end(topology, ranks, j, k), _end(topology, ranks, k, j)
            quadruples.append([i, j, k, m])
            periods.append(360.0 / lcm(n_left, n_right))
    return np.array(quadruples, dtype=int).reshape(-1, 4), np.array(periods, dtype=float)


def _end(topology: Topology, ranks: Int[np.ndarray, "N"], atom: int, other: int) -> tuple[int, int]:
    """A neighbour like no other of the same atom, or any of them where all are equivalent, and how many are."""
    bonds = topology.bonds[(topology.bonds == atom).any(axis=1)]
    neighbours = sorted({int(i) for i in bonds.ravel()} - {atom, other}, key=lambda i: -ranks[i])
    for neighbour in neighbours:
        if sum(ranks[i] == ranks[neighbour] for i in neighbours) == 1:
            return neighbour, 1
    return neighbours[0], len(neighbours)
