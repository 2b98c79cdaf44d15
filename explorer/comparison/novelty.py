"""Torsional distance of structures from the training data, and their nearest frames."""

from math import lcm

import numpy as np
from jaxtyping import Float, Int

from explorer.records.molecule import Molecule
from explorer.topology.bonds import Topology, topology_of
from explorer.topology.symmetry_classes import symmetry_classes
from explorer.topology.torsions import dihedrals

_MAX_PAIRS_PER_CHUNK = 1_000_000  # pairs of minima and frames at a time, 4 MB per array; not tuned


def nearest_frame_distance(
    molecule: Molecule, positions: Float[np.ndarray, "n N 3"], frames: Float[np.ndarray, "F N 3"]
) -> Float[np.ndarray, "n"]:
    """Compute the smallest root-mean-square torsion difference of each structure to any training frame.

    Args:
        molecule: Molecule whose torsions are compared; see `conformation_torsions`.
        positions: Positions of the structures, Å.
        frames: Training frames in the same atom order, Å.

    Returns:
        Distances in degrees; NaN if there are no frames or the molecule has no torsions.
    """
    _, distances = nearest_frames(molecule, positions, frames, 1)
    return distances[:, 0] if distances.shape[1] else np.full(len(positions), np.nan)


def nearest_frames(
    molecule: Molecule, positions: Float[np.ndarray, "n N 3"], frames: Float[np.ndarray, "F N 3"], k: int
) -> tuple[Int[np.ndarray, "n k"], Float[np.ndarray, "n k"]]:
    """Return the training frames whose torsions are nearest to those of each structure, in any order.

    d(x, f) = sqrt(Σ_t δ_t(x, f)² / n_torsions) with the periodic difference δ_t of torsion t.

    Args:
        molecule: Molecule whose torsions are compared; see `conformation_torsions`.
        positions: Positions of the structures, Å.
        frames: Training frames in the same atom order, Å.
        k: Number of frames for each structure; fewer where there are not as many.

    Returns:
        Indices of the frames and their distances, degrees. There are none if the molecule has no torsions.
    """
    quadruples, periods = conformation_torsions(topology_of(molecule))
    k = min(k, len(frames)) if len(quadruples) else 0
    indices, nearest = np.zeros((len(positions), k), int), np.full((len(positions), k), np.nan)
    if not k:
        return indices, nearest
    of_structures = np.asarray(dihedrals(positions, quadruples) % periods, np.float32)
    of_frames = np.asarray(dihedrals(frames, quadruples) % periods, np.float32)
    size = max(1, _MAX_PAIRS_PER_CHUNK // len(frames))
    for start in range(0, len(positions), size):
        chunk = slice(start, start + size)
        total = np.zeros((len(of_structures[chunk]), len(frames)), np.float32)
        for torsion, period in enumerate(periods.astype(np.float32)):
            difference = np.abs(of_structures[chunk, torsion, None] - of_frames[:, torsion])
            np.minimum(difference, period - difference, out=difference)
            total += difference**2
        indices[chunk] = np.argpartition(total, k - 1, axis=1)[:, :k] if k > 1 else total.argmin(axis=1)[:, None]
        nearest[chunk] = np.sqrt(np.take_along_axis(total, indices[chunk], axis=1) / len(periods))
    return indices, nearest


def conformation_torsions(
    topology: Topology,
) -> tuple[Int[np.ndarray, "n_torsions 4"], Float[np.ndarray, "n_torsions"]]:
    """Return the torsions that distinguish conformers, and their periods in degrees.

    They are φ and ψ of each residue, ω of each amide, and one torsion for every other rotatable bond, without methyl
    rotors. If all atoms at one end are equivalent (phenyl, carboxylate, tert-butyl), the period is shorter, so the
    numbering of these atoms has no effect.

    Args:
        topology: Topology of the molecule.
    """
    named = [*topology.backbone.reshape(-1, 4), *topology.amides]
    central = {frozenset(map(int, quadruple[1:3])) for quadruple in named}
    ranks = symmetry_classes(topology.atomic_numbers, topology.bonds)
    quadruples, periods = [list(map(int, quadruple)) for quadruple in named], [360.0] * len(named)
    for j, k in topology.rotatable_bonds.tolist():
        if frozenset((j, k)) not in central:
            (i, n_left), (m, n_right) = _end(topology, ranks, j, k), _end(topology, ranks, k, j)
            quadruples.append([i, j, k, m])
            periods.append(360.0 / lcm(n_left, n_right))
    return np.array(quadruples, dtype=int).reshape(-1, 4), np.array(periods, dtype=float)


def _end(topology: Topology, ranks: Int[np.ndarray, "N"], atom: int, other: int) -> tuple[int, int]:
    """Return a unique neighbour of an atom and 1, or any neighbour and their number if all are equivalent."""
    bonds = topology.bonds[(topology.bonds == atom).any(axis=1)]
    neighbours = sorted({int(i) for i in bonds.ravel()} - {atom, other}, key=lambda i: -ranks[i])
    for neighbour in neighbours:
        if sum(ranks[i] == ranks[neighbour] for i in neighbours) == 1:
            return neighbour, 1
    return neighbours[0], len(neighbours)
