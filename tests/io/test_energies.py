"""Energies with their units, as the programs of the field write them; a number of unknown unit is never taken as eV."""

import pytest
from ase import units

from explorer.io.energies import energy_of_comment, energy_of_fields

HARTREE, KCAL = units.Hartree, units.kcal / units.mol
EXTENDED = "Properties=species:S:1:pos:R:3"


@pytest.mark.parametrize(
    ("comment", "energy"),
    [
        ("Energy = -67.123456 Eh", -67.123456 * HARTREE),
        ("energy: -12.5 kcal/mol", -12.5 * KCAL),
        ("rmsd=3, energy [kJ/mol] = 41.84", 10 * KCAL),
        ("energy=-1.5 eV", -1.5),
        ("Energy -1.5 Eh", -1.5 * HARTREE),
        ("frame 3 energy -1.5 kJ/mol", -1.5 * KCAL / 4.184),
        ("energy_kcal=10", 10 * KCAL),
        ("energy=-40.1 energy_unit=Hartree", -40.1 * HARTREE),
        ("SCF energy=-1.0D+01 au", -10 * HARTREE),
        ("-12.25 kcal/mol", -12.25 * KCAL),
        ("        -40.10000000", -40.1 * HARTREE),  # CREST
        ("-38.12345678  !CONF1", -38.12345678 * HARTREE),  # CENSO
        (" energy: -5.070544440612 gnorm: 0.000057 xtb: 6.6.1 (8d0f1dd)", -5.070544440612 * HARTREE),  # xtb
        ("Coordinates from ORCA-job x E -76.123456", -76.123456 * HARTREE),
        (" i =        3, time =        1.500, E =       -17.1643447508", -17.1643447508 * HARTREE),  # CP2K
        (f"energy=-1.25 {EXTENDED} pbc='F F F'", -1.25),  # ASE
        (f"{EXTENDED} energy=-1.25 energy_unit=kcal/mol", -1.25 * KCAL),
    ],
)
def test_energies_are_converted_to_ev(comment, energy):
    found, remarks = energy_of_comment(comment)
    assert found == pytest.approx(energy, rel=1e-6)
    assert remarks == ()


@pytest.mark.parametrize(
    "comment", ["-30.1", "energy=-30.1", "Energy: -30.1 foo", "E = -3", "total energy = 5 # 3", "energy -30.1"]
)
def test_number_without_a_unit_is_reported(comment):
    found, (remark,) = energy_of_comment(comment)
    assert found is None
    assert "has no unit" in remark
    assert "energy=-30.1 Eh" in remark


@pytest.mark.parametrize("comment", ["", "Ac-Ala3-NHMe", f"{EXTENDED} free_energy=2.0", "charge=1", "frame 3", "1 2 3"])
def test_other_comments_have_no_energy(comment):
    assert energy_of_comment(comment) == (None, ())


def test_number_that_is_not_finite_is_no_energy():
    found, (remark,) = energy_of_comment("energy=1e999 eV")
    assert found is None
    assert "not finite" in remark


@pytest.mark.parametrize(
    ("fields", "energy"),
    [
        ({"id": "3", "energy_eV": "-1.5"}, -1.5),
        ({"total energy / Eh": " -1.0 "}, -HARTREE),  # xtb
        ({"Energy (kcal/mol)": "-4"}, -4 * KCAL),
        ({"Energy": "-3 kJ/mol"}, -3 * units.kJ / units.mol),
    ],
)
def test_data_fields_are_converted(fields, energy):
    assert energy_of_fields(fields) == (pytest.approx(energy, rel=1e-6), ())


def test_data_field_without_a_unit_is_reported():
    found, remarks = energy_of_fields({"Energy": "-3.0", "MMFF94 energy": "1"})
    assert found is None
    assert remarks == ("'Energy' has no unit and is not read. State it, such as energy=-30.1 Eh.",)


def test_long_comment_takes_no_time():
    assert energy_of_comment("energy " * 100_000) == (None, ())
    assert energy_of_comment("a_" * 500_000)[0] is None
