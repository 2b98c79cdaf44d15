"""XYZ files written by ASE, and comment lines written by hand."""

import io

import ase.io
import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule
from ase.calculators.singlepoint import SinglePointCalculator

from explorer.errors import InputError
from explorer.io.xyz import parse_xyz


def written_by_ase(frames: list[Atoms], file_format: str) -> str:
    stream = io.StringIO()
    ase.io.write(stream, frames, format=file_format)
    return stream.getvalue()


@pytest.mark.parametrize("file_format", ["xyz", "extxyz"])
def test_frames_are_those_that_ase_wrote(file_format):
    frames = [molecule("CH3CH2OH"), molecule("C6H6")]
    structures = parse_xyz(written_by_ase(frames, file_format), "x.xyz")
    assert [structure.title for structure in structures] == ["x.xyz", "x.xyz, frame 2"]
    for structure, atoms in zip(structures, frames, strict=True):
        np.testing.assert_array_equal(structure.atomic_numbers, atoms.numbers)
        np.testing.assert_allclose(structure.positions, atoms.positions, atol=1e-8)
    assert structures[0].atom_names[:2] == ("C1", "C2")
    assert structures[1].lines[0] == len(frames[0]) + 5  # two header lines per frame


def test_energy_and_charge_of_ase_are_read():
    atoms = molecule("H2O")
    atoms.calc = SinglePointCalculator(atoms, energy=-12.25)
    atoms.info["charge"] = 1
    (structure,) = parse_xyz(written_by_ase([atoms], "extxyz"), "x.xyz")
    assert (structure.energy, structure.charge, structure.multiplicity) == (-12.25, 1, None)


@pytest.mark.parametrize(
    ("comment", "charge", "multiplicity", "energy"),
    [
        ("", None, None, None),
        ("charge=-1 energy=-1.5e-3 eV", -1, None, -1.5e-3),
        ('total_charge="2" spin_multiplicity=3', 2, 3, None),
        ("Charge = +1.0 MULTIPLICITY=2", 1, 2, None),
        ("free_energy=3.0 charges=4 discharge=5", None, None, None),
        ("charge=-1, multiplicity=1; energy=-1.5 eV", -1, 1, -1.5),
        ("charge='-1',multiplicity: 3", -1, 3, None),
        ("Charge: 1 charge=1", 1, None, None),
    ],
)
def test_keys_of_the_comment_line(comment, charge, multiplicity, energy):
    (structure,) = parse_xyz(f"1\n{comment}\nHe 0 0 0\n", "x.xyz")
    assert (structure.charge, structure.multiplicity, structure.energy) == (charge, multiplicity, energy)


@pytest.mark.parametrize(
    ("properties", "row"),
    [
        ("species:S:1:pos:R:3", "O 1 2 3"),
        ("pos:R:3:species:S:1", "1 2 3 O"),
        ("id:I:1:forces:R:3:Z:I:1:pos:R:3", "7 9 9 9 8 1 2 3"),
        ("species:S:1:pos:R:3:magmoms:R:1", "o 1 2 3 0.5"),
    ],
)
def test_columns_follow_the_properties(properties, row):
    (structure,) = parse_xyz(f"1\nProperties={properties}\n{row}\n", "x.xyz")
    assert structure.atomic_numbers.tolist() == [8]
    assert structure.positions.tolist() == [[1.0, 2.0, 3.0]]


def test_blank_lines_between_frames_are_skipped_and_errors_name_the_line():
    text = "1\n\nHe 0 0 0\n\n\n1\n\nHe 0 0 1\n"
    assert len(parse_xyz(text, "x.xyz")) == 2
    error = parse_xyz(text.replace("0 0 1", "0 0 nan"), "x.xyz")[1]
    assert isinstance(error, InputError)
    assert "x.xyz, line 8: three coordinates in Å were expected, received '0 0 nan'" in str(error)
    assert isinstance(parse_xyz(text.replace("0 0 1", "0 0 1e300"), "x.xyz")[1], InputError)


