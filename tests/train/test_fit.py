"""Training lowers the error, survives a kill, and is measured as numpy would measure it."""

from dataclasses import replace

import jax
import numpy as np
import pytest

from explorer.errors import CheckpointError, ConfigError
from explorer.examine import examine
from explorer.potential.checkpoint import checkpoint_digest, load_checkpoint, save_checkpoint
from explorer.potential.hyperparameters import Hyperparameters
from explorer.potential.load import Network, read_model
from explorer.potential.potential import evaluate
from explorer.potential.so3krates import initialize, so3krates
from explorer.system import from_arrays
from explorer.train.baseline import rebased
from explorer.train.dataset import save_dataset
from explorer.train.fit import FitSettings, fit
from explorer.train.learning_curve import write_learning_curve
from explorer.train.make import complete, load_training_config, load_tuning_config, train_model, tune_model
from explorer.train.metrics import ALL, measure

HP = Hyperparameters(
    n_features=16, n_heads=2, degrees=(1, 2), n_layers=1, n_radial=8, radial_filter="linear",
    charge_spin_embedding=False, zbl=False,
)  # fmt: skip
SETTINGS = FitSettings(epochs=30, decay_epochs=10, batch_size=4, learning_rate=5e-2, warmup=20, ema_decay=0.9)


_evaluate = jax.jit(evaluate)


class Killed(Exception):
    """Stands for a kill after an epoch."""


@pytest.fixture(scope="module", autouse=True)
def _compile_once(tmp_path_factory):
    """Every call of `fit` compiles the same programs: do it fast, and keep them."""
    inside_and_after = {
        "jax_compilation_cache_dir": (str(tmp_path_factory.mktemp("xla")), None),
        "jax_persistent_cache_min_compile_time_secs": (0.2, 1.0),
        "jax_disable_most_optimizations": (True, False),
    }
    for name, (inside, _) in inside_and_after.items():
        jax.config.update(name, inside)
    yield
    for name, (_, after) in inside_and_after.items():
        jax.config.update(name, after)


@pytest.fixture(scope="module")
def hp(ethanol_data):
    return complete(HP, ethanol_data, "MMFF94", "ethanol.npz 0")


@pytest.fixture(scope="module")
def trained(ethanol_data, hp, tmp_path_factory):
    return fit(ethanol_data, hp, SETTINGS, tmp_path_factory.mktemp("fit"))


def test_validation_error_falls(trained):
    _, history = trained
    assert [record["phase"] for record in history] == ["level"] * 30 + ["decay"] * 10
    assert history[-1]["validation_forces"] < 0.7 * history[0]["validation_forces"]


def test_throughput_is_told(trained):
    _, history = trained
    last = history[-1]
    assert last["frames_per_second"] * last["seconds"] == pytest.approx(24)
    assert 0 < last["peak_share"] < 1


@pytest.mark.parametrize("epoch", [1, pytest.param(33, marks=pytest.mark.slow)])
def test_killed_training_goes_on_to_the_same_parameters(trained, ethanol_data, hp, tmp_path, epoch):
    """Killed in the level phase and in the decay."""

    def kill(record):
        if record["epoch"] == epoch:
            raise Killed

    with pytest.raises(Killed):
        fit(ethanol_data, hp, SETTINGS, tmp_path, kill)
    params, history = fit(ethanol_data, hp, SETTINGS, tmp_path)
    assert [record["epoch"] for record in history] == list(range(40))
    jax.tree.map(np.testing.assert_array_equal, params, trained[0])


@pytest.mark.slow
def test_prolonged_training_is_the_one_that_was_longer_from_the_start(trained, ethanol_data, hp, tmp_path):
    short = replace(SETTINGS, epochs=3, decay_epochs=2)
    assert len(fit(ethanol_data, hp, short, tmp_path)[1]) == 5
    params, history = fit(ethanol_data, hp, SETTINGS, tmp_path)
    assert [record["epoch"] for record in history] == list(range(40))
    jax.tree.map(np.testing.assert_array_equal, params, trained[0])


@pytest.mark.slow
def test_fewer_epochs_than_done_decay_from_what_is_there(ethanol_data, hp, tmp_path):
    fit(ethanol_data, hp, replace(SETTINGS, epochs=4, decay_epochs=0), tmp_path)
    _, history = fit(ethanol_data, hp, replace(SETTINGS, epochs=2, decay_epochs=1), tmp_path)
    assert [record["phase"] for record in history] == ["level"] * 4 + ["decay"]


