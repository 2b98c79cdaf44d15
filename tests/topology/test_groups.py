"""Ring sizes, amides, double bonds and the backbone against ring perception and substructure searches of RDKit."""

import numpy as np
import pytest
from rdkit import Chem

from explorer.io.build import from_sequence, from_smiles, to_rdkit
from explorer.topology.groups import (
    find_amides,
    find_backbone,
    find_double_bonds,
    find_rotatable_bonds,
    molecular_graph,
)
from explorer.topology.symmetry_classes import symmetry_classes


def graph_and_ranks(molecule):
    return molecular_graph(molecule), symmetry_classes(molecule.atomic_numbers, molecule.bonds)


def matches(molecule, smarts: str) -> list[tuple[int, ...]]:
    return list(to_rdkit(molecule).GetSubstructMatches(Chem.MolFromSmarts(smarts)))


@pytest.mark.parametrize(
    "smiles", ["CCO", "C1CC1", "c1ccc2ccccc2c1", "C1CC2CCC1C2", "C12C3C4C1C5C2C3C45", "C1CCCCCCCCC1", "O=C1CNC(=O)CN1"]
)
def test_ring_sizes_are_those_of_rdkit(smiles):
    molecule = from_smiles(smiles)
    mol = to_rdkit(molecule)
    rings = mol.GetRingInfo()
    sizes = {
        frozenset((b.GetBeginAtomIdx(), b.GetEndAtomIdx())): rings.MinBondRingSize(b.GetIdx()) for b in mol.GetBonds()
    }
    graph = molecular_graph(molecule)
    assert {frozenset((i, j)): data["ring"] for i, j, data in graph.edges(data=True)} == sizes


@pytest.mark.parametrize("sequence", ["AAA", "GPG", "NQK", "FWY"])
def test_amides_are_those_of_a_substructure_search(sequence):
    molecule = from_sequence(sequence)
    amides = find_amides(*graph_and_ranks(molecule))
    expected = {(match[0], match[2]) for match in matches(molecule, "[CX3](=O)[NX3][#6]")}
    assert {(int(c), int(n)) for _, c, n, _ in amides} == expected
    assert all(molecule.atomic_numbers[q[0]] == molecule.atomic_numbers[q[3]] == 6 for q in amides)


@pytest.mark.parametrize(
    ("smiles", "n_amides"),
    [
        ("CC(=O)N(C)C", 0),  # no cis and trans
        ("CC(=O)NC", 1),
        ("O=CNC", 1),  # formamide: omega starts at hydrogen
        ("O=C1CCCN1C", 0),  # a lactam is always cis
        ("CC(=O)N", 0),
        ("CC(=O)OC", 0),
    ],
)
def test_amides_with_a_cis_and_a_trans_form(smiles, n_amides):
    assert len(find_amides(*graph_and_ranks(from_smiles(smiles)))) == n_amides


@pytest.mark.parametrize(
    ("smiles", "n_double_bonds"),
    [
        ("C/C=C/C", 1),
        ("C=CC", 0),
        ("CC(C)=CC", 0),
        ("C1CCCCC=1", 0),
        ("C/C=N/O", 1),
        ("CC=C=CC", 0),
        ("C/C=C/C=C\\C", 2),
    ],
)
def test_double_bonds_have_isomers_as_in_textbooks(smiles, n_double_bonds):
    double_bonds = find_double_bonds(*graph_and_ranks(from_smiles(smiles)))
    assert double_bonds.shape == (n_double_bonds, 4)


@pytest.mark.parametrize("sequence", ["G", "AGP", "FKDE"])
def test_backbone_is_that_of_a_substructure_search(sequence):
    molecule = from_sequence(sequence)
    backbone = find_backbone(molecular_graph(molecule))
    expected = {match[2:5] for match in matches(molecule, "[CX3](=O)N[CX4][CX3](=O)N")}
    assert {tuple(row) for row in backbone[:, 0, 1:].tolist()} == expected
    assert len(backbone) == len(sequence)
    np.testing.assert_array_equal(backbone[1:, 0, 1], backbone[:-1, 1, 3])  # in order from the N terminus


def test_rotatable_bonds_of_butane_and_of_a_phenyl_ring():
    assert find_rotatable_bonds(molecular_graph(from_smiles("CCCC"))).tolist() == [[1, 2]]
    assert find_rotatable_bonds(molecular_graph(from_smiles("CCc1ccccc1"))).tolist() == [[1, 2]]
