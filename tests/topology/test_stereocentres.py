"""Stereocentres of textbook molecules, and their chirality in isomers that RDKit enumerates."""

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import rdDistGeom
from rdkit.Chem.EnumerateStereoisomers import EnumerateStereoisomers

from explorer.io.build import embed, from_rdkit, from_smiles, to_rdkit
from explorer.topology.chirality import chiral_signs
from explorer.topology.groups import molecular_graph
from explorer.topology.stereocentres import find_ring_pairs, find_stereocentres, is_stereogenic


@pytest.mark.parametrize(
    ("smiles", "n_centres"),
    [
        ("NCC(=O)O", 0),  # glycine
        ("C[C@H](N)C(=O)O", 1),  # alanine
        ("C[C@H](O)[C@H](N)C(=O)O", 2),  # threonine
        ("OC[C@H]1O[C@@H](O)[C@H](O)[C@@H](O)[C@@H]1O", 5),  # glucose
        ("OC(=O)[C@H](O)[C@@H](O)C(=O)O", 2),  # tartaric acid
        ("CN(C)CC", 0),  # an amine inverts
        ("C[N@@+](CC)(CCC)CCCC", 1),  # a quaternary ammonium does not
        ("C[S@](=O)CC", 1),
        ("CS(C)=O", 0),
        ("CP(=O)(C)C", 0),
    ],
)
def test_number_of_stereocentres_is_that_of_textbooks(smiles, n_centres):
    molecule = from_smiles(smiles)
    centres, _ = find_stereocentres(molecular_graph(molecule), molecule.positions)
    assert centres.shape == (n_centres, 4)
    graph = molecular_graph(molecule)
    assert all(set(row[1:]) <= set(graph[row[0]]) for row in centres.tolist())


def test_pseudoasymmetric_centre_depends_on_its_neighbours():
    """C3 of trihydroxyglutaric acid has equal neighbours unless these differ in chirality."""
    for smiles, n_centres in (
        ("OC(=O)[C@H](O)C(O)[C@@H](O)C(=O)O", 2),
        ("OC(=O)[C@H](O)[C@H](O)[C@H](O)C(=O)O", 3),
    ):
        molecule = from_smiles(smiles)
        centres, _ = find_stereocentres(molecular_graph(molecule), molecule.positions)
        by_rdkit = Chem.FindMolChiralCenters(to_rdkit(molecule), useLegacyImplementation=False)
        assert len(centres) == len(by_rdkit) == n_centres


@pytest.mark.parametrize("smiles", ["CC1CCC(C)CC1", "CC1CCC(O)CC1"])
def test_ring_parity_distinguishes_cis_from_trans_in_all_conformers(smiles):
    isomers = list(EnumerateStereoisomers(Chem.AddHs(Chem.MolFromSmiles(smiles))))
    assert len(isomers) == 2
    products = []
    for mol in isomers:
        rdDistGeom.EmbedMolecule(mol, randomSeed=5)
        molecule = from_rdkit(mol, mol.GetConformer().GetPositions(), name="", source="")
        graph = molecular_graph(molecule)
        centres, ranks = find_stereocentres(graph, molecule.positions)
        assert len(centres) == 0
        (pair,) = find_ring_pairs(graph, ranks)
        conformers = embed(to_rdkit(molecule), 8, seed=1)
        products.append({int(sign) for sign in chiral_signs(conformers, pair).prod(axis=-1)})
    assert sorted(products, key=min) == [{-1}, {1}]


@pytest.mark.parametrize(
    ("smiles", "expected"),
    [("CC", True), ("C[NH3+]", True), ("CN", False), ("CS(C)=O", True), ("CO", False), ("CC=C", False)],
)
def test_second_atom_keeps_its_chirality_if_tetrahedral_or_pyramidal_sulfur(smiles, expected):
    assert is_stereogenic(molecular_graph(from_smiles(smiles)), 1) is expected


def test_mirror_image_has_the_same_centres_with_opposite_signs():
    molecule = from_smiles("C[C@H](O)[C@H](N)C(=O)O")
    graph = molecular_graph(molecule)
    centres, _ = find_stereocentres(graph, molecule.positions)
    mirrored, _ = find_stereocentres(graph, -molecule.positions)
    np.testing.assert_array_equal(centres, mirrored)
    np.testing.assert_array_equal(
        chiral_signs(molecule.positions, centres), -chiral_signs(-molecule.positions, centres)
    )
