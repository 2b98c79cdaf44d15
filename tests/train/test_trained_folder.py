"""A training folder: settings, contents, prolonging, and refusal of other settings or labels."""

from dataclasses import replace

import pytest
from random_network import random_parameters
from small import HP, SETTINGS

from explorer.dataset.dataset import save_dataset
from explorer.errors import CheckpointError, ConfigError
from explorer.potential.checkpoint import checkpoint_digest, load_checkpoint, save_checkpoint
from explorer.potential.load import Network, read_model
from explorer.train.learning_curve import write_learning_curve
from explorer.train.loss import FrameErrors
from explorer.train.train_model import fine_tune_model, load_fine_tuning_config, load_training_config, train_model
from explorer.workflows.evaluate_model import evaluate_model


@pytest.mark.slow
def test_finished_training_is_prolonged_without_repeating_epochs(ethanol_data, tmp_path):
    data, folder, records = tmp_path / "ethanol.npz", tmp_path / "model", []
    save_dataset(data, ethanol_data, {"reference": "MMFF94"})
    for epochs in (1, 2):
        train_model(data, folder, HP, replace(SETTINGS, epochs=epochs, decay_epochs=1), records.append)
    ended = [r for r in records if "share" not in r]  # reports within an epoch have a share
    assert [(r["epoch"], r["phase"]) for r in ended] == [(0, "level"), (1, "decay"), (1, "level"), (2, "decay")]


def test_trained_folder_is_a_checkpoint_with_a_learning_curve(ethanol_data, tmp_path):
    data, folder = tmp_path / "ethanol.npz", tmp_path / "model"
    save_dataset(data, ethanol_data, {"reference": "MMFF94"})
    train_model(data, folder, HP, replace(SETTINGS, epochs=1, decay_epochs=1), lambda record: None)
    loaded, _ = load_checkpoint(folder)
    assert loaded.reference == "MMFF94"
    assert loaded.training_data.startswith("ethanol.npz ")
    assert sorted(path.name for path in folder.iterdir()) == [
        "history.json",
        "hyperparameters.json",
        "learning_curve.svg",
        "parameters.safetensors",
        "training.part",
    ]


def test_training_is_not_resumed_with_other_settings(ethanol_data, tmp_path):
    data, folder = tmp_path / "ethanol.npz", tmp_path / "model"
    save_dataset(data, ethanol_data, {"reference": "MMFF94"})
    (folder / "training.part").mkdir(parents=True)
    (folder / "training.part" / "settings.json").write_text("{}")
    with pytest.raises(ConfigError, match="other settings"):
        train_model(data, folder, HP, SETTINGS, lambda record: None)


def test_config_file_and_overrides_reach_model_and_fit(tmp_path):
    path = tmp_path / "train.toml"
    path.write_text("[model]\nn_features = 32\ndegrees = [1, 2]\n[fit]\nepochs = 7\n")
    hp, settings = load_training_config(path, {"fit.epochs": "9", "model.n_layers": "2"})
    assert (hp.n_features, hp.degrees, hp.n_layers, settings.epochs) == (32, (1, 2), 2, 9)
    assert load_training_config(path, {"model.degrees": "1,2,3,4"})[0].degrees == (1, 2, 3, 4)


@pytest.mark.parametrize(
    ("override", "error", "message"),
    [
        ({"fit.epoch": "9"}, ConfigError, "epochs"),
        ({"epochs": "9"}, ConfigError, r"model\.NAME or fit\.NAME"),
        ({"fit.epochs": "many"}, ConfigError, "must be a whole number"),
        ({"fit.epochs": "0"}, ConfigError, r"fit\.epochs must be at least 1, received 0"),
        ({"fit.torque_weight": "-1"}, ConfigError, r"fit\.torque_weight must be at least 0, received -1"),
        ({"fit.force_delta": "0"}, ConfigError, r"fit\.force_delta is an error in eV/Å above 0, received 0"),
        ({"model.n_features": "30"}, CheckpointError, "divisible"),
        ({"model.degrees": "1,p"}, ConfigError, r"model\.degrees must be a whole number, received 'p'"),
    ],
)
def test_wrong_training_setting_is_named_in_the_message(override, error, message):
    with pytest.raises(error, match=message):
        load_training_config(None, override)


def test_learning_curve_shows_training_and_validation(tmp_path):
    keys = [f"{source}_{quantity}" for source in ("train", "validation") for quantity in FrameErrors._fields]
    write_learning_curve(tmp_path / "curve.svg", [{"epoch": e} | dict.fromkeys(keys, 0.1 / (e + 1)) for e in range(3)])
    text = (tmp_path / "curve.svg").read_text()
    assert text.count("<svg") == 1
    assert "validation" in text


@pytest.mark.slow
def test_fine_tuning_keeps_the_number_of_neighbours_and_takes_other_labels(trained, ethanol_data, hp, tmp_path):
    data, settings = tmp_path / "new.npz", replace(SETTINGS, epochs=1, decay_epochs=1, learning_rate=1e-3)
    save_dataset(data, ethanol_data, {"reference": "MMFF94"})

    def before(name: str, **changes) -> Network:
        save_checkpoint(tmp_path / name, replace(hp, **changes), trained[0])
        return read_model(str(tmp_path / name))

    given = before("given", average_neighbors=7.0, reference="gfn2")
    fine_tune_model(data, tmp_path / "model", given, settings, lambda record: None)
    loaded, _ = load_checkpoint(tmp_path / "model")
    assert loaded.average_neighbors == 7.0
    assert loaded.reference == "MMFF94"
    assert loaded.training_data.startswith("new.npz ")
    evaluate_model(data, tmp_path / "model", settings)
    digest = checkpoint_digest(tmp_path / "given")
    assert f"starting from the model with digest `{digest}`" in (tmp_path / "model" / "README.md").read_text()
    with pytest.raises(ConfigError, match=r"atomic numbers \[8\]"):
        fine_tune_model(
            data, tmp_path / "other", before("few", trained_elements=(1, 6), atomic_energies=()), settings, print
        )


def test_fine_tuning_keeps_the_architecture_of_the_network(hp, tmp_path):
    save_checkpoint(tmp_path, hp, random_parameters(hp, 0))
    with pytest.raises(ConfigError, match=r"keeps its network: model\.n_layers is 1, received 2"):
        load_fine_tuning_config(None, {"model.n_layers": "2"}, str(tmp_path))
    same, settings = load_fine_tuning_config(None, {"model.n_layers": "1", "fit.epochs": "3"}, str(tmp_path))
    assert (same.hyperparameters, settings.epochs) == (hp, 3)
