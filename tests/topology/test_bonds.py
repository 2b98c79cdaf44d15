"""Bonds, stereocentres, amides and backbone against RDKit's perception."""

from dataclasses import replace

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import rdMolTransforms

from explorer.io.build import embed, from_sequence, from_smiles, to_rdkit
from explorer.topology.bonds import perceive_bonds, topology_of
from explorer.topology.chirality import chiral_signs, chiral_volumes
from explorer.topology.describe import describe, describe_lines
from explorer.topology.symmetry_classes import symmetry_classes
from explorer.topology.torsions import amide_conformation, backbone_torsions, dihedrals

MOLECULES = {
    "ac-aaa-nhme": lambda: from_sequence("AAA"),
    "mixed": lambda: from_sequence("GPFIT", caps="none"),
    "charged": lambda: from_sequence("KRDEH"),
    "others": lambda: from_sequence("WYSCNQMLV"),
    "sugar": lambda: from_smiles("OC[C@H]1OC(O)[C@H](O)[C@@H](O)[C@@H]1O"),
    "alkene": lambda: from_smiles("C/C=C/C(=O)N/N=C/C"),
    "allene": lambda: from_smiles("CC=C=CC"),
    "oxime": lambda: from_smiles("CC/C(C)=N/O"),
    "pseudoasymmetric": lambda: from_smiles("OC(=O)[C@H](O)[C@H](O)[C@H](O)C(=O)O"),
    "heteroatoms": lambda: from_smiles("C[S@](=O)C[C@H](F)C[N@@H+](C)CC"),
    "amine": lambda: from_smiles("CCN(C)C1CCCCC1"),
    "ring pair": lambda: from_smiles("C[C@H]1CC[C@@H](O)CC1"),
    "ring trio": lambda: from_smiles("C[C@H]1C[C@@H](C)C[C@@H](C)C1"),
    "decalin": lambda: from_smiles("C1CC[C@@H]2CCCC[C@H]2C1"),
    "cage": lambda: from_smiles("C1CC2CCC1C2"),
}


@pytest.fixture(scope="module", params=MOLECULES)
def molecule(request):
    return MOLECULES[request.param]()


def test_stereocentres_are_those_of_rdkit(molecule):
    found = Chem.FindMolChiralCenters(to_rdkit(molecule), useLegacyImplementation=False)
    topology = topology_of(molecule)
    assert {*topology.chiral_centres[:, 0], *topology.ring_pairs[..., 0].ravel()} == {atom for atom, _ in found}


def test_double_bonds_with_isomers_are_those_of_rdkit(molecule):
    mol = to_rdkit(molecule)
    marked = [b for b in mol.GetBonds() if b.GetStereo() > Chem.BondStereo.STEREOANY]
    expected = {tuple(sorted((b.GetBeginAtomIdx(), b.GetEndAtomIdx()))) for b in marked}
    topology = topology_of(molecule)
    assert {tuple(sorted(row[1:3].tolist())) for row in topology.double_bonds} == expected


def test_rotatable_bonds_are_those_of_a_smarts_pattern(molecule):
    pattern = Chem.MolFromSmarts("[!#1]-;!@[!#1]")
    mol = to_rdkit(molecule)
    heavy = {a.GetIdx(): sum(n.GetAtomicNum() > 1 for n in a.GetNeighbors()) for a in mol.GetAtoms()}
    amides = {frozenset((c, n)) for c, _, n in mol.GetSubstructMatches(Chem.MolFromSmarts("[CX3](=O)[NX3]"))}
    bonds = {tuple(sorted(m)) for m in mol.GetSubstructMatches(pattern)}
    expected = {pair for pair in bonds if min(heavy[k] for k in pair) > 1 and frozenset(pair) not in amides}
    assert {tuple(row) for row in topology_of(molecule).rotatable_bonds.tolist()} == expected


def test_bonds_from_distances_are_those_of_the_molecule(molecule):
    matrix = perceive_bonds(molecule.atomic_numbers, molecule.positions)
    np.testing.assert_array_equal(np.argwhere(np.triu(matrix)), molecule.bonds)


def test_bonds_form_and_break_at_different_distances():
    numbers, bond = np.array([6, 6]), np.array([[0, 1]])
    lengths = np.array([1.2, 1.45]) * 2 * 0.76
    cases = ((lengths[0] - 0.01, True, True), (lengths[0] + 0.01, False, True), (lengths[1] + 0.01, False, False))
    for length, free, bonded in cases:
        positions = np.array([[0, 0, 0], [length, 0, 0]])
        assert perceive_bonds(numbers, positions)[0, 1] == free
        assert perceive_bonds(numbers, positions, bond)[0, 1] == bonded


