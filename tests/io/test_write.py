"""Files that are written are read by ASE and RDKit with all values."""

import math
from dataclasses import replace

import ase.io
import numpy as np
import pytest
from rdkit import Chem

from explorer.errors import InputError
from explorer.io.build import from_smiles
from explorer.io.ensemble import read_ensemble
from explorer.io.read import read_molecule
from explorer.io.write import structure_writer, write_extxyz, write_sdf

GLYCINE = from_smiles("[NH3+]CC(=O)[O-]")
ION = from_smiles("[NH3+]C")


def test_ase_reads_values_of_all_types(tmp_path):
    info = {
        "id": np.int64(3),
        "energy": np.float64(-0.1),
        "accepted": True,
        "rejected": np.bool_(False),
        "text": "two words",
        "braces": "{a=1, [2]}",
        "quoted": 'say "no"',
        "omitted": "",
    }
    write_extxyz(tmp_path / "x.extxyz", ION, [ION.positions], [info])
    atoms = ase.io.read(tmp_path / "x.extxyz")
    assert atoms.get_potential_energy() == -0.1
    assert (atoms.info["id"], atoms.info["accepted"], atoms.info["rejected"]) == (3, True, False)
    assert (atoms.info["text"], atoms.info["braces"], atoms.info["quoted"]) == ("two words", "{a=1, [2]}", "say 'no'")
    assert (atoms.info["charge"], atoms.info["multiplicity"]) == (1, 1)
    assert "omitted" not in atoms.info
    assert not atoms.pbc.any()


def test_ase_reads_positions_and_charges_of_all_frames(tmp_path):
    rng = np.random.default_rng(0)
    positions = [rng.normal(size=(GLYCINE.n_atoms, 3)) for _ in range(3)]
    charges = [rng.normal(size=GLYCINE.n_atoms) for _ in range(3)]
    write_extxyz(tmp_path / "x.extxyz", GLYCINE, positions, [{}] * 3, charges)
    frames = ase.io.read(tmp_path / "x.extxyz", ":")
    assert len(frames) == 3
    for atoms, x, q in zip(frames, positions, charges, strict=True):
        np.testing.assert_allclose(atoms.positions, x, atol=1e-8)
        np.testing.assert_allclose(atoms.get_charges(), q, atol=1e-8)
        np.testing.assert_array_equal(atoms.numbers, GLYCINE.atomic_numbers)


def test_rdkit_reads_bonds_charges_and_fields(tmp_path):
    write_sdf(tmp_path / "x.sdf", GLYCINE, [GLYCINE.positions] * 2, [{"id": 1}, {"id": 2, "note": "a b"}])
    first, second = Chem.SDMolSupplier(str(tmp_path / "x.sdf"), removeHs=False)
    assert Chem.MolToSmiles(Chem.RemoveHs(first)) == Chem.CanonSmiles("[NH3+]CC(=O)[O-]")
    assert (first.GetIntProp("id"), second.GetIntProp("id"), second.GetProp("note")) == (1, 2, "a b")
    assert first.GetProp("_Name") == GLYCINE.name
    np.testing.assert_allclose(first.GetConformer().GetPositions(), GLYCINE.positions, atol=1e-4)


def test_units_are_in_the_names_of_sdf_fields_and_infinite_values_are_left_out(tmp_path):
    write_sdf(
        tmp_path / "x.sdf", GLYCINE, [GLYCINE.positions], [{"energy": -1.5, "fmax": 0.1, "upper_bound": math.inf}]
    )
    (mol,) = Chem.SDMolSupplier(str(tmp_path / "x.sdf"), removeHs=False)
    assert mol.GetPropsAsDict() == {"energy_eV": -1.5, "fmax_eV_per_A": 0.1}
    assert read_ensemble(tmp_path / "x.sdf").energies.tolist() == [-1.5]


def test_structure_with_unusual_valences_is_written_as_it_is(tmp_path):
    methane = from_smiles("C")
    crowded = replace(methane, bonds=np.array([[0, 1], [0, 2], [0, 3], [0, 4], [1, 2]]), bond_orders=np.ones(5))
    write_sdf(tmp_path / "x.sdf", crowded, [methane.positions], [{}])
    mol = Chem.MolFromMolFile(str(tmp_path / "x.sdf"), removeHs=False, sanitize=False)
    assert mol.GetNumBonds() == 5


@pytest.mark.parametrize("suffix", [".extxyz", ".sdf"])
def test_isotopes_are_written_and_read_back(tmp_path, suffix):
    molecule = from_smiles("[2H]C([13CH3])=O")
    path = tmp_path / f"x{suffix}"
    structure_writer(path)([molecule], [molecule.positions], [{}])
    np.testing.assert_array_equal(read_molecule(path).isotopes, molecule.isotopes)
    if suffix == ".extxyz":
        np.testing.assert_allclose(ase.io.read(path).get_masses(), molecule.masses)


@pytest.mark.parametrize("suffix", [".extxyz", ".xyz", ".sdf", ".SDF"])
def test_suffix_selects_the_writer_and_molecules_may_differ(tmp_path, suffix):
    path = tmp_path / f"x{suffix}"
    structure_writer(path)([GLYCINE, ION], [GLYCINE.positions, ION.positions], [{}, {}])
    if suffix.lower() == ".sdf":
        sizes = [mol.GetNumAtoms() for mol in Chem.SDMolSupplier(str(path), removeHs=False)]
    else:
        sizes = [len(atoms) for atoms in ase.io.read(path, ":", format="extxyz")]
    assert sizes == [GLYCINE.n_atoms, ION.n_atoms]


def test_unknown_suffix_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"ending in \.extxyz, \.xyz, \.sdf was expected, received x\.pdb"):
        structure_writer(tmp_path / "x.pdb")
