"""The symmetry number is the order of the rotational subgroup of point groups that textbooks list."""

import numpy as np
import pytest
from ase.build import molecule
from ase.cluster import Icosahedron, Octahedron
from scipy.spatial.transform import Rotation

from explorer.io.build import from_sequence
from explorer.similarity.point_group import symmetry_number

KNOWN = {
    "H2O": 2, "NH3": 3, "CH4": 12, "C2H6": 6, "C2H4": 4, "C6H6": 12, "trans-butane": 2, "CH3OH": 1, "C60": 60,
    "CO2": 2, "HCN": 1, "H2": 2, "CO": 1,
}  # fmt: skip


@pytest.mark.parametrize("name", KNOWN)
def test_molecules_have_the_symmetry_number_of_their_point_group(name):
    atoms = molecule(name)
    rng = np.random.default_rng(0)
    turned = atoms.positions @ Rotation.random(rng=rng).as_matrix() + rng.normal(size=3)
    order = rng.permutation(len(atoms))
    assert symmetry_number(atoms.numbers[order], turned[order]) == KNOWN[name]


def test_magic_clusters_have_the_rotations_of_their_polyhedra():
    icosahedron, octahedron = Icosahedron("Ar", 2), Octahedron("Ar", 4, 1)
    assert symmetry_number(icosahedron.numbers, icosahedron.positions) == 60
    assert symmetry_number(octahedron.numbers, octahedron.positions) == 24


def test_reflections_and_approximate_symmetries_do_not_count():
    staggered = molecule("C2H6")
    assert symmetry_number(staggered.numbers, staggered.positions) == 6  # D3d has 12 operations
    staggered.positions[2] += 0.1
    assert symmetry_number(staggered.numbers, staggered.positions) == 1
    peptide = from_sequence("A")
    assert symmetry_number(peptide.atomic_numbers, peptide.positions) == 1
