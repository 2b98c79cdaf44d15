"""Arguments and output of `train`, and errors that it finds before the training."""

from types import SimpleNamespace

import pytest
from fixed_network import FIXED_NETWORK

import explorer.dataset.dataset
import explorer.train.import_data
import explorer.train.train_model
import explorer.workflows.evaluate_model
from explorer.errors import ConfigError
from explorer.evaluate.evaluation import EvaluationErrors, ModelEvaluation
from explorer.evaluate.metrics import ALL, ErrorRow
from explorer.evaluate.speed import Speed
from explorer.train.settings import FitSettings
from explorer.train.train_model import DEFAULT_ARCHITECTURE

ROWS = [
    ErrorRow(
        molecule="ethanol",
        stage="relaxation",
        n_frames=4,
        energy_mae=1.0,
        energy_rmse=1.5,
        forces_mae=20.0,
        forces_rmse=30.0,
    ),
    ErrorRow(molecule=ALL, stage=ALL, n_frames=8, energy_mae=0.5, energy_rmse=0.7, forces_mae=12.0, forces_rmse=15.0),
]
FOUND = ModelEvaluation(
    digest="3f9a",
    training_data="a.npz 00",
    held_out_data="",
    test=EvaluationErrors(ROWS),
    held_out=None,
    trust=None,
    n_calibrated=0,
    speed=Speed(molecule="x", n_atoms=42, batch=16, milliseconds=1.0, device="cpu"),
)


@pytest.fixture
def library(monkeypatch):
    """Training and evaluation that compute nothing."""
    asked = SimpleNamespace(refused=None)

    def train_model(data, folder, hp, settings, report):
        asked.trained = (data, folder, settings.epochs)

    def tune_model(data, folder, before, settings, report):
        asked.tuned = (data, folder, before.folder.name, settings.epochs)

    def evaluate(data, folder, settings, held_out, progress):
        asked.evaluated = (data, folder, held_out)
        progress("other frames evaluated", 8, 8)
        return FOUND

    def other_molecules(path, data):
        if asked.refused:
            raise ConfigError(asked.refused)

    def as_own_dataset(path, out, units, energy_key, forces_key):
        return path, ()

    monkeypatch.setattr(explorer.train.import_data, "as_own_dataset", as_own_dataset)
    monkeypatch.setattr(explorer.train.import_data, "keep_with_model", lambda data, folder: data)
    monkeypatch.setattr(explorer.train.train_model, "defaults_for", lambda data: (DEFAULT_ARCHITECTURE, FitSettings()))
    monkeypatch.setattr(explorer.train.train_model, "small_data_warning", lambda data: [])
    monkeypatch.setattr(explorer.train.train_model, "train_model", train_model)
    monkeypatch.setattr(explorer.train.train_model, "fine_tune_model", tune_model)
    monkeypatch.setattr(explorer.dataset.dataset, "load_meta", lambda data: {"reference": "so3lr"})
    monkeypatch.setattr(explorer.workflows.evaluate_model, "evaluate_model", evaluate)
    monkeypatch.setattr(explorer.workflows.evaluate_model, "other_molecules", other_molecules)
    return asked


def test_training_is_measured_with_the_held_out_file(pes_explore, library, tmp_path):
    data, out, held_out = (tmp_path / name for name in ("a.npz", "model", "b.npz"))
    code, text, err = pes_explore("train", data, "--out", out, "--held-out", held_out, "--set", "fit.epochs=3")
    assert code == 0
    assert library.trained == (data, out, 3)
    assert library.evaluated == (data, out, held_out)
    assert text.splitlines()[1].split() == ["test", "split", "all", "all", "8", "0.50", "12.0"]
    assert "ethanol" not in text  # one molecule and one stage are in the card
    assert "--held-out FILE" in err
    assert text.splitlines()[-1] == str(out)


def test_from_starts_with_the_parameters_of_a_model(pes_explore, library, tmp_path):
    data, out = tmp_path / "a.npz", tmp_path / "model"
    code, _, err = pes_explore("train", data, "--out", out, "--from", FIXED_NETWORK, "--set", "fit.epochs=3")
    assert code == 0
    assert "trained on gfn2" in err
    assert "the model will be of so3lr" in " ".join(err.split())
    assert library.tuned == (data, out, "gfn2-peptides", 3)
    assert not hasattr(library, "trained")
    code, _, err = pes_explore("train", data, "--out", out, "--from", FIXED_NETWORK, "--set", "model.n_layers=3")
    assert code == 1
    assert "model.n_layers is 2, received 3" in " ".join(err.split())


def test_unsuitable_held_out_molecules_fail_before_the_training(pes_explore, library, tmp_path):
    library.refused = "ethanol is in both"
    code, _, err = pes_explore("train", tmp_path / "a.npz", "--out", tmp_path, "--held-out", tmp_path / "b.npz")
    assert code == 1
    assert "in both" in err
    assert not hasattr(library, "trained")
