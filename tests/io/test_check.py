"""Errors for invalid input: one line with the problem, the place and a remedy."""

import re
from pathlib import Path

import numpy as np
import pytest

from explorer.errors import InputError
from explorer.io.build import from_sequence, from_smiles
from explorer.io.check import check_elements
from explorer.io.ensemble import read_ensemble
from explorer.io.read import read_molecule
from explorer.io.write import write_extxyz, write_sdf

PEPTIDES = Path(__file__).resolve().parents[2] / "data" / "peptides"
PDB = (PEPTIDES / "ac-ala-nhme.pdb").read_text()


def without(text: str, *names: str) -> str:
    return "".join(line for line in text.splitlines(True) if line[12:16].strip() not in names or line[:6] == "CONECT")


def water(serial: int) -> str:
    atoms = (("O", 20.0, 0.0), ("H1", 20.96, 0.0), ("H2", 19.76, 0.93))
    return "".join(
        f"HETATM{serial + k:5d}  {name:<3} HOH A  90    {x:8.3f}{y:8.3f}{0:8.3f}  1.00  0.00          {name[0]:>2}\n"
        for k, (name, x, y) in enumerate(atoms)
    )


ALL_HYDROGENS = {line[12:16].strip() for line in PDB.splitlines() if line[76:78].strip() == "H"}
BAD_PDB = {
    "no hydrogens": (without(PDB, *ALL_HYDROGENS), r"all hydrogens were expected, received none\. Add them"),
    "one hydrogen on carbon": (without(PDB, "HA"), r"atom 8 \(ALA2:CA, line 9\) lacks a hydrogen.*Add hydrogens"),
    "two on carbon": (without(PDB, "HB1", "HB2"), r"atom 9 \(ALA2:CB, line 10\) lacks a hydrogen"),
    "one on nitrogen": (
        PDB.replace(PDB.splitlines()[12] + "\n", ""),
        r"atom 7 \(ALA2:N, line 8\) lacks a hydrogen or is charged.*--charge -1",
    ),
    "unknown element": (PDB.replace("           O", "          Qq"), r"line 4: 'Qq' is not a chemical element"),
    "two molecules": (
        PDB.replace("TER\n", water(23)),
        r"received 2 separate molecules \(22, 3 atoms\).*atom 23 \(HOH90:O, line 24\)",
    ),
    "two models": (
        f"MODEL        1\n{PDB}ENDMDL\nMODEL        2\n{PDB}ENDMDL\n",
        r"one structure was expected, received 2",
    ),
    "altlocs": (
        PDB.replace("CB  ALA A", "CB AALA A").replace(
            "TER\n", PDB.splitlines()[9].replace("CB  ALA", "CB BALA") + "\n"
        ),
        r"line 24: one location of ALA2:CB was expected, .* 'A' and 'B'.*Keep one",
    ),
    "overlap": (
        PDB.replace("   2.668  -1.268  -0.776", "   2.500  -0.158  -0.288"),
        r"atom 2 \(ACE1:C, line 3\) and atom 3 \(ACE1:O, line 4\) overlap \(0.02 Å",
    ),
    "bad number": (
        PDB.replace("   2.668", "   x.668"),
        r"line 4: three coordinates in Å were expected, received 'x.668",
    ),
    "not a number": (PDB.replace("   2.668", "     nan"), r"line 4: three coordinates"),
    "no atoms": ("REMARK nothing here\n", r"atoms were expected, received none"),
    "empty": (" \n", r"is empty"),
}


@pytest.mark.parametrize("name", BAD_PDB)
def test_bad_pdb_gets_one_clear_line(name, tmp_path):
    text, message = BAD_PDB[name]
    path = tmp_path / "bad.pdb"
    path.write_text(text)
    with pytest.raises(InputError, match=message) as caught:
        read_molecule(path)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("bad.pdb")


BAD_XYZ = {
    "not a count": ("three\n\n", r"line 1: the number of atoms was expected, received 'three'"),
    "cut off": ("3\n\nO 0 0 0\nH 1 0 0\n", r"line 1: 3 atoms were expected, received 2 lines"),
    "no coordinates": ("1\n\nO 0 0\n", r"line 3: an element and three coordinates were expected"),
    "unknown element": ("1\n\nXx 0 0 0\n", r"line 3: 'Xx' is not a chemical element"),
    "no positions": (
        "1\nProperties=species:S:1:forces:R:3\nO 0 0 0\n",
        r"line 2: Properties with species and pos was expected",
    ),
    "crowded": (
        "6\n\nC 0 0 0\nH 1 0 0\nH -1 0 0\nH 0 1 0\nH 0 -1 0\nH 0 0 1\n",
        r"\(C1, line 3\) has 5 neighbours",
    ),
    "two molecules": ("4\n\nH 0 0 0\nH 0.74 0 0\nH 5 0 0\nH 5.74 0 0\n", r"2 separate molecules \(2, 2 atoms\)"),
}


