"""Molecules read from files: bonds, orders and charges agree with RDKit; atom order and positions are unchanged."""

from pathlib import Path

import numpy as np
import pytest
from ase.io import read as ase_read
from rdkit import Chem

from explorer.errors import InputError
from explorer.io.build import from_sequence, from_smiles, to_rdkit
from explorer.io.ensemble import read_ensemble
from explorer.io.read import read_molecule
from explorer.io.sequence import peptide_smiles
from explorer.io.source import load_molecule
from explorer.io.write import write_extxyz, write_sdf
from explorer.records.molecule import Molecule

PEPTIDES = Path(__file__).resolve().parents[2] / "data" / "peptides"


def write_plain(path, molecule: Molecule, comment: str = ""):
    write_extxyz(path, molecule, [molecule.positions], [{}])
    lines = path.read_text().splitlines()
    lines[1] = comment
    path.write_text("\n".join(lines) + "\n")
    return path


def smiles(molecule: Molecule) -> str:
    return Chem.MolToSmiles(Chem.RemoveHs(to_rdkit(molecule)))


BUILT = {
    "ethanol": lambda: from_smiles("CCO"),
    "ac-ala3-nhme": lambda: from_sequence("AAA"),
    "zwitterion": lambda: from_sequence("AGA", caps="none"),
    "protonated": lambda: from_smiles("[NH3+]CC(=O)NC"),
    "charged side chains": lambda: from_sequence("KRDE"),
    "aromatic side chains": lambda: from_sequence("HFWY"),
    "the other residues": lambda: from_sequence("CGILMNPQSTV"),
    "imidazolium": lambda: from_smiles("Cc1c[nH+]c[nH]1"),
    "nitrile and alkyne": lambda: from_smiles("N#CCC#C/C=C/C"),
    "nitro": lambda: from_smiles("Cc1ccc([N+](=O)[O-])cc1"),
    "sulfonamide": lambda: from_smiles("CS(=O)(=O)Nc1ccccc1"),
    "phosphate": lambda: from_smiles("COP(=O)([O-])[O-]"),
    "indolizine": lambda: from_smiles("c1ccn2cccc2c1"),
}


@pytest.mark.parametrize("name", BUILT)
def test_perceived_molecule_is_the_built_one(name, tmp_path):
    built = BUILT[name]()
    found = read_molecule(write_plain(tmp_path / "m.xyz", built))
    np.testing.assert_array_equal(found.bonds, built.bonds)
    assert smiles(found) == smiles(built)
    assert found.total_charge == built.total_charge
    np.testing.assert_array_equal(found.atomic_numbers, built.atomic_numbers)
    np.testing.assert_allclose(found.positions, built.positions, atol=1e-8)


@pytest.mark.parametrize("seed", range(5))
def test_perception_survives_thermal_noise(seed, tmp_path):
    built = from_sequence("KHD", seed=seed)
    noise = np.random.default_rng(seed).normal(0, 0.05, built.positions.shape)
    path = tmp_path / "m.xyz"
    write_extxyz(path, built, [built.positions + noise], [{}])
    assert smiles(read_molecule(path)) == smiles(built)


def test_ambiguous_anion_needs_the_charge(tmp_path):
    path = write_plain(tmp_path / "m.xyz", from_smiles("Cc1ccc([O-])cc1"))
    with pytest.raises(InputError, match=r"atom 6 \(O6, line 8\) lacks a hydrogen or is charged.*--charge -1"):
        read_molecule(path)
    assert read_molecule(path, charge=-1).total_charge == -1
    write_plain(path, from_smiles("Cc1ccc([O-])cc1"), "charge=-1")
    assert read_molecule(path).total_charge == -1


def test_unusual_cation_is_perceived_with_its_charge(tmp_path):
    path = write_plain(tmp_path / "m.xyz", from_smiles("C[C+](C)C"))
    with pytest.raises(InputError, match=r"atom 2 \(C2, line 4\) lacks a hydrogen"):
        read_molecule(path)
    molecule = read_molecule(path, charge=1)
    assert molecule.total_charge == molecule.formal_charges.sum() == 1


def test_wrong_charge_is_refused(tmp_path):
    path = write_plain(tmp_path / "m.xyz", from_smiles("CCO"))
    with pytest.raises(InputError, match="imply a charge of 0, but 1 was given"):
        read_molecule(path, charge=1)
    with pytest.raises(InputError, match=r"26 electrons \(charge 0\) cannot have multiplicity 2"):
        read_molecule(path, multiplicity=2)


def test_multiplicity_0_is_refused_and_not_taken_as_unknown(tmp_path):
    for multiplicity, comment in ((0, ""), (None, "multiplicity=0")):
        path = write_plain(tmp_path / "m.xyz", from_smiles("C"), comment)
        with pytest.raises(InputError, match=r"10 electrons \(charge 0\) cannot have multiplicity 0"):
            read_molecule(path, multiplicity=multiplicity)


def test_charge_and_multiplicity_of_the_comment_are_kept(tmp_path):
    path = write_plain(tmp_path / "m.extxyz", from_smiles("[NH3+]CC"), 'charge=1.0 multiplicity=3 note="x"')
    molecule = read_molecule(path)
    assert (molecule.total_charge, molecule.multiplicity) == (1, 3)