@pytest.mark.slow
def test_committee_learns_and_its_members_differ(ethanol_data, hp, tmp_path):
    params, history = fit(ethanol_data, replace(hp, n_members=4), SETTINGS, tmp_path)
    assert history[-1]["validation_forces"] < 0.9 * history[0]["validation_forces"]
    kernel = params["energy"]["dense_2"]["kernel"]
    assert np.std(kernel, axis=0).min() > 0


@pytest.mark.slow
def test_diverged_training_says_so_and_keeps_the_epoch_before(ethanol_data, hp, tmp_path):
    settings = replace(SETTINGS, learning_rate=1e4)
    with pytest.raises(ConfigError, match=r"diverged in epoch.*Lower fit\.learning_rate"):
        fit(ethanol_data, hp, settings, tmp_path)
    with pytest.raises(ConfigError, match="diverged"):
        fit(ethanol_data, hp, settings, tmp_path)  # goes on from what was saved, which is finite


def test_atomic_energies_and_neighbours_come_from_the_data(ethanol_data, hp):
    assert hp.trained_elements == (1, 6, 8)
    data = ethanol_data["ethanol"]
    predicted = np.dot([6, 2, 1], hp.atomic_energies)
    assert predicted == pytest.approx(data.energy[data.split == "train"].mean())
    distances = np.linalg.norm(data.positions[:, :, None] - data.positions[:, None], axis=-1)
    assert hp.average_neighbors == pytest.approx(((distances < 4.5).sum(-1) - 1).mean(), abs=0.05)


def test_errors_are_those_that_numpy_finds(trained, ethanol_data, hp):
    rows = {(row.molecule, row.stage): row for row in measure(ethanol_data, hp, trained[0])}
    assert set(rows) == {(m, s) for m in ("ethanol", ALL) for s in ("dynamics-500", "relaxation", ALL)}
    energy, forces = predict(ethanol_data["ethanol"], hp, trained[0])
    test = ethanol_data["ethanol"].split == "test"
    wanted = ethanol_data["ethanol"]
    total = rows[ALL, ALL]
    assert total.n_frames == 8
    assert total.forces_mae == pytest.approx(1000 * np.abs(forces - wanted.forces)[test].mean(), rel=1e-4)
    assert total.forces_rmse == pytest.approx(1000 * np.sqrt(((forces - wanted.forces)[test] ** 2).mean()), rel=1e-4)
    shift = np.dot([6, 2, 1], hp.atomic_energies)
    residual = np.abs(energy + shift - wanted.energy)[test].mean() / 9
    assert total.energy_mae == pytest.approx(1000 * residual, rel=1e-3)


def predict(data, hp, params):
    """Frame by frame, without padding."""
    potential = so3krates(hp, params)
    systems = [from_arrays(data.atomic_numbers, positions) for positions in data.positions]
    evaluations = [_evaluate(potential, system) for system in systems]
    return np.array([e.energy for e in evaluations]), np.array([e.forces for e in evaluations])


@pytest.mark.slow
def test_finished_training_is_prolonged_without_starting_anew(ethanol_data, tmp_path):
    data, folder, records = tmp_path / "ethanol.npz", tmp_path / "model", []
    save_dataset(data, ethanol_data, {"reference": "MMFF94"})
    for epochs in (1, 2):
        train_model(data, folder, HP, replace(SETTINGS, epochs=epochs, decay_epochs=1), records.append)
    assert [(r["epoch"], r["phase"]) for r in records] == [(0, "level"), (1, "decay"), (1, "level"), (2, "decay")]


def test_trained_folder_is_a_checkpoint_with_curve(ethanol_data, tmp_path):
    data, folder = tmp_path / "ethanol.npz", tmp_path / "model"
    save_dataset(data, ethanol_data, {"reference": "MMFF94"})
    train_model(data, folder, HP, replace(SETTINGS, epochs=1, decay_epochs=1), lambda record: None)
    loaded, _ = load_checkpoint(folder)
    assert loaded.reference == "MMFF94"
    assert loaded.training_data.startswith("ethanol.npz ")
    assert sorted(path.name for path in folder.iterdir()) == [
        "history.json", "hyperparameters.json", "learning_curve.svg", "parameters.safetensors", "training.part",
    ]  # fmt: skip


