"""Changes of bonds, stereochemistry and amides, one by one, on hand-made bond matrices and RDKit structures."""

from dataclasses import replace

import numpy as np
import pytest
from rdkit.Chem import rdMolTransforms

from explorer.io.build import from_sequence, from_smiles, to_rdkit
from explorer.records.molecule import Molecule
from explorer.records.structure_class import StructureClass
from explorer.topology.bonds import topology_of
from explorer.topology.changes import StructureChange, amide_changes, bond_changes, stereo_changes
from explorer.topology.fragments import Fragments

INTACT = Fragments(count=1, text="", are_apart=False)


def bond_matrix(molecule: Molecule) -> np.ndarray:
    matrix = np.zeros((molecule.n_atoms, molecule.n_atoms), bool)
    for i, j in molecule.bonds:
        matrix[i, j] = matrix[j, i] = True
    return matrix


def toggled(matrix: np.ndarray, *pairs: tuple[int, int]) -> np.ndarray:
    result = matrix.copy()
    for i, j in pairs:
        result[i, j] = result[j, i] = not matrix[i, j]
    return result


def test_unchanged_bonds_give_no_changes():
    molecule = from_smiles("C1CC1")
    matrix = bond_matrix(molecule)
    assert bond_changes(topology_of(molecule), matrix, matrix, INTACT) == []


def test_opened_ring_and_new_bond_are_listed():
    molecule = from_smiles("C1CCC1")
    matrix = bond_matrix(molecule)
    changes = bond_changes(topology_of(molecule), matrix, toggled(matrix, (0, 1), (0, 2)), INTACT)
    broken, formed = "bond C1-C2 broken", "bond C1-C3 formed"
    assert changes == [StructureChange(StructureClass.BOND_BROKEN, text) for text in (broken, formed)]


def test_fragmentation_comes_first_and_includes_its_bonds():
    molecule = from_smiles("CC")
    matrix = bond_matrix(molecule)
    fragments = Fragments(count=2, text="2 fragments", are_apart=True)
    changes = bond_changes(topology_of(molecule), matrix, toggled(matrix, (0, 1)), fragments)
    assert changes == [
        StructureChange(StructureClass.FRAGMENTED, "2 fragments"),
        StructureChange(StructureClass.FRAGMENTED, "bond C1-C2 broken"),
    ]


def test_transferred_hydrogen_is_not_a_broken_bond():
    molecule = from_smiles("[NH3+]CC(=O)[O-]")
    matrix = bond_matrix(molecule)
    (change,) = bond_changes(topology_of(molecule), matrix, toggled(matrix, (0, 5), (4, 5)), INTACT)
    assert change.structure_class is StructureClass.PROTON_TRANSFERRED
    assert change.text == "H6 moved from N1 to O5 (zwitterion to neutral)"


def test_stereocentre_is_compared_only_if_its_bonds_are_intact():
    molecule = from_smiles("C[C@H](F)Cl")
    topology, matrix = topology_of(molecule), bond_matrix(molecule)
    positions = np.stack([molecule.positions, -molecule.positions, -molecule.positions])
    bonded = np.stack([matrix, matrix, toggled(matrix, (1, 2))])
    inverted = [StructureChange(StructureClass.STEREO_INVERTED, "C2 inverted")]
    assert stereo_changes(topology, positions, bonded) == [[], inverted, []]


@pytest.mark.parametrize("smiles", ["C/C=C/C", "C/C=C\\C"])
def test_double_bond_rotated_by_180_degrees_is_flipped(smiles):
    molecule = from_smiles(smiles)
    mol = to_rdkit(molecule)
    angle = rdMolTransforms.GetDihedralDeg(mol.GetConformer(), 0, 1, 2, 3)
    rdMolTransforms.SetDihedralDeg(mol.GetConformer(), 0, 1, 2, 3, angle + 180)
    positions = np.stack([molecule.positions, mol.GetConformer().GetPositions()])
    changes = stereo_changes(topology_of(molecule), positions, np.stack([bond_matrix(molecule)] * 2))
    assert changes == [[], [StructureChange(StructureClass.STEREO_INVERTED, "C2=C3 flipped")]]


@pytest.mark.parametrize(
    ("omega", "structure_class", "text"),
    [
        (178, None, ""),
        (120, StructureClass.INTACT, "twisted (120 deg)"),
        (-80, StructureClass.CIS_AMIDE, "twisted (-80 deg)"),
        (5, StructureClass.CIS_AMIDE, "cis (5 deg)"),
    ],
)
def test_class_of_an_amide_follows_from_its_torsion(omega, structure_class, text):
    molecule = from_smiles("CC(=O)NC")
    topology, mol = topology_of(molecule), to_rdkit(molecule)
    rdMolTransforms.SetDihedralDeg(mol.GetConformer(), *topology.amides[0].tolist(), float(omega))
    positions = mol.GetConformer().GetPositions()[None]
    (changes,) = amide_changes(topology, positions, bond_matrix(molecule)[None])
    expected = [] if structure_class is None else [StructureChange(structure_class, f"C2-N4 {text}")]
    assert changes == expected


@pytest.mark.parametrize(
    ("omega", "structure_class", "text"),
    [
        (5, StructureClass.INTACT, "cis (5 deg)"),
        (-80, StructureClass.INTACT, "twisted (-80 deg)"),
        (100, StructureClass.TRANS_AMIDE, "twisted (100 deg, cis in the input)"),
        (178, StructureClass.TRANS_AMIDE, "trans (178 deg, cis in the input)"),
    ],
)
def test_class_of_an_amide_is_relative_to_the_input(omega, structure_class, text):
    molecule = from_smiles("CC(=O)NC")
    amide, mol = topology_of(molecule).amides[0].tolist(), to_rdkit(molecule)
    rdMolTransforms.SetDihedralDeg(mol.GetConformer(), *amide, 10.0)
    topology = topology_of(replace(molecule, positions=mol.GetConformer().GetPositions()))
    rdMolTransforms.SetDihedralDeg(mol.GetConformer(), *amide, float(omega))
    positions = mol.GetConformer().GetPositions()[None]
    (changes,) = amide_changes(topology, positions, bond_matrix(molecule)[None])
    assert changes == [StructureChange(structure_class, f"C2-N4 {text}")]


def test_cis_amide_of_proline_is_a_remark():
    molecule = from_sequence("P")
    topology, mol = topology_of(molecule), to_rdkit(molecule)
    (proline,) = topology.amides[~topology.secondary_amides].tolist()
    rdMolTransforms.SetDihedralDeg(mol.GetConformer(), *proline, 0.0)
    positions = mol.GetConformer().GetPositions()[None]
    (changes,) = amide_changes(topology, positions, bond_matrix(molecule)[None])
    assert [change.structure_class for change in changes] == [StructureClass.INTACT]
    assert changes[0].text.endswith("cis (0 deg, tertiary)")
