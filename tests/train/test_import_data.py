"""Training data of other formats become a dataset of this project, and are converted once."""

from dataclasses import replace

import numpy as np
import pytest
from random_network import random_parameters

from explorer.dataset.dataset import MoleculeData, file_digest, load_dataset, load_meta
from explorer.errors import InputError
from explorer.io.build import from_smiles
from explorer.potential.checkpoint import save_checkpoint
from explorer.potential.hyperparameters import Hyperparameters
from explorer.potential.load import load_potential
from explorer.train.import_data import as_own_dataset, keep_with_model
from explorer.train.settings import FitSettings
from explorer.train.sized_defaults import small_data_notes, with_sized_defaults

KCAL = 0.04336410390059322
NUMBERS = np.array([8, 1, 1])
WATER = np.array([[0.0, 0.0, 0.12], [0.0, 0.76, -0.48], [0.0, -0.76, -0.48]])


def write(path, n=24, **more):
    positions = WATER + 5 + 0.02 * np.random.default_rng(0).normal(size=(n, 3, 3))
    forces = np.random.default_rng(1).normal(size=(n, 3, 3))
    np.savez(path, R=positions, z=NUMBERS, E=np.full(n, -138 / KCAL), F=forces / KCAL, **more)
    return positions, forces


def test_data_are_converted_once_with_centred_positions_and_all_splits(tmp_path):
    positions, forces = write(tmp_path / "md17.npz")
    path, notes = as_own_dataset(tmp_path / "md17.npz", tmp_path / "model" / "data.npz", "kcal/mol")
    assert path == tmp_path / "model" / "data.npz"
    assert isinstance(notes, tuple)
    (water,) = load_dataset(path).values()
    np.testing.assert_allclose(water.positions, positions - positions.mean(axis=1, keepdims=True), atol=1e-12)
    np.testing.assert_allclose(water.forces, forces, atol=1e-9)
    np.testing.assert_allclose(water.energy, -138, atol=1e-9)
    assert set(water.split) == {"train", "validation", "test"}
    assert load_meta(path)["frames"] == {"H2O": 24}
    before = path.stat().st_mtime_ns
    assert as_own_dataset(tmp_path / "md17.npz", path, "kcal/mol")[0] == path
    assert path.stat().st_mtime_ns == before
    assert as_own_dataset(path, tmp_path / "other.npz") == (path, ())


def test_too_few_frames_and_unknown_units_are_refused(tmp_path):
    write(tmp_path / "few.npz", n=3)
    with pytest.raises(InputError, match="has 3 frames with energy and forces; at least 12"):
        as_own_dataset(tmp_path / "few.npz", tmp_path / "data.npz", "kcal/mol")
    write(tmp_path / "unsaid.npz")
    with pytest.raises(InputError, match="does not tell its unit of energy"):
        as_own_dataset(tmp_path / "unsaid.npz", tmp_path / "data.npz")
    assert not (tmp_path / "data.npz").exists()


def test_a_dataset_is_kept_beside_its_model_and_found_there(tmp_path):
    write(tmp_path / "md17.npz")
    data, _ = as_own_dataset(tmp_path / "md17.npz", tmp_path / "water.npz", "kcal/mol")
    kept = keep_with_model(data, tmp_path / "model")
    assert kept == tmp_path / "model" / "water.npz"
    assert kept.read_bytes() == data.read_bytes()
    assert keep_with_model(kept, tmp_path / "model") == kept
    hp = Hyperparameters(n_features=8, n_heads=2, degrees=(1,), n_layers=1, trained_elements=(1, 8))
    hp = replace(hp, training_data=f"water.npz {file_digest(kept)}")
    save_checkpoint(tmp_path / "model", hp, random_parameters(hp, 0))
    assert load_potential(str(tmp_path / "model"), from_smiles("O"))[1].training_data == kept


@pytest.mark.parametrize(
    ("n_frames", "passes"),
    # the training of every size sees 160,000 frames, or all frames three times, and its epochs are not too long
    [(420, 160_000 / 420), (1680, 160_000 / 1680), (31_600, 160_000 / 31_600), (71_000, 3)],
)
def test_default_epochs_follow_from_the_number_of_frames(n_frames, passes):
    data = MoleculeData(
        **{name: np.zeros(0) for name in MoleculeData.__dataclass_fields__ if name != "split"},
        split=np.full(n_frames, "train"),
    )
    hp, fit = with_sized_defaults({"water": data}, Hyperparameters(), FitSettings())
    seen = (fit.epochs + fit.decay_epochs) * (fit.epoch_frames or n_frames)
    assert seen == pytest.approx(passes * n_frames, rel=0.05)
    assert hp.n_members == 8
    assert (fit.epoch_frames or n_frames) <= 10_000
    assert bool(small_data_notes({"water": data})) == (n_frames < 500)
