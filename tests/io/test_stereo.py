"""A SMILES that leaves stereochemistry open says which isomer was built; a complete one says nothing."""

import re

import pytest
from rdkit import Chem

from explorer.io.build import from_smiles, to_rdkit


@pytest.mark.parametrize(
    ("smiles", "what"),
    [
        ("CC(=O)NC(C)C(=O)NC", "stereocentre C5 open; [RS] was taken"),
        ("CS(=O)CC", "stereocentre S2 open; [RS] was taken"),
        ("CC=CC", "double bond C2=C3 open; [EZ] was taken"),
        ("C[C@H](F)Cl |o1:1|", r"one of several stereoisomers \(or\); one was taken: C2 [RS]"),
        ("CC(=O)N[C@@H](C)C(=O)NC |&1:4|", r"a mixture of stereoisomers \(&\); one was taken: C5 S"),
    ],
)
def test_open_stereochemistry_is_said(smiles, what):
    (remark,) = from_smiles(smiles).remarks
    assert re.search(what, remark)


@pytest.mark.parametrize(
    "smiles", ["CC(=O)N[C@@H](C)C(=O)NC", "C/C=C/C", "C[S@](=O)CC", "CCO", "Cc1ccccc1", "CC(=O)NC", "CC=C=C", "CN=C=NC"]
)
def test_complete_or_absent_stereochemistry_has_no_remark(smiles):
    assert from_smiles(smiles).remarks == ()


def test_each_open_centre_is_named_with_the_label_that_rdkit_finds():
    molecule = from_smiles("CC(O)C(N)C")
    labels = Chem.FindMolChiralCenters(to_rdkit(molecule), useLegacyImplementation=False)
    assert len(labels) == 2
    for (atom, label), remark in zip(labels, molecule.remarks, strict=True):
        assert f"C{atom + 1} open; {label} was taken" in remark
