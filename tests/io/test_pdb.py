"""PDB files against ASE's reader, and element rules on hand-made lines."""

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
        f"{record:<6}{1:5d} {atom:<4}{location}{residue:>3} A   1    {x:8.3f}{1.0:8.3f}{2.0:8.3f}  1.00  0.00"
        f"          {element:>2}\n"
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
        (" CA ", "ALA", "N", 7),  # the element column takes precedence
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
    with pytest.raises(InputError, match=r"x\.pdb, line 2: .*'A' and 'B'"):
        parse_pdb(single + line(" CB ", "ALA", "C", location="B"), "x.pdb")
