"""Frames of the MD17 study: no test frame in the training set, one unit for both files."""

import ase.io
import numpy as np
import pytest
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from studies.md17 import load_frames

from explorer.errors import InputError
from explorer.units import KCAL_PER_MOL

NUMBERS = np.array([8, 1, 1])


@pytest.fixture
def files(tmp_path):
    """1100 frames with energies and forces that identify them; the first 100, rotated, are the test file."""
    rng = np.random.default_rng(0)
    positions = rng.normal(size=(1100, 3, 3))
    energy, forces = np.arange(1100.0), rng.normal(size=(1100, 3, 3))
    np.savez(tmp_path / "train.npz", R=positions, E=energy[:, None], F=forces, z=NUMBERS)
    frames = []
    for k in range(100):
        atoms = Atoms(NUMBERS, positions=positions[k] + 3)
        atoms.rotate(40, "x")
        atoms.info["REF_energy"] = energy[k] * 0.04336
        atoms.arrays["REF_forces"] = forces[k] * 0.04336
        atoms.calc = SinglePointCalculator(atoms)
        frames.append(atoms)
    ase.io.write(tmp_path / "test.extxyz", frames)
    return tmp_path / "train.npz", tmp_path / "test.extxyz"


def test_training_frames_are_not_test_frames(files):
    data = load_frames(*files)
    energy = {s: data.energy[data.split == s] / KCAL_PER_MOL for s in ("train", "validation", "test")}
    parts = [np.round(energy[s]).astype(int).tolist() for s in energy]
    assert (len(parts[0]), len(parts[1])) == (950, 50)
    assert set(parts[2]) == set(range(100)) - set(parts[0]) - set(parts[1])
    assert 0 < len(parts[2]) < 30  # 1000 of 1100 are drawn


def test_apart_no_test_frame_is_a_training_frame_and_energies_agree(files):
    data = load_frames(*files, apart=True)
    energy = {s: data.energy[data.split == s] / KCAL_PER_MOL for s in ("train", "validation", "test")}
    seen = np.concatenate([energy["train"], energy["validation"]])
    assert (len(energy["train"]), len(energy["validation"])) == (950, 50)
    np.testing.assert_allclose(np.sort(seen), np.arange(100, 1100), atol=1e-6)
    np.testing.assert_allclose(energy["test"], np.arange(100), atol=1e-6)


def test_too_few_other_frames_are_an_error(files, tmp_path):
    train, test = files
    with np.load(train) as archive:
        np.savez(tmp_path / "short.npz", **{k: archive[k] if k == "z" else archive[k][:1050] for k in archive.files})
    with pytest.raises(InputError, match="950 frames that are not in"):
        load_frames(tmp_path / "short.npz", test, apart=True)
