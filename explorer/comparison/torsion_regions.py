"""Regions of torsions where minima lie and no training frame does."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from explorer.comparison.novelty import conformation_torsions
from explorer.records.molecule import Molecule
from explorer.topology.bonds import topology_of
from explorer.topology.torsions import dihedrals

RANGE = 30.0  # degrees, difference of every torsion of a region within which a frame belongs to it; not tuned


class TorsionRegion(NamedTuple):
    """Region of one torsion, or of φ and ψ of one residue, that no training frame reaches.

    Attributes:
        torsions: Four atom names of each torsion.
        centre: Values of these torsions, degrees, rounded to 30.
        minima: Indices of the minima in the region.
    """

    torsions: tuple[tuple[str, ...], ...]
    centre: tuple[float, ...]
    minima: tuple[int, ...]


def regions_without_frames(
    molecule: Molecule, positions: Float[np.ndarray, "n N 3"], frames: Float[np.ndarray, "F N 3"]
) -> list[TorsionRegion]:
    """Return the regions around minima that no training frame reaches.

    φ and ψ of a residue are looked at together, every other torsion of `conformation_torsions` alone. A minimum has no
    frame in its region if no frame differs by at most 30° in each of these torsions. A minimum that is new without
    such a region is a new combination of values that frames have.

    Args:
        molecule: Molecule whose torsions are compared.
        positions: Positions of the minima, Å.
        frames: Training frames in the same atom order, Å.
    """
    topology = topology_of(molecule)
    quadruples, periods = conformation_torsions(topology)
    if not len(quadruples) or not len(positions) or not len(frames):
        return []
    of_minima, of_frames = dihedrals(positions, quadruples) % periods, dihedrals(frames, quadruples) % periods
    n_backbone = 2 * len(topology.backbone)
    groups = [[k, k + 1] for k in range(0, n_backbone, 2)] + [[k] for k in range(n_backbone, len(quadruples))]
    regions = []
    for group in groups:
        empty = ~_reached(of_minima[:, group], of_frames[:, group], periods[group])
        centres: dict[tuple[float, ...], list[int]] = {}
        for minimum in np.flatnonzero(empty).tolist():
            centres.setdefault(_rounded(of_minima[minimum, group], periods[group]), []).append(minimum)
        names = tuple(tuple(molecule.atom_names[atom] for atom in quadruples[k]) for k in group)
        regions += [TorsionRegion(names, centre, tuple(minima)) for centre, minima in sorted(centres.items())]
    return regions


def _reached(
    minima: Float[np.ndarray, "n t"], frames: Float[np.ndarray, "F t"], periods: Float[np.ndarray, "t"]
) -> Bool[np.ndarray, "n"]:
    """Return whether any frame is within the range of each minimum in all torsions."""
    frames = np.unique(np.round(frames), axis=0)  # neighbours of a trajectory coincide; half a degree is no matter
    reached = np.zeros(len(minima), bool)
    for k, minimum in enumerate(minima):
        difference: Float[np.ndarray, "F t"] = np.abs(frames - minimum)
        difference = np.minimum(difference, periods - difference)
        reached[k] = bool((difference <= RANGE).all(axis=1).any())
    return reached


def _rounded(values: Float[np.ndarray, "t"], periods: Float[np.ndarray, "t"]) -> tuple[float, ...]:
    """Values rounded to the range, above -180° and at most 180° where the period is a full turn."""
    nearest = (RANGE * np.round(values / RANGE)) % periods
    return tuple(np.where(nearest > 180, nearest - 360, nearest).tolist())