def test_training_does_not_go_on_under_other_settings(ethanol_data, tmp_path):
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


@pytest.mark.parametrize(
    ("override", "error", "message"),
    [
        ({"fit.epoch": "9"}, ConfigError, "epochs"),
        ({"epochs": "9"}, ConfigError, r"model\.NAME or fit\.NAME"),
        ({"fit.epochs": "many"}, ConfigError, "must be a int"),
        ({"fit.epochs": "0"}, ConfigError, r"fit\.epochs must be at least 1, received 0"),
        ({"model.n_features": "30"}, CheckpointError, "divisible"),
    ],
)
def test_wrong_training_settings_are_named(override, error, message):
    with pytest.raises(error, match=message):
        load_training_config(None, override)


def test_learning_curve_is_a_picture_with_both_curves(tmp_path):
    keys = ("train_energy", "train_forces", "validation_energy", "validation_forces")
    write_learning_curve(tmp_path / "curve.svg", [{"epoch": e} | dict.fromkeys(keys, 0.1 / (e + 1)) for e in range(3)])
    text = (tmp_path / "curve.svg").read_text()
    assert text.count("<svg") == 1
    assert "validation" in text


def force_error(data, hp, params):
    return next(row.forces_mae for row in measure(data, hp, params, "validation") if row.stage == ALL)


@pytest.mark.slow
def test_training_goes_on_from_given_parameters(trained, ethanol_data, hp, tmp_path):
    params, _ = trained
    settings = replace(SETTINGS, epochs=5, decay_epochs=10, learning_rate=1e-2)
    tuned, _ = fit(ethanol_data, hp, settings, tmp_path / "on", params=params)
    anew, _ = fit(ethanol_data, hp, settings, tmp_path / "anew")
    before, after = force_error(ethanol_data, hp, params), force_error(ethanol_data, hp, tuned)
    assert after < before  # it falls from where it was
    assert after < 0.9 * force_error(ethanol_data, hp, anew)  # and not from the start


def test_an_offset_of_the_labels_is_taken_up_by_atomic_energies(trained, ethanol_data, hp):
    planted = replace(hp, atomic_energies=tuple(e + 0.1 for e in hp.atomic_energies))
    wanted, found = (np.dot([6, 2, 1], rebased(one, trained[0], ethanol_data).atomic_energies) for one in (hp, planted))
    assert found == pytest.approx(wanted, abs=1e-4)


@pytest.mark.slow
def test_tuned_folder_keeps_what_belongs_to_the_parameters_and_refuses_other_labels(
    trained, ethanol_data, hp, tmp_path
):
    data, settings = tmp_path / "new.npz", replace(SETTINGS, epochs=1, decay_epochs=1, learning_rate=1e-3)
    save_dataset(data, ethanol_data, {"reference": "MMFF94"})

    def before(name: str, **changes) -> Network:
        save_checkpoint(tmp_path / name, replace(hp, **changes), trained[0])
        return read_model(str(tmp_path / name))

    given = before("given", average_neighbors=7.0)
    tune_model(data, tmp_path / "model", given, settings, lambda record: None)
    loaded, _ = load_checkpoint(tmp_path / "model")
    assert loaded.average_neighbors == 7.0
    assert loaded.training_data.startswith("new.npz ")
    examine(data, tmp_path / "model", settings)
    digest = checkpoint_digest(tmp_path / "given")
    assert f"with the model of digest `{digest}`" in (tmp_path / "model" / "README.md").read_text()
    with pytest.raises(ConfigError, match=r"labels of gfn2, received some of MMFF94"):
        tune_model(data, tmp_path / "other", before("gfn2", reference="gfn2"), settings, print)
    with pytest.raises(ConfigError, match=r"atomic numbers \[8\]"):
        tune_model(data, tmp_path / "other", before("few", trained_elements=(1, 6)), settings, print)


def test_a_network_is_trained_on_as_it_is(hp, tmp_path):
    save_checkpoint(tmp_path, hp, initialize(hp, 0))
    with pytest.raises(ConfigError, match=r"keeps its network: model\.n_layers is 1, received 2"):
        load_tuning_config(None, {"model.n_layers": "2"}, str(tmp_path))
    same, settings = load_tuning_config(None, {"model.n_layers": "1", "fit.epochs": "3"}, str(tmp_path))
    assert (same.hyperparameters, settings.epochs) == (hp, 3)
