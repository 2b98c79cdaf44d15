"""Sequences: ends, protonation states, D and modified residues, against RDKit's chirality and formal charges."""

import pytest
from rdkit import Chem
from rdkit.Chem.rdMolDescriptors import CalcMolFormula

from explorer.errors import InputError
from explorer.io.build import from_sequence, from_smiles
from explorer.io.sequence import MODIFIED_SIDE_CHAINS, SIDE_CHAINS, peptide_name, peptide_smiles


def labels(smiles: str) -> list[str]:
    mol = Chem.MolFromSmiles(smiles)
    return [label for _, label in Chem.FindMolChiralCenters(mol, useLegacyImplementation=False)]


@pytest.mark.parametrize(
    ("sequence", "caps", "charge"),
    [
        ("D", "ace-nme", -1),
        ("[ASH]", "ace-nme", 0),
        ("[GLH]", "ace-nme", 0),
        ("[HIP]", "ace-nme", 1),
        ("[LYN]", "ace-nme", 0),
        ("A", "ace", -1),
        ("A", "nme", 1),
        ("P", "nme", 1),
        ("A", "none", 0),
    ],
)
def test_protonation_states_and_ends_have_their_charge(sequence, caps, charge):
    assert from_sequence(sequence, caps).total_charge == charge


def test_histidine_tautomers_differ_and_h_is_epsilon():
    h, epsilon, delta = (Chem.CanonSmiles(peptide_smiles(name)) for name in ("H", "[HIE]", "[HID]"))
    assert h == epsilon != delta


def test_two_cyx_make_a_disulfide_and_one_is_refused():
    assert [b.GetIdx() for b in Chem.MolFromSmiles(peptide_smiles("CGC")).GetBonds() if _is_disulfide(b)] == []
    bridged = Chem.MolFromSmiles(peptide_smiles("[CYX]G[CYX]A[CYX][CYX]"))
    assert sum(_is_disulfide(bond) for bond in bridged.GetBonds()) == 2
    with pytest.raises(InputError, match="even number"):
        peptide_smiles("A[CYX]")
    with pytest.raises(InputError, match=r"'\['"):
        peptide_smiles("A[HI]")


def _is_disulfide(bond):
    return bond.GetBeginAtom().GetSymbol() == bond.GetEndAtom().GetSymbol() == "S"


@pytest.mark.parametrize("name", [*SIDE_CHAINS, *MODIFIED_SIDE_CHAINS, "P", "HYP", "CYX"])
def test_lower_case_is_the_mirror_image(name):
    text = name if len(name) == 1 else f"[{name}]"
    text = text * 2 if name == "CYX" else text
    natural, mirrored = peptide_smiles(text), peptide_smiles(text.lower())
    assert Chem.CanonSmiles(natural) != Chem.CanonSmiles(mirrored)
    inverted = Chem.MolFromSmiles(natural)
    for atom in inverted.GetAtoms():
        atom.InvertChirality()
    assert Chem.MolToSmiles(inverted) == Chem.CanonSmiles(mirrored)


@pytest.mark.parametrize(
    ("sequence", "expected"),
    [
        ("AAA", "SSS"),
        ("C", "R"),
        ("I", "SS"),
        ("T", "SR"),
        ("P", "S"),
        ("[HYP]", "RS"),
        ("[TPO]", "SR"),
        ("RGDfK", "SSRS"),
    ],
)
def test_residues_have_the_natural_chirality(sequence, expected):
    assert "".join(labels(peptide_smiles(sequence))) == expected


def test_d_residues_are_shown():
    molecule = from_sequence("RGDfK")
    assert molecule.name == "ac-RGDfK-nhme"
    assert molecule.source == "sequence RGDfK"
    assert molecule.remarks == ("Lower case is a D residue: D-Phe4.",)
    assert from_sequence("AG").remarks == ()


@pytest.mark.parametrize(
    ("sequence", "spelling"),
    [
        ("ALA", "Write A .*, or A-L-A if"),
        ("Ala", "Write A "),
        ("ala", "Write A .*, or a-l-a if"),
        ("ALAGLYSER", "Write AGS .*A-L-A-G-L-Y-S-E-R"),
        ("Ala-Gly", "Write AG "),
        ("AlaGly", "Write AG "),
        ("GGAlaG", "Write GGAG "),
        ("Ac-Ala-Ala-NHMe", "Write AA .*--caps"),
        ("Ac-A-NHMe", "Write A .*--caps"),
        ("GfG-NH2", "Write GfG .*--caps"),
        ("D-ALA", "Write a "),
        ("L-Ala-D-Phe-Gly", "Write AfG "),
        ("Gly-DPhe", "Write Gf "),
        ("H-GGF-OH", "Write GGF .*--caps"),
        ("H-Tyr-NH2", "Write Y .*--caps"),
        ("h-HH-NHMe", "Write HH .*--caps"),
        ("GGF-OMe", "Write GGF .*--caps"),
    ],
)
def test_other_spellings_are_refused_with_the_right_one(sequence, spelling):
    with pytest.raises(InputError, match=f"One-letter residues were expected, received '{sequence}'. {spelling}"):
        peptide_smiles(sequence)


@pytest.mark.parametrize(
    "sequence", ["AGAGA", "ALAG", "A-L-A", "GfG", "RGDfK", "WAK", "[HIP]-A", "H-H", "D-A-L-A", "DALA"]
)
def test_one_letter_sequences_are_not_mistaken(sequence):
    assert Chem.MolFromSmiles(peptide_smiles(sequence)) is not None


@pytest.mark.parametrize(
    ("sequence", "message"),
    [
        ("GgG", "'g' .* has no D form.*Write G"),
        ("[aib]", "Write AIB"),
        ("AXA", r"'X' .* is not known.*lower case for D.*\[SEP\]"),
        ("[Hip]", "'Hip'"),
        ("A²", "'²'"),
        ("A?" * 200, r"'\?'"),
    ],
)
def test_unknown_residues_are_named(sequence, message):
    with pytest.raises(InputError, match=message) as caught:
        peptide_smiles(sequence)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    ("caps", "formula", "charge", "name"),
    [
        ("h-oh", "C3H7NO2", 0, "h-a-oh"),
        ("none", "C3H7NO2", 0, "a"),
        ("nh2", "C3H9N2O+", 1, "a-nh2"),
        ("h-nh2", "C3H8N2O", 0, "h-a-nh2"),
        ("ace-nh2", "C5H10N2O2", 0, "ac-a-nh2"),
        ("ace-oh", "C5H9NO3", 0, "ac-a-oh"),
        ("ace", "C5H8NO3-", -1, "ac-a"),
        ("nme", "C4H11N2O+", 1, "a-nhme"),
        ("h-nme", "C4H10N2O", 0, "h-a-nhme"),
        ("ace-nme", "C6H12N2O2", 0, "ac-a-nhme"),
    ],
)
def test_ends_have_their_formula_and_charge(caps, formula, charge, name):
    mol = Chem.MolFromSmiles(peptide_smiles("A", caps))
    assert CalcMolFormula(mol) == formula
    assert Chem.GetFormalCharge(mol) == charge
    assert peptide_name("A", caps) == name


def test_modified_residues_are_built():
    charges = {"CYM": -1, "DAB": 1, "ORN": 1, "PTR": -2, "SEP": -2, "TPO": -2}
    for name in (*MODIFIED_SIDE_CHAINS, "AIB", "HYP", "SAR"):
        assert from_sequence(f"[{name}]").total_charge == charges.get(name, 0)
    assert from_smiles(peptide_smiles("[SAR]", "none")).total_charge == 0
