"""Starts: share of cis amides, closed rings, names of conformers, and molecules side by side without overlap."""

import numpy as np
import pytest
from rdkit import Chem
from scipy.spatial.distance import cdist

from explorer.dataset.starts import conformer_name, named_torsions, torsion_driven_start
from explorer.io.build import from_rdkit
from explorer.io.sequence import peptide_smiles
from explorer.topology.bonds import topology_of


def start_of(smiles, cis_probability, seed=1):
    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    return mol, torsion_driven_start(mol, cis_probability, np.random.default_rng(seed))


@pytest.mark.parametrize(("cis_probability", "letter"), [(0.0, "t"), (1.0, "c")])
def test_all_amides_are_driven_including_prolines(cis_probability, letter):
    mol, positions = start_of(peptide_smiles("AP"), cis_probability)
    backbone, amides = conformer_name(mol, positions).split("|")
    assert len(backbone.split(";")) == 2
    assert amides == 3 * letter


def test_names_distinguish_conformers_and_not_rotated_copies():
    mol, positions = start_of(peptide_smiles("AA"), 0.0)
    rotated = positions @ np.linalg.qr(np.random.default_rng(2).normal(size=(3, 3)))[0]
    rotated *= np.sign(np.linalg.det(np.linalg.lstsq(positions, rotated, rcond=None)[0]))  # no mirror image
    names = {conformer_name(mol, start_of(peptide_smiles("AA"), 0.0, seed)[1]) for seed in range(4)}
    assert conformer_name(mol, rotated) == conformer_name(mol, positions)
    assert len(names) == 4


def test_loop_of_a_disulfide_stays_closed():
    mol, positions = start_of(peptide_smiles("[CYX]G[CYX]"), 0.5)
    i, j = (a.GetIdx() for a in mol.GetAtoms() if a.GetAtomicNum() == 16)
    assert np.linalg.norm(positions[i] - positions[j]) == pytest.approx(2.05, abs=0.2)


@pytest.mark.parametrize("seed", range(3))
def test_molecules_are_placed_side_by_side(seed):
    mol, positions = start_of("CC(=O)NC.Cc1ccccc1", 0.0, seed)
    first, second = (list(fragment) for fragment in Chem.GetMolFrags(mol))
    assert 1.5 < cdist(positions[first], positions[second]).min() < 4.0


def test_amides_are_those_of_the_topology_with_secondary_ones_first():
    mol = Chem.AddHs(Chem.MolFromSmiles(peptide_smiles("APA")))
    molecule = from_rdkit(mol, np.zeros((mol.GetNumAtoms(), 3)), name="", source="")
    found = named_torsions(mol)
    assert sorted(found.amides) == sorted(map(tuple, topology_of(molecule).amides.tolist()))
    has_hydrogen = [
        any(a.GetAtomicNum() == 1 for a in mol.GetAtomWithIdx(n).GetNeighbors()) for _, _, n, _ in found.amides
    ]
    assert has_hydrogen == [True, True, True, False]
    assert len(found.backbone) == 3


def test_amide_in_the_ring_of_a_disulfide_is_counted_once():
    mol = Chem.AddHs(Chem.MolFromSmiles(peptide_smiles("[CYX]G[CYX]")))
    assert len(named_torsions(mol).amides) == len(set(named_torsions(mol).amides)) == 4
