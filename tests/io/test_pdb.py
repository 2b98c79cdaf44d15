"""PDB files against ASE's reader, and element rules on hand-made lines."""

import re
from pathlib import Path

import numpy as np
import pytest
from ase.io import read

from explorer.errors import InputError
from explorer.io.pdb import parse_pdb

PEPTIDES = Path(__file__).resolve().parents[2] / "data" / "peptides"


def line(atom: str, residue: str, element: str = "", record: str = "ATOM", x: float = 0.0, location: str = " ") -> str:
    """One coordinate line; `atom` fills columns 13 to 16."""
    return (
        f"{record:<6}{1:5d} {atom:<4}{location}{residue:>3}{' ' * (4 - max(3, len(residue)))}A   1    "
        f"{x:8.3f}{1.0:8.3f}{2.0:8.3f}  1.00  0.00          {element:>2}\n"
    )


@pytest.mark.parametrize("name", ["ac-ala-nhme", "ac-ggf-nhme"])
def test_atoms_are_those_of_ase(name):
    path = PEPTIDES / f"{name}.pdb"
    (structure,) = parse_pdb(path.read_text(), path.name)
    atoms = read(path)
    np.testing.assert_array_equal(structure.atomic_numbers, atoms.numbers)
    np.testing.assert_array_equal(structure.positions, atoms.positions)
    columns = (atoms.arrays[key] for key in ("residuenames", "residuenumbers", "atomtypes"))
    expected = [f"{residue.strip()}{number}:{atom.strip()}" for residue, number, atom in zip(*columns, strict=True)]
    assert list(structure.atom_names) == expected


@pytest.mark.parametrize(
    ("atom", "residue", "element", "number"),
    [
        (" CA ", "ALA", "", 6),  # alpha carbon
        ("CA  ", "ALA", "", 6),  # the same in shifted columns
        ("CA  ", " CA", "", 20),  # a calcium ion
        ("CL  ", " CL", "", 17),
        ("1HB ", "ALA", "", 1),
        ("HG11", "VAL", "", 1),
        ("HG  ", "SER", "", 1),  # not mercury
        (" CA ", "ALA", "N", 6),  # names of amino acids are known better than segment names in the column
        (" X1 ", "LIG", "N", 7),  # elsewhere the element column takes precedence
        ("HG11", "DVA", "", 1),  # D residues and ends of chains are amino acids too
        ("HG11", "XYZ", "", 1),
        ("CA  ", "NVAL", "", 6),
        ("SE  ", "MSE", "", 34),
        (" CB ", "ALA", "1", 6),  # a serial number of the old format
        ("FE  ", "HEM", "", 26),
        (" D  ", "XXX", "CL", 17),
    ],
)
def test_element_of_a_line(atom, residue, element, number):
    (structure,) = parse_pdb(line(atom, residue, element), "x.pdb")
    assert structure.atomic_numbers.tolist() == [number]


def test_models_are_separate_structures_with_titles_and_lines():
    text = (
        "MODEL 1\n"
        + line(" C  ", "UNK", "C", "HETATM")
        + "ENDMDL\nMODEL 2\n"
        + line(" C  ", "UNK", "C", x=4.0)
        + "ENDMDL\n"
    )
    first, second = parse_pdb(text, "x.pdb")
    assert (first.title, second.title) == ("x.pdb", "x.pdb, model 2")
    assert (first.lines, second.lines) == ((2,), (5,))
    assert second.positions.tolist() == [[4.0, 1.0, 2.0]]
    assert second.where(0) == "atom 1 (UNK1:C, line 5)"


def test_alternate_location_is_refused_and_a_single_one_is_not():
    single = line(" CB ", "ALA", "C", location="A")
    assert len(parse_pdb(single, "x.pdb")) == 1
    (error,) = parse_pdb(single + line(" CB ", "ALA", "C", location="B"), "x.pdb")
    assert re.match(r"x\.pdb, line 2: .*'A' and 'B'", str(error))


def test_models_separated_by_end_are_structures_and_a_bad_one_is_an_error():
    text = line(" C  ", "UNK", "C") + "END\n" + line(" C  ", "UNK", "²") + "END\n" + line(" D  ", "UNK", "D") + "END"
    first, second, third = parse_pdb(text, "x.pdb")
    assert first.atomic_numbers.tolist() == [6]
    assert isinstance(second, InputError)
    assert (third.atomic_numbers.tolist(), third.isotopes.tolist()) == ([1], [2])


@pytest.mark.parametrize("columns", ["1XYZ 100", "    PROA", "      A ", "      10"])
def test_other_content_of_the_element_columns_is_passed_over(columns):
    text = line(" HA ", "ALA")[:66] + "      " + columns + "\n"
    (structure,) = parse_pdb(text, "x.pdb")
    assert structure.atomic_numbers.tolist() == [1]


@pytest.mark.parametrize("angles", ["  30.00  30.00 150.00", "  90.00  90.00  90.00", "  60.00  60.00 120.00"])
def test_cell_is_said_to_be_ignored_even_if_its_angles_are_impossible(angles):
    (structure,) = parse_pdb(f"CRYST1   40.000   40.000   40.000{angles} P 1\n" + line(" C  ", "UNK", "C"), "x.pdb")
    assert structure.remarks == ("The periodic cell is ignored: the molecule is computed alone.",)


@pytest.mark.parametrize(
    ("fields", "total"), [(("2-", "1+"), -1), (("1-", "1-"), -2), (("  ", "+1"), 1), (("0 ", ""), 0)]
)
def test_formal_charges_of_atoms_add_up(fields, total):
    rows = [line(" N  ", "ALA", "N", x=3.0 * k).rstrip("\n") + field + "\n" for k, field in enumerate(fields)]
    (structure,) = parse_pdb("".join(rows), "x.pdb")
    assert structure.sum_of_formal_charges == total


@pytest.mark.parametrize("field", ["", "  ", "A1"])
def test_no_formal_charges_are_none(field):
    (structure,) = parse_pdb(line(" N  ", "ALA", "N").rstrip("\n") + field + "\n", "x.pdb")
    assert structure.sum_of_formal_charges is None
