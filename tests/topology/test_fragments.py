"""Fragments of hand-made structures; SciPy counts the components of random graphs."""

import numpy as np
import pytest
from clusters import argon_cluster
from scipy.sparse.csgraph import connected_components

from explorer.io.build import from_smiles
from explorer.records.structure_class import StructureClass
from explorer.topology.bonds import topology_of
from explorer.topology.classify import classify_batch
from explorer.topology.fragments import fragments_of


@pytest.fixture(scope="module")
def ethane():
    """A topology whose atom names are C1, C2, H3 ... H8."""
    return topology_of(from_smiles("CC"))


def two_methyls(distance: float) -> tuple[np.ndarray, np.ndarray]:
    """Atoms 0, 2, 3, 4 and atoms 1, 5, 6, 7 as fragments on two parallel planes, Å."""
    positions = np.zeros((8, 3))
    positions[[2, 3, 4], 0] = positions[[5, 6, 7], 0] = (1.0, 2.0, 3.0)
    positions[[1, 5, 6, 7], 2] = distance
    bonded = np.zeros((8, 8), bool)
    for i, j in ((0, 2), (0, 3), (0, 4), (1, 5), (1, 6), (1, 7)):
        bonded[i, j] = bonded[j, i] = True
    return positions, bonded


@pytest.mark.parametrize(("distance", "are_apart"), [(2.0, False), (4.4, False), (4.6, True), (30.0, True)])
def test_fragments_are_apart_beyond_their_contact_distance(ethane, distance, are_apart):
    fragments = fragments_of(ethane, *two_methyls(distance))
    assert fragments.count == 2
    assert fragments.are_apart is are_apart
    assert fragments.text == f"2 fragments, {distance:.1f} Å apart; C1 H3 H4 H5 split off"


def test_connected_structure_is_one_fragment(ethane):
    positions, bonded = two_methyls(1.5)
    bonded[0, 1] = bonded[1, 0] = True
    assert fragments_of(ethane, positions, bonded) == (1, "", False)


def test_one_distant_atom_is_named_and_apart(ethane):
    positions, bonded = two_methyls(1.5)
    bonded[0, 1] = bonded[1, 0] = True
    bonded[0, 4] = bonded[4, 0] = False
    positions[4] = (0.0, 0.0, -7.0)
    fragments = fragments_of(ethane, positions, bonded)
    assert fragments == (2, "2 fragments, 7.0 Å apart; H5 split off", True)


def test_fragment_that_touches_another_is_not_apart(ethane):
    """Three fragments in a row: each has a neighbour in contact, though the outer two are far from each other."""
    positions = np.zeros((8, 3))
    positions[:, 0] = (0, 1, 2, 6, 7, 11, 12, 13)
    bonded = np.zeros((8, 8), bool)
    for i, j in ((0, 1), (1, 2), (3, 4), (5, 6), (6, 7)):
        bonded[i, j] = bonded[j, i] = True
    fragments = fragments_of(ethane, positions, bonded)
    assert (fragments.count, fragments.are_apart) == (3, False)


def test_number_of_fragments_is_that_of_scipy(ethane):
    rng = np.random.default_rng(0)
    for density in (0.02, 0.1, 0.2, 0.5):
        upper = np.triu(rng.random((8, 8)) < density, 1)
        bonded = upper | upper.T
        n_components, _ = connected_components(bonded)
        assert fragments_of(ethane, rng.normal(size=(8, 3)), bonded).count == n_components


PRISM = np.array([(x, y, z) for z in (0.0, 1.0) for x, y in ((0.0, 0.0), (1.0, 0.0), (0.5, 0.87))])


def classified(positions: np.ndarray):
    """Class of a cluster of argon atoms."""
    (classification,) = classify_batch(topology_of(argon_cluster(positions)), positions[None])
    return classification


@pytest.mark.parametrize("scale", [1.0, 3.8])
def test_a_cluster_is_intact_in_one_piece(scale):
    assert classified(scale * PRISM).structure_class == StructureClass.INTACT
    assert classified(scale * PRISM[:2]).structure_class == StructureClass.INTACT
    assert classified(scale * PRISM[:1]).structure_class == StructureClass.INTACT


@pytest.mark.parametrize("scale", [1.0, 3.8])
def test_an_evaporated_atom_or_two_clusters_are_fragments_apart(scale):
    evaporated = np.vstack([PRISM, [(0.0, 0.0, 4.0)]])
    two = np.vstack([PRISM, PRISM + np.array([0.0, 0.0, 3.5])])
    for positions, n_left in ((evaporated, "3.0"), (two, "2.5")):
        found = classified(scale * positions)
        assert found.structure_class == StructureClass.FRAGMENTED
        assert found.are_apart
        assert not found.is_within(StructureClass)
        assert f"{scale * float(n_left):.1f} Å apart" in found.reason
