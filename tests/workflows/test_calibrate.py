"""Calibration of a committee of two networks on frames with known errors, and its way into a run."""

import numpy as np
import pytest
from random_network import random_parameters

from explorer.dataset.dataset import MoleculeData, save_dataset
from explorer.errors import ConfigError, InputError
from explorer.io.build import from_smiles
from explorer.potential.checkpoint import save_checkpoint
from explorer.potential.hyperparameters import Hyperparameters
from explorer.potential.load import read_networks
from explorer.uncertainty.assessor import load_assessor
from explorer.workflows.calibrate import calibrate_model

HP = Hyperparameters(
    n_features=8,
    n_heads=2,
    degrees=(1,),
    n_layers=1,
    n_radial=4,
    radial_filter="linear",
    charge_spin_embedding=False,
    trained_elements=(1, 8),
    atomic_energies=(0.0, 0.0),
)
WATER = from_smiles("O")


def save_frames(path, n: int, molecule=WATER) -> None:
    """Frames that are displaced more and more, without forces: the error is that of the mean force."""
    rng = np.random.default_rng(0)
    width = np.linspace(0.01, 0.2, n)[:, None, None]
    positions = molecule.positions + rng.normal(0, 1, (n, molecule.n_atoms, 3)) * width
    data = MoleculeData(
        atomic_numbers=molecule.atomic_numbers,
        bonds=molecule.bonds,
        total_charge=0,
        positions=positions.astype(np.float32),
        energy=np.zeros(n),
        forces=np.zeros(positions.shape, np.float32),
        conformer=np.array([f"block-{k % 8}" for k in range(n)]),
        stage=np.full(n, "dynamics-300"),
        split=np.full(n, "test"),
    )
    save_dataset(path, {"water": data}, {})


@pytest.fixture
def committee(tmp_path, monkeypatch):
    monkeypatch.setenv("PES_EXPLORE_MODELS", str(tmp_path / "imported"))
    for seed in range(2):
        save_checkpoint(tmp_path / str(seed), HP, random_parameters(HP, seed))
    return f"{tmp_path / '0'},{tmp_path / '1'}"


def test_a_committee_gets_a_calibration_that_runs_find(committee, tmp_path):
    save_frames(tmp_path / "data.npz", 64)
    assert load_assessor(read_networks(committee).folder) is None
    made = calibrate_model(committee, tmp_path / "data.npz")
    assert made.n_members == 2
    assert made.calibration.n_frames == 32  # every other block stands for the training data
    assert made.folder.is_relative_to(tmp_path / "imported")
    found = load_assessor(read_networks(committee).folder)
    assert found is not None
    assert found.calibration == made.calibration
    assert found.calibration.slope_spread != 0  # the spread of the two networks enters
    assert set(found.support.clouds) == {1, 8}


def test_unsuitable_data_are_refused_before_anything_is_written(committee, tmp_path):
    save_frames(tmp_path / "few.npz", 16)
    with pytest.raises(ConfigError, match="at least 20 held-out frames, received 8"):
        calibrate_model(committee, tmp_path / "few.npz")
    save_frames(tmp_path / "other.npz", 64, from_smiles("C"))
    with pytest.raises(InputError, match=r"atomic numbers \[6\]"):
        calibrate_model(committee, tmp_path / "other.npz")
    assert not (tmp_path / "imported").exists()
