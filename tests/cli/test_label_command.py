"""`label` of a dataset: leave out forces, make them again, and errors that it finds before it computes."""

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.emt import EMT

from explorer.dataset.dataset import MoleculeData, load_dataset, save_dataset

REFERENCE = "ase:ase.calculators.emt:EMT"


@pytest.fixture
def whole(tmp_path):
    generator = np.random.default_rng(0)
    positions = np.array([[0, 0, 0], [0, 0.76, -0.6], [0, -0.76, -0.6]]) + 0.03 * generator.normal(size=(5, 3, 3))
    data = MoleculeData(
        atomic_numbers=np.array([8, 1, 1]),
        bonds=np.array([[0, 1], [0, 2]]),
        total_charge=0,
        positions=positions,
        energy=np.zeros(5),
        forces=np.zeros((5, 3, 3)),
        conformer=np.array(["a", "a", "b", "b", "b"]),
        stage=np.array(["scan"] * 5),
        split=np.array(["train", "train", "test", "test", "test"]),
    )
    save_dataset(tmp_path / "whole.npz", {"water": data}, {"reference": REFERENCE, "failures": []})
    return tmp_path / "whole.npz"


def test_forces_are_left_out_and_made_again(pes_explore, whole, tmp_path):
    compact, full = tmp_path / "compact.npz", tmp_path / "full.npz"
    code, out, err = pes_explore("label", whole, "--without-forces", "--out", compact)
    assert (code, out) == (0, f"{compact}\n")
    assert "without forces" in err
    code, out, err = pes_explore("label", compact, "--reference", REFERENCE, "--processes", 1, "--out", full)
    assert code == 0
    assert out.split() == ["molecules", "1", "frames", "5", str(full)]
    assert "frames" in err
    water = load_dataset(full)["water"]
    assert water.split.tolist() == ["train", "train", "test", "test", "test"]
    atoms = Atoms("OH2", positions=water.positions[3].astype(float), calculator=EMT())
    assert water.energy[3] == pytest.approx(atoms.get_potential_energy())


def test_training_tells_how_forces_are_made(pes_explore, whole, tmp_path):
    compact = tmp_path / "compact.npz"
    pes_explore("label", whole, "--without-forces", "--out", compact)
    for command in (
        ("train", compact, "--out", tmp_path / "model"),
        ("label", compact, "--without-forces", "--out", "x.npz"),
    ):
        code, out, err = pes_explore(*command)
        assert (code, out) == (1, "")
        assert f"has no forces. Make them with pes-explore label {compact} --reference {REFERENCE}" in err
    assert not (tmp_path / "model" / "compact.npz").exists()


def test_wrong_files_are_refused(pes_explore, whole, tmp_path):
    code, _, err = pes_explore("label", whole, "--without-forces", "--out", tmp_path / "x.extxyz")
    assert code == 2
    assert "writes a dataset, FILE.npz, received x.extxyz" in err
    (tmp_path / "a.extxyz").write_text("1\n\nH 0 0 0\n")
    code, _, err = pes_explore("label", tmp_path / "a.extxyz", "--reference", REFERENCE, "--out", tmp_path / "y.npz")
    assert code == 1
    assert "a.extxyz is not a dataset" in err
    code, _, err = pes_explore("label", whole, "--reference", REFERENCE, "--out", whole)
    assert code == 1
    assert "would be overwritten" in err
