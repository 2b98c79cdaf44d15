"""Planted pairs: stereochemistry by RDKit, no distinct pair merged, all copies merged."""

import numpy as np
import pytest
from rdkit import Chem
from studies.identity import COPIES, DISTINCT, measure_speed, plant_pairs

from explorer.bench import planted_pairs
from explorer.io.build import from_sequence, to_rdkit
from explorer.topology.bonds import topology_of
from explorer.topology.torsions import dihedrals


@pytest.fixture(scope="module")
def molecule():
    return from_sequence("LD")


def labels(molecule, positions):
    mol = to_rdkit(molecule, positions)
    return [label for _, label in Chem.FindMolChiralCenters(mol, useLegacyImplementation=False)]


def test_no_distinct_pair_is_merged_and_all_copies_are():
    for counts in plant_pairs(DISTINCT, 24, seed=3).values():
        assert counts == {"pairs": 5, "merged": 0}
    for counts in plant_pairs(COPIES, 16, seed=4).values():
        assert counts == {"pairs": 9, "merged": 9}


def test_diastereomer_has_one_other_centre_and_the_same_backbone(molecule):
    other = planted_pairs.diastereomer(molecule, molecule.positions, np.random.default_rng(0))
    before, after = labels(molecule, molecule.positions), labels(molecule, other)
    assert sum(a != b for a, b in zip(before, after, strict=True)) == 1
    backbone = topology_of(molecule).backbone
    np.testing.assert_allclose(dihedrals(other, backbone), dihedrals(molecule.positions, backbone), atol=1e-6)


def test_mirror_image_inverts_all_centres(molecule):
    other = planted_pairs.mirror_image(molecule, molecule.positions, np.random.default_rng(0))
    pairs = zip(labels(molecule, molecule.positions), labels(molecule, other), strict=True)
    assert all(a != b for a, b in pairs)


@pytest.mark.parametrize("plant", [planted_pairs.other_amide, planted_pairs.rotamer])
def test_rotated_groups_keep_bond_lengths_and_stereochemistry(molecule, plant):
    other = plant(molecule, molecule.positions, np.random.default_rng(1))
    i, j = molecule.bonds.T
    lengths = np.linalg.norm(molecule.positions[i] - molecule.positions[j], axis=1)
    np.testing.assert_allclose(np.linalg.norm(other[i] - other[j], axis=1), lengths, atol=1e-9)
    assert labels(molecule, molecule.positions) == labels(molecule, other)
    assert np.abs(molecule.positions - other).max() > 1


def test_copies_keep_all_bonds_and_stereochemistry(molecule):
    rng = np.random.default_rng(2)
    other = planted_pairs.copied(molecule, molecule.positions, rng, noise=0.0)
    i, j = molecule.bonds.T
    first, second = (np.linalg.norm(x[i] - x[j], axis=1) for x in (molecule.positions, other))
    np.testing.assert_allclose(np.sort(first), np.sort(second), atol=1e-9)
    assert labels(molecule, molecule.positions) == labels(molecule, other)


def test_the_timing_finds_as_many_minima_as_were_planted():
    result = measure_speed(140)
    assert result["found_distinct"] == result["planted_distinct"] == 20
