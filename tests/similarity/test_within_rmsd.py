"""Known conformers are recognised by the heavy-atom RMSD that RDKit computes."""

import numpy as np
import pytest
from rdkit.Chem import RemoveHs, rdMolAlign
from scipy.spatial.transform import Rotation

from explorer.io.build import embed, from_sequence, to_rdkit
from explorer.records.molecule import Molecule
from explorer.similarity.symmetry import symmetry_of
from explorer.similarity.within_rmsd import within_rmsd

MOLECULE = from_sequence("A")  # no heavy atoms are equivalent
SYMMETRY = symmetry_of(MOLECULE)
STRUCTURES = embed(to_rdkit(MOLECULE), 6, seed=2)


def heavy_rmsd_of_rdkit(a: np.ndarray, b: np.ndarray) -> float:
    first, second = (RemoveHs(to_rdkit(MOLECULE, positions)) for positions in (a, b))
    return rdMolAlign.AlignMol(first, second)


@pytest.mark.parametrize("limit", [0.3, 0.8, 1.2])
def test_structures_within_the_limit_are_those_of_rdkit(limit):
    distances = np.array([[heavy_rmsd_of_rdkit(a, b) for b in STRUCTURES[3:]] for a in STRUCTURES[:3]])
    expected = (distances < limit).any(axis=1)
    assert within_rmsd(SYMMETRY, STRUCTURES[:3], STRUCTURES[3:], limit=limit).tolist() == expected.tolist()


def test_moved_hydrogens_are_ignored_and_moved_heavy_atoms_are_not():
    hydrogens_moved, oxygen_moved = STRUCTURES[:2].copy()
    oxygen_moved[:] = STRUCTURES[0]
    hydrogens_moved[MOLECULE.atomic_numbers == 1] += 0.7
    oxygen_moved[MOLECULE.atomic_numbers == 8] += 2.0
    copy = Rotation.random(rng=np.random.default_rng(0)).apply(STRUCTURES[0]) + 5.0
    positions = np.stack([copy, hydrogens_moved, oxygen_moved])
    assert within_rmsd(SYMMETRY, positions, STRUCTURES[:1], limit=0.05).tolist() == [True, True, False]


def test_mirror_images_are_recognised_on_request():
    images = -STRUCTURES[:2]
    assert within_rmsd(SYMMETRY, images, STRUCTURES[:2], limit=0.1).tolist() == [False, False]
    assert within_rmsd(SYMMETRY, images, STRUCTURES[:2], mirror=True, limit=0.1).tolist() == [True, True]


def test_cluster_is_compared_by_all_its_atoms():
    positions = np.random.default_rng(0).normal(size=(6, 3))
    none = np.empty((0, 2), int)
    cluster = Molecule(
        name="cluster",
        atomic_numbers=np.full(6, 18),
        positions=positions,
        bonds=none,
        bond_orders=np.empty(0),
        formal_charges=np.zeros(6, int),
    )
    other = positions.copy()
    other[0] += 1.5
    found = within_rmsd(symmetry_of(cluster), np.stack([positions[::-1], other]), positions[None], limit=0.1)
    assert found.tolist() == [True, False]


def test_without_known_or_new_structures_nothing_is_recognised():
    assert not within_rmsd(SYMMETRY, STRUCTURES, STRUCTURES[:0]).any()
    assert within_rmsd(SYMMETRY, STRUCTURES[:0], STRUCTURES).shape == (0,)