def test_ranks_split_atoms_as_rdkit_does(molecule):
    mol = to_rdkit(molecule)
    mine = symmetry_classes(molecule.atomic_numbers, molecule.bonds)
    plain = Chem.RWMol(mol)  # without charges, orders and stereo, which our ranks leave out on purpose
    for bond in plain.GetBonds():
        bond.SetBondType(Chem.BondType.SINGLE)
        bond.SetIsAromatic(False)
        bond.SetStereo(Chem.BondStereo.STEREONONE)
    for atom in plain.GetAtoms():
        atom.SetIsAromatic(False)
        atom.SetFormalCharge(0)
        atom.SetNumRadicalElectrons(0)
    theirs = np.array(Chem.CanonicalRankAtoms(plain, breakTies=False, includeChirality=False))
    assert (
        len(set(mine.tolist()))
        == len(set(theirs.tolist()))
        == len(set(zip(mine.tolist(), theirs.tolist(), strict=True)))
    )


def test_amides_and_backbone_of_a_mixed_peptide():
    molecule = from_sequence("APGN")
    topology = topology_of(molecule)
    names = np.array(molecule.atom_names)
    assert topology.secondary_amides.tolist() == [True, False, True, True, True]
    assert topology.backbone.shape == (4, 2, 4)
    np.testing.assert_array_equal(topology.backbone[:-1, 1, 3], topology.backbone[1:, 0, 1])
    np.testing.assert_array_equal(topology.backbone[:, 0, 1:], topology.backbone[:, 1, :3])
    alphas = topology.backbone[:, 0, 2]
    np.testing.assert_array_equal(topology.amides[:-1, 3], alphas)  # omega ends on CA, for proline too
    assert set(names[alphas]) == {f"C{k + 1}" for k in alphas}
    assert topology_of(from_sequence("AAA", caps="none")).backbone.shape == (1, 2, 4)


def test_lactams_have_no_omega_and_cyclic_peptides_have_a_backbone():
    diketopiperazine = from_smiles("O=C1CNC(=O)CN1")
    assert topology_of(diketopiperazine).amides.shape == (0, 4)
    assert topology_of(diketopiperazine).backbone.shape == (2, 2, 4)


def test_dihedrals_are_those_of_rdkit():
    molecule = from_sequence("AF")
    conformers = embed(to_rdkit(molecule), 4, seed=3)
    topology = topology_of(molecule)
    quadruples = np.concatenate([topology.backbone.reshape(-1, 4), topology.amides])
    found = dihedrals(conformers, quadruples)
    assert found.shape == (4, len(quadruples))
    for row, positions in zip(found, conformers, strict=True):
        conformer = to_rdkit(molecule, positions).GetConformer()
        expected = [rdMolTransforms.GetDihedralDeg(conformer, *q) for q in quadruples.tolist()]
        np.testing.assert_allclose(row, expected, atol=1e-6)
    np.testing.assert_array_equal(backbone_torsions(conformers, topology.backbone), found[:, :4].reshape(4, 2, 2))


def test_chiral_sign_changes_under_reflection_and_vanishes_in_the_plane():
    molecule = from_sequence("AIT")
    centres = topology_of(molecule).chiral_centres
    signs = chiral_signs(molecule.positions, centres)
    assert len(centres) == 5
    assert np.all(np.abs(signs) == 1)
    np.testing.assert_array_equal(chiral_signs(-molecule.positions, centres), -signs)
    flat = molecule.positions * [1, 1, 1e-3]
    np.testing.assert_array_equal(chiral_signs(flat, centres), 0)
    ideal = np.array([[0, 0, 0], [1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]], dtype=float)
    assert abs(chiral_volumes(ideal, np.arange(4)[None])[0]) == pytest.approx(4 / 3**1.5)


@pytest.mark.parametrize(
    ("omega", "kind"), [(-3, "cis"), (29, "cis"), (60, "twisted"), (-149, "twisted"), (179, "trans")]
)
def test_amide_kind(omega, kind):
    assert amide_conformation(omega) == kind


def test_description_names_what_the_molecule_is():
    molecule = from_sequence("AAA")
    facts = describe(molecule)
    assert (facts["formula"], facts["n_atoms"], facts["n_rotatable_bonds"], facts["n_residues"]) == (
        "C12H22N4O4",
        42,
        6,
        3,
    )
    assert list(facts["chirality"].values()) == ["S", "S", "S"]
    assert len(facts["amides"]) == 4
    assert all(abs(omega) > 150 for omega in facts["amides"].values())
    assert any("C5 S" in line for line in describe_lines(molecule))
    mirrored = describe(replace(molecule, positions=-molecule.positions))
    assert list(mirrored["chirality"].values()) == ["R", "R", "R"]
