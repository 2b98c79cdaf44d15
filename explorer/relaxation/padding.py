"""Padding of relaxers to sizes that several molecules share."""

import math

import numpy as np
from jaxtyping import Int

from explorer.potential.padding import receives_padding
from explorer.potential.potential import Potential
from explorer.relaxation.coordinates import Coordinates
from explorer.relaxation.state import Relaxer

# Of 70 random peptides of one to three residues, all had fewer for each atom, cyclic ones more distances.
_DISTANCES_PER_ATOM, _ANGLES_PER_ATOM, _DIHEDRALS_PER_ATOM = 9 / 8, 2, 3


def padded_relaxer(potential: Potential, relaxer: Relaxer, n_atoms: int) -> Relaxer:
    """Return a relaxer for positions with padding, whose steps are those of the relaxer without it.

    Args:
        potential: Potential that gives the forces; analytic ones receive no padding.
        relaxer: Relaxer of a molecule.
        n_atoms: Number of atoms with padding.
    """
    if relaxer.coordinates is None or not receives_padding(potential):
        return relaxer
    return relaxer.replace(coordinates=padded_coordinates(relaxer.coordinates, n_atoms))


def padded_coordinates(coordinates: Coordinates, n_atoms: int) -> Coordinates:
    """Return internal coordinates in which the last distance, angle and dihedral are repeated without stiffness.

    A repeated coordinate never becomes singular where the molecule is not. Without stiffness it has no gradient and no
    weight in a step.

    Args:
        coordinates: Internal coordinates of a molecule.
        n_atoms: Number of atoms with padding.
    """
    n_distances, n_angles, n_dihedrals = map(len, (coordinates.distances, coordinates.angles, coordinates.dihedrals))
    distances, angles, dihedrals = (
        _repeated(atoms, math.ceil(per_atom * n_atoms))
        for atoms, per_atom in (
            (coordinates.distances, _DISTANCES_PER_ATOM),
            (coordinates.angles, _ANGLES_PER_ATOM),
            (coordinates.dihedrals, _DIHEDRALS_PER_ATOM),
        )
    )
    first, second, middle, last = np.split(
        coordinates.stiffness, [n_distances, n_distances + n_angles, len(coordinates.stiffness) - n_dihedrals]
    )
    parts = (first, len(distances)), (second, len(angles)), (middle, len(middle)), (last, len(dihedrals))
    return Coordinates(
        distances=distances,
        angles=angles,
        linear=coordinates.linear,
        anchors=coordinates.anchors,
        dihedrals=dihedrals,
        stiffness=np.concatenate([np.pad(part, (0, size - len(part))) for part, size in parts]),
        is_atom=np.pad(coordinates.is_atom, (0, n_atoms - coordinates.n_atoms)),
    )


def _repeated(atoms: Int[np.ndarray, "n width"], size: int) -> Int[np.ndarray, "m width"]:
    """Rows up to a size, or a multiple of it, the last one repeated; none stay none."""
    n = len(atoms)
    return np.pad(atoms, np.array([(0, -n % size), (0, 0)]), mode="edge") if n else atoms
