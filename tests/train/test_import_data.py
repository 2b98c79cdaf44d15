"""Training data of other formats become a dataset of this project, and are converted once."""

import numpy as np
import pytest

from explorer.dataset.dataset import load_dataset, load_meta
from explorer.errors import InputError
from explorer.train.import_data import as_own_dataset

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
