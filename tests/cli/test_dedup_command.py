"""Output of `dedup` in each format, its criteria, and its error messages."""

import ase.io
import numpy as np
import pytest
from rdkit import Chem

from explorer.io.build import embed, from_sequence, from_smiles, to_rdkit
from explorer.io.write import write_extxyz, write_sdf


@pytest.fixture
def ensemble():
    """Ac-Ala-NHMe: two conformers, two copies of each, energies in eV."""
    molecule = from_sequence("A")
    conformers = np.stack([molecule.positions, embed(to_rdkit(molecule), 1, seed=9)[0]])
    positions = [*conformers, *(conformers + 0.005 * np.random.default_rng(0).normal(size=conformers.shape))]
    return molecule, positions, [0.3, 0.1, 0.2999, 0.1001]


@pytest.mark.parametrize("suffix", ["extxyz", "sdf"])
def test_representatives_of_each_format_are_written_in_ascending_energy(pes_explore, tmp_path, ensemble, suffix):
    molecule, positions, energies = ensemble
    given, kept = tmp_path / f"given.{suffix}", tmp_path / "kept.extxyz"
    write = write_extxyz if suffix == "extxyz" else write_sdf
    name = "energy" if suffix == "extxyz" else "energy_eV"
    write(given, molecule, positions, [{name: e} for e in energies])
    code, out, _ = pes_explore("dedup", given, kept)
    assert code == 0
    assert "distinct         2" in out
    assert "energies within 0.00217 eV, RMSD within 0.125 Å" in out
    frames = ase.io.read(kept, index=":")
    assert [(f.info["id"], f.info["count"]) for f in frames] == [(1, 2), (2, 2)]
    assert [f.get_potential_energy() for f in frames] == pytest.approx([0.1, 0.2999])
    np.testing.assert_allclose(frames[0].positions, positions[1], atol=1e-3)


def test_ions_need_their_charge_and_keep_their_bond_orders(pes_explore, tmp_path):
    thiolate = from_smiles("CC(=O)N[C@@H](C[S-])C(=O)NC")
    given, kept = tmp_path / "given.xyz", tmp_path / "kept.sdf"
    write_extxyz(given, thiolate, [thiolate.positions] * 2, [{}] * 2)
    given.write_text(given.read_text().replace("charge=-1", ""))
    code, _, err = pes_explore("dedup", given, kept)
    assert code == 1
    assert "--charge -1" in err
    assert pes_explore("dedup", given, kept, "--charge", -1).code == 0
    (mol,) = Chem.SDMolSupplier(str(kept), removeHs=False)
    assert Chem.MolToSmiles(Chem.RemoveHs(mol)) == Chem.CanonSmiles("CC(=O)N[C@@H](C[S-])C(=O)NC")


def test_energies_of_some_structures_are_kept_in_the_output(pes_explore, tmp_path, ensemble):
    molecule, positions, _ = ensemble
    write_extxyz(tmp_path / "given.xyz", molecule, positions[:2], [{"energy": -1.5}, {}])
    assert pes_explore("dedup", tmp_path / "given.xyz", tmp_path / "kept.xyz").code == 0
    lines = (tmp_path / "kept.xyz").read_text().splitlines()
    assert "energy=-1.5" in lines[1]
    assert "energy" not in lines[molecule.n_atoms + 3]


def test_without_energies_only_the_geometry_is_compared(pes_explore, tmp_path, ensemble):
    molecule, positions, _ = ensemble
    write_extxyz(tmp_path / "given.xyz", molecule, positions, [{}] * 4)
    code, out, err = pes_explore("dedup", tmp_path / "given.xyz")
    assert code == 0
    assert "geometry alone" in out
    assert "renumbered" in err  # the second conformer was embedded by itself
    assert list(tmp_path.iterdir()) == [tmp_path / "given.xyz"]


def test_window_threshold_and_mirror_are_passed_on(pes_explore, tmp_path, ensemble):
    molecule, positions, energies = ensemble
    given = tmp_path / "given.extxyz"
    write_extxyz(given, molecule, [*positions, -positions[0]], [{"energy": e} for e in [*energies, 0.3]])
    for options, expected in (
        ((), 3),
        (("--mirror", "merge"), 2),
        (("--energy-window", 1e-5), 5),
        (("--rmsd", 1e-4), 5),
    ):
        assert f"distinct       {expected}" in pes_explore("dedup", given, *options).out


def test_dissociated_structures_are_compared_and_kept(pes_explore, tmp_path):
    molecule = from_smiles("CCO")
    broken = molecule.positions.copy()
    broken[-1] = broken[0] - 0.73 * (broken[1] - broken[0])  # the H of the hydroxyl is a fourth one of the methyl
    write_extxyz(tmp_path / "given.extxyz", molecule, [broken, molecule.positions, broken], [{}] * 3)
    code, out, _ = pes_explore("dedup", tmp_path / "given.extxyz", tmp_path / "kept.xyz")
    assert code == 0
    assert "bond graphs      2" in out
    assert [f.info["count"] for f in ase.io.read(tmp_path / "kept.xyz", index=":")] == [2, 1]
    assert pes_explore("dedup", tmp_path / "given.extxyz", tmp_path / "kept.sdf").code == 0
    mols = list(Chem.SDMolSupplier(str(tmp_path / "kept.sdf"), removeHs=False, sanitize=False))
    assert [mol.GetAtomWithIdx(0).GetDegree() for mol in mols] == [5, 4]


def test_existing_files_are_kept_unless_forced(pes_explore, tmp_path, ensemble):
    molecule, positions, _ = ensemble
    given, kept = tmp_path / "given.sdf", tmp_path / "kept.sdf"
    write_sdf(given, molecule, positions, [{}] * 4)
    kept.write_text("mine")
    code, out, err = pes_explore("dedup", given, kept)
    assert (code, out) == (1, "")
    assert "--force" in err
    assert kept.read_text() == "mine"
    assert pes_explore("dedup", given, kept, "--force").code == 0
    assert len(Chem.SDMolSupplier(str(kept))) == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["missing.xyz"], "No file"),
        (["given.gro"], "file ending in"),
        (["given.xyz", "kept.gro"], "Change the ending"),
        (["given.xyz", "--rmsd", "0"], "larger than 0"),
        (["given.xyz", "--energy-window", "-1"], "larger than 0"),
    ],
)
def test_user_errors_are_one_line(pes_explore, tmp_path, monkeypatch, arguments, said):
    monkeypatch.chdir(tmp_path)
    molecule = from_smiles("CCO")
    write_extxyz("given.xyz", molecule, [molecule.positions], [{}])
    code, out, err = pes_explore("dedup", *arguments)
    assert (code, out) == (1, "")
    assert said in err
    assert err.count("\n") == 1


def test_unknown_value_of_mirror_is_wrong_usage(pes_explore):
    assert pes_explore("dedup", "given.xyz", "--mirror", "perhaps").code == 2