@pytest.mark.parametrize("name", BAD_XYZ)
def test_bad_xyz_gets_one_clear_line(name, tmp_path):
    text, message = BAD_XYZ[name]
    path = tmp_path / "bad.xyz"
    path.write_text(text)
    with pytest.raises(InputError, match=message) as caught:
        read_molecule(path)
    assert "\n" not in str(caught.value)


def sdf_text(tmp_path, molecule) -> str:
    write_sdf(tmp_path / "good.sdf", molecule, [molecule.positions], [{}])
    return (tmp_path / "good.sdf").read_text()


def test_bad_sdf_gets_one_clear_line(tmp_path):
    good = sdf_text(tmp_path, from_smiles("CC[NH3+]"))
    bad = {
        "several": (good + good, r"one structure was expected, received 2"),
        "valence": (re.sub(r"M  CHG.*\n", "", good), r"do not fit the valences .*M  CHG"),
        "element": (good.replace(" N   0", " Xx  0"), r"line 7: 'Xx' is not a chemical element"),
        "garbage": ("one\ntwo\n", r"line 1: the record that starts here cannot be read"),
        "hydrogens": (
            "\n\n\n  2  1  0  0  0  0  0  0  0  0999 V2000\n    0.0000    0.0000    0.1000 C   0  0\n"
            "    1.5000    0.0000    0.0000 O   0  0\n  1  2  1  0\nM  END\n",
            r"atom 1 \(C1, line 5\) lacks hydrogens, and 1 more atoms do",
        ),
    }
    for text, message in bad.values():
        (tmp_path / "bad.sdf").write_text(text)
        with pytest.raises(InputError, match=message) as caught:
            read_molecule(tmp_path / "bad.sdf")
        assert "\n" not in str(caught.value)


def test_flat_drawing_is_refused(tmp_path):
    text = sdf_text(tmp_path, from_smiles("O"))
    text = re.sub(r"^( +-?\d+\.\d{4} +-?\d+\.\d{4}) +-?\d+\.\d{4} ", r"\g<1>    0.0000 ", text, flags=re.M)
    (tmp_path / "flat.mol").write_text(text.replace("3D", "2D").replace("$$$$\n", ""))
    with pytest.raises(InputError, match=r"received a 2D drawing.*--smiles"):
        read_molecule(tmp_path / "flat.mol")


def test_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(InputError, match=r"No file .*gone\.pdb.*--sequence"):
        read_molecule(tmp_path / "gone.pdb")
    with pytest.raises(InputError, match=r"received '\.cdx'"):
        read_molecule(tmp_path / "x.cdx")
    (tmp_path / "binary.xyz").write_bytes(b"\x89PNG\x00\x80")
    with pytest.raises(InputError, match="it is not text"):
        read_molecule(tmp_path / "binary.xyz")
    (tmp_path / "folder.xyz").mkdir()
    with pytest.raises(InputError, match="could not be read"):
        read_ensemble(tmp_path / "folder.xyz")


def test_bad_frame_of_an_ensemble_is_named(tmp_path):
    molecule = from_smiles("CCO")
    broken = molecule.positions.copy()
    broken[-1] += 9
    write_extxyz(tmp_path / "two.extxyz", molecule, [molecule.positions, broken], [{}, {}])
    (remark,) = read_ensemble(tmp_path / "two.extxyz").remarks
    assert re.match(r"Left out: two\.extxyz, frame 2: .* 2 separate molecules \(8, 1 atoms\)", remark)


def test_element_outside_the_training_data_is_named():
    molecule = from_sequence("C")
    sulfur = int(np.flatnonzero(molecule.atomic_numbers == 16)[0])
    check_elements(molecule, [1, 6, 7, 8, 16], "big")
    with pytest.raises(InputError, match=rf"atom {sulfur + 1} \(S{sulfur + 1}\) is S, but .* was trained on H C N O"):
        check_elements(molecule, [1, 6, 7, 8], "small")