def test_extxyz_is_read_back_by_ase_and_by_this_program(tmp_path):
    molecule = from_sequence("A")
    frames = [molecule.positions, molecule.positions + 0.01]
    infos = [
        {"id": 0, "energy": -1.25, "class": "intact", "reason": ""},
        {"id": 1, "energy": 2.0, "class": "cis-amide", "reason": "C5-N6 cis (3 deg)"},
    ]
    path = tmp_path / "minima.extxyz"
    write_extxyz(path, molecule, frames, infos)
    by_ase = ase_read(path, ":")
    by_us = read_ensemble(path).molecules
    for atoms, mine, positions, info in zip(by_ase, by_us, frames, infos, strict=True):
        np.testing.assert_allclose(atoms.positions, positions, atol=1e-8)
        np.testing.assert_array_equal(atoms.positions, mine.positions)
        assert atoms.get_potential_energy() == info["energy"]
        assert (atoms.info["id"], atoms.info["class"], atoms.info["charge"]) == (info["id"], info["class"], 0)
    assert by_ase[1].info["reason"] == infos[1]["reason"]
    assert "reason" not in by_ase[0].info


def test_sdf_round_trip_keeps_bonds_charges_and_fields(tmp_path):
    molecule = from_sequence("KD", caps="none")
    path = tmp_path / "minima.sdf"
    write_sdf(path, molecule, [molecule.positions, molecule.positions + 1], [{"energy": -1.5}, {"energy": 2.0}])
    first, second = read_ensemble(path).molecules
    for found in (first, second):
        np.testing.assert_array_equal(found.bonds, molecule.bonds)
        np.testing.assert_array_equal(found.formal_charges, molecule.formal_charges)
    np.testing.assert_allclose(second.positions - first.positions, 1, atol=2e-4)
    fields = [mol.GetProp("energy_eV") for mol in Chem.SDMolSupplier(str(path), removeHs=False)]
    assert fields == ["-1.5", "2.0"]


def test_sdf_bonds_are_those_of_the_file_not_of_the_distances(tmp_path):
    molecule = from_smiles("CCO")
    stretched = molecule.positions * 1.6
    write_sdf(tmp_path / "m.sdf", molecule, [stretched], [{}])
    np.testing.assert_array_equal(read_molecule(tmp_path / "m.sdf").bonds, molecule.bonds)


def test_shipped_peptides_are_the_sequences_they_name():
    for name, sequence in (("ac-ala-nhme", "A"), ("ac-ala3-nhme", "AAA"), ("ac-ggf-nhme", "GGF")):
        path = PEPTIDES / f"{name}.pdb"
        molecule = read_molecule(path)
        assert smiles(molecule) == smiles(from_sequence(sequence))
        assert len(molecule.bonds) == len(from_sequence(sequence).bonds)
        np.testing.assert_array_equal(molecule.positions, ase_read(path).positions)
        np.testing.assert_array_equal(molecule.atomic_numbers, ase_read(path).numbers)
        assert molecule.name == name
        residue = "GLY2" if "G" in sequence else "ALA2"
        assert molecule.atom_names[6:8] == (f"{residue}:N", f"{residue}:CA")


def test_noble_gas_cluster_has_no_bonds(tmp_path):
    path = tmp_path / "lj.xyz"
    path.write_text("3\n\nAr 0 0 0\nAr 1.1 0 0\nAr 0 1.1 0\n")
    molecule = read_molecule(path)
    assert molecule.n_atoms == 3
    assert molecule.bonds.shape == (0, 2)


def test_exactly_one_source_is_required():
    assert load_molecule(sequence="AG", caps="none").total_charge == 0
    assert load_molecule(smiles="CC[NH3+]", charge=1).total_charge == 1
    assert load_molecule(str(PEPTIDES / "ac-ala-nhme.pdb")).n_atoms == 22
    for arguments in ({}, {"smiles": "C", "sequence": "A"}):
        with pytest.raises(InputError, match="Pass exactly one"):
            load_molecule(**arguments)
    with pytest.raises(InputError, match="has charge 0, but received --charge 1"):
        load_molecule(smiles="CCO", charge=1)


USER_FILES = {
    "ace_ala_nme_spice.pdb": (22, 0),
    "ala_ala_ala_zwitterion_openmm.pdb": (33, 0),
    "alanine_dipeptide_openmm.pdb": (22, 0),
    "capped_ala_ala_spice.pdb": (32, 0),
    "chignolin_torchmdnet.pdb": (166, -2),
    "tetrapeptide_openmm.pdb": (60, -2),
    "trpcage_AI2BMD.pdb": (281, -1),
}


@pytest.mark.parametrize("file", USER_FILES)
def test_pdb_files_as_users_have_them_keep_order_and_positions(reference_data, file):
    path = reference_data / "peptides" / file
    molecule = read_molecule(path)
    by_rdkit = Chem.MolFromPDBFile(str(path), sanitize=False, removeHs=False, proximityBonding=False)
    assert (molecule.n_atoms, molecule.total_charge) == USER_FILES[file]
    np.testing.assert_array_equal(molecule.atomic_numbers, [a.GetAtomicNum() for a in by_rdkit.GetAtoms()])
    np.testing.assert_array_equal(molecule.positions, by_rdkit.GetConformer().GetPositions())


def test_polyalanine_from_xyz_is_the_sequence(reference_data):
    molecule = read_molecule(reference_data / "peptides" / "ala15_folded_so3lr.xyz")
    assert smiles(molecule) == Chem.CanonSmiles(peptide_smiles("A" * 15))


@pytest.mark.parametrize(
    ("file", "expected"),
    [("FGG55", "N[C@@H](Cc1ccccc1)C(=O)NCC(=O)NCC(=O)O"), ("WG01", "N[C@@H](Cc1c[nH]c2ccccc12)C(=O)NCC(=O)O")],
)
def test_ensembles_are_one_molecule_throughout(reference_data, file, expected):
    path = reference_data / "crest" / f"{file}.extxyz"
    molecules = read_ensemble(path).molecules
    assert len(molecules) == len(ase_read(path, ":"))
    assert {smiles(molecule) for molecule in molecules} == {Chem.CanonSmiles(expected)}