@pytest.mark.parametrize(
    "stated",
    [
        "charge=0.5",
        "charge=99999999999999999999",
        "charge=" + "9" * 400,
        "multiplicity=1e5",
        "charge=one",
        "charge=nan",
        "charge=\u22121",
        "charge= energy=1 eV",
        'charge=""',
        "charge=0 total_charge=1",
    ],
)
def test_charge_that_is_no_small_whole_number_is_refused(stated):
    (frame,) = parse_xyz(f"1\n{stated}\nHe 0 0 0\n", "x.xyz")
    assert "must be one whole number" in str(frame)
    assert len(str(frame)) < 200


@pytest.mark.parametrize("count", ["²", "9" * 500, "-3", "0", "1.0", "٣"])
def test_count_that_is_no_number_of_atoms_is_refused(count):
    (error,) = parse_xyz(f"{count}\n\nHe 0 0 0\n", "x.xyz")
    assert "the number of atoms was expected" in str(error)


def test_deuterium_and_masses_are_isotopes():
    (structure,) = parse_xyz("3\n\nO 0 0 0\nD 0 0 1\nH 0 1 0\n", "x.xyz")
    assert (structure.atomic_numbers.tolist(), structure.isotopes.tolist()) == ([8, 1, 1], [0, 2, 0])
    rows = "O 0 0 0 15.999\nH 0 0 1 2.014\nH 0 1 0 1.008\n"
    (structure,) = parse_xyz(f"3\nProperties=species:S:1:pos:R:3:masses:R:1\n{rows}", "x.xyz")
    assert structure.isotopes.tolist() == [0, 2, 0]


@pytest.mark.parametrize("mass", ["-5", "1e5", "nan", "heavy"])
def test_mass_that_no_atom_has_is_refused(mass):
    (error,) = parse_xyz(f"1\nProperties=species:S:1:pos:R:3:masses:R:1\nH 0 0 0 {mass}\n", "x.xyz")
    assert f"x.xyz, line 3: a mass between 0 and 500 amu was expected, received '{mass}'" in str(error)


def test_atoms_that_are_given_by_their_numbers_are_named_by_their_symbols():
    (structure,) = parse_xyz("2\n\n17 0 0 0\nh 0 0 1.3\n", "x.xyz")
    assert structure.atom_names == ("Cl1", "H2")


@pytest.mark.parametrize("lattice", ['"20,0,0,0,20,0,0,0,20"', "'20 0 0 0 20 0 0 0 20'", '" 20 0 0  0 20 0  0 0 20 "'])
def test_cell_is_read_in_any_spelling(lattice):
    (structure,) = parse_xyz(f"2\nLattice={lattice}\nH 0 0 0.5\nF 0 0 19.6\n", "x.xyz")
    assert "made whole" in structure.remarks[0]
    assert np.ptp(structure.positions[:, 2]) == pytest.approx(0.9)


@pytest.mark.parametrize("lattice", ['"20 20 20"', '"nan 0 0 0 20 0 0 0 20"', '""', '"a b c d e f g h i"'])
def test_cell_that_cannot_be_read_is_said_to_be_ignored(lattice):
    (structure,) = parse_xyz(f"1\nLattice={lattice}\nHe 0 0 0\n", "x.xyz")
    assert structure.remarks == ("The periodic cell is ignored: the molecule is computed alone.",)


@pytest.mark.parametrize(
    "lattice",
    ["3 0 0 0 3 0 0 0 3", "1000 0 0 0 1000 0 0 0 0.1", "90000 0 0 0 90000 0 0 0 0.001", "9e9 0 0 0 1 0 0 0 1"],
)
def test_cell_too_small_for_the_molecule_is_ignored_at_once(lattice):
    propane = molecule("C3H8")
    count, _, *rows = written_by_ase([propane], "xyz").split("\n")
    (structure,) = parse_xyz("\n".join([count, f'Lattice="{lattice}"', *rows]), "x.xyz")
    np.testing.assert_allclose(structure.positions, propane.positions, atol=1e-8)
    assert structure.remarks == ("The periodic cell is ignored: the molecule is computed alone.",)
