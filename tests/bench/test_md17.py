"""The MD17 script reads both files in one unit system and leaves a summary."""

import json

import ase.io
import numpy as np
import pytest

from explorer.bench import md17
from explorer.units import KCAL_PER_MOL


@pytest.fixture
def files(reference_data):
    folder = reference_data / "md17_ethanol"
    return folder / "ethanol.npz", folder / "md17_ethanol_test1000.extxyz"


def test_both_files_agree_in_their_units(files):
    data = md17.load_frames(*files)
    test = data.split == "test"
    assert [int((data.split == s).sum()) for s in ("train", "validation", "test")] == [950, 50, 1000]
    # the same dynamics: energies and forces are distributed alike, in eV and eV/Å
    assert data.energy[test].mean() == pytest.approx(data.energy[~test].mean(), abs=0.05)
    assert np.std(data.forces[test]) == pytest.approx(np.std(data.forces[~test]), rel=0.05)


def test_script_writes_summary_curve_and_checkpoint(files, tmp_path, monkeypatch):
    train, test = files
    frames = ase.io.read(test, index=":8")
    for atoms in frames:
        atoms.calc = None
    ase.io.write(tmp_path / "test.extxyz", frames)
    monkeypatch.setattr(md17, "N_TRAIN", 20)
    monkeypatch.setattr(md17, "N_VALIDATION", 10)
    arguments = ["--train", train, "--test", tmp_path / "test.extxyz", "--out", tmp_path / "out"]
    path = md17.main([*map(str, arguments), "--epochs", "1", "--features", "12"])
    summary = json.loads(path.read_text())
    assert summary["n_test"] == 8
    assert 1 < summary["force_mae_kcal_mol_angstrom"] < 1000 * KCAL_PER_MOL
    assert {p.name for p in (tmp_path / "out").iterdir()} >= {"summary.json", "learning_curve.svg", "checkpoint"}
