"""RMSD of clusters against all permutations and SciPy's rotation, and on symmetric and degenerate clusters."""

from itertools import permutations

import numpy as np
import pytest
from ase.cluster import Icosahedron
from scipy.spatial.transform import Rotation

from explorer.similarity.cluster import cluster_rmsd


def brute_force(labels: np.ndarray, a: np.ndarray, b: np.ndarray) -> float:
    """Smallest RMSD over all permutations that keep the labels."""
    a, b = a - a.mean(axis=0), b - b.mean(axis=0)
    rows = [list(row) for row in permutations(range(len(a))) if np.array_equal(labels[list(row)], labels)]
    return min(Rotation.align_vectors(a, b[row])[1] for row in rows) / np.sqrt(len(a))


@pytest.mark.parametrize("labels", [[0, 0, 0, 0, 0], [0, 0, 1, 1, 1], [0, 1, 2, 3, 3]])
@pytest.mark.parametrize("noise", [0.02, 0.3])
def test_rmsd_of_labelled_clusters_equals_brute_force(labels, noise):
    labels, rng = np.array(labels), np.random.default_rng(1)
    for _ in range(3):
        a = 2 * rng.normal(size=(5, 3))
        b = Rotation.random(rng=rng).apply(a) + noise * rng.normal(size=(5, 3))
        assert cluster_rmsd(labels, a, b) == pytest.approx(brute_force(labels, a, b), abs=1e-6)


def test_moved_and_permuted_copy_has_no_distance():
    rng = np.random.default_rng(2)
    atoms = Icosahedron("Ar", 2)  # 13 atoms, one of them at the centroid
    labels = np.zeros(13, int)
    for _ in range(3):
        copy = Rotation.random(rng=rng).apply(atoms.positions[rng.permutation(13)]) + rng.normal(size=3)
        assert cluster_rmsd(labels, atoms.positions, copy) < 1e-6


def test_atoms_of_different_labels_are_not_exchanged():
    line = np.array([[0.0, 0, 0], [1.5, 0, 0], [4.0, 0, 0]])
    ends_exchanged = line[[2, 1, 0]]
    assert cluster_rmsd(np.array([0, 1, 0]), line, ends_exchanged) == pytest.approx(0, abs=1e-6)
    assert cluster_rmsd(np.array([0, 1, 2]), line, ends_exchanged) > 0.3


def test_mirror_image_of_a_chiral_cluster_is_distant():
    a = np.array([[0.0, 0, 0], [1, 0, 0], [1, 2, 0], [1, 2, 3], [4, 2, 3]])
    labels = np.zeros(5, int)
    assert cluster_rmsd(labels, a, -a) == pytest.approx(brute_force(labels, a, -a), abs=1e-6)
    assert cluster_rmsd(labels, a, -a) > 0.1


@pytest.mark.parametrize("n_atoms", [1, 2])
def test_small_clusters_differ_by_their_distance_only(n_atoms):
    a = np.array([[0.0, 0, 0], [2.0, 0, 0]])[:n_atoms]
    b = np.array([[5.0, 5, 5], [5.0, 7.4, 5]])[:n_atoms]
    expected = 0.0 if n_atoms == 1 else 0.2  # each atom moves by half the change of the distance
    assert cluster_rmsd(np.zeros(n_atoms, int), a, b) == pytest.approx(expected, abs=1e-9)
