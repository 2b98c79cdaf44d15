"""Training lowers the error, resumes to the same parameters, and reports errors that NumPy confirms."""

from dataclasses import replace

import jax
import numpy as np
import pytest
from small import SETTINGS

from explorer.errors import ConfigError
from explorer.evaluate.metrics import ALL, frame_errors
from explorer.potential.potential import evaluate
from explorer.potential.so3krates import so3krates
from explorer.system import from_arrays
from explorer.train import phases
from explorer.train.baseline import with_shifted_atomic_energies
from explorer.train.phases import train_phases
from explorer.train.settings import FitSettings
from explorer.train.state import TrainState
from explorer.train.torques import find_torsion_axes
from explorer.train.trainer import Trainer

_evaluate = jax.jit(evaluate)


class Killed(Exception):
    """Raised in place of a kill after an epoch."""


def test_training_lowers_the_validation_error(trained):
    _, history = trained
    assert [record["phase"] for record in history] == ["level"] * 30 + ["decay"] * 10
    assert history[-1]["validation_forces"] < 0.7 * history[0]["validation_forces"]


def test_throughput_is_reported(trained):
    _, history = trained
    last = history[-1]
    assert last["frames_per_second"] * last["seconds"] == pytest.approx(24)
    assert 0 < last["peak_share"] < 1


@pytest.mark.parametrize("epoch", [1, pytest.param(33, marks=pytest.mark.slow)])
def test_killed_training_resumes_to_the_same_parameters(trained, ethanol_data, hp, tmp_path, epoch):
    """Kill the training in the constant phase and in the decay."""

    def kill(record):
        if record["epoch"] == epoch:
            raise Killed

    with pytest.raises(Killed):
        train_phases(ethanol_data, hp, SETTINGS, tmp_path, kill)
    params, history = train_phases(ethanol_data, hp, SETTINGS, tmp_path)
    assert [record["epoch"] for record in history] == list(range(40))
    jax.tree.map(np.testing.assert_array_equal, params, trained[0])


def test_short_epochs_pass_over_all_frames(ethanol_data, hp):
    trainer = Trainer(ethanol_data, hp, replace(SETTINGS, epoch_frames=8))
    assert (trainer.n_epochs_per_pass, trainer.n_steps) == (3, 2)
    passes = [
        [i for e in range(first, first + 3) for _, index in trainer.batches(e) for i in index] for first in (0, 3)
    ]
    assert all(sorted(order) == list(range(24)) for order in passes)
    assert passes[0] != passes[1]


def test_time_limit_starts_the_decay_and_longer_time_prolongs_the_training(ethanol_data, hp, tmp_path):
    reports = []
    short = replace(SETTINGS, minutes=1e-6, decay_epochs=2)
    _, history = train_phases(ethanol_data, hp, short, tmp_path)
    assert [record["phase"] for record in history] == ["level", "decay"]
    assert all(record["validation_seconds"] > 0 for record in history)
    enough = replace(SETTINGS, minutes=60.0, epochs=4, decay_epochs=1)
    _, history = train_phases(ethanol_data, hp, enough, tmp_path, reports.append)
    assert [record["phase"] for record in history] == ["level"] * 4 + ["decay"]
    assert all(0 < record["seconds_left"] < 3600 for record in reports)
    shares = [record["time_share"] for record in reports]
    assert shares == sorted(shares)
    assert shares[0] > 0
    assert shares[-1] < 1
    assert not any("time_share" in record for record in history)  # the stored history does not depend on the limit


def test_time_is_divided_as_the_epochs_are():
    """A quarter of the time is for the decay, as many epochs as fit; the first epoch was slow, since it compiled."""
    settings = FitSettings(epochs=300, decay_epochs=100, minutes=10.0)
    records = [{"seconds": s, "validation_seconds": 1.0} for s in (199.0, 49.0, 49.0, 49.0, 49.0, 49.0)]
    states = [TrainState(None, None, None, 0, records[:n]) for n in range(7)]
    assert [phases._is_time_to_decay(state, settings) for state in states] == [False] * 6 + [True]
    assert phases._n_decay(states[6], settings) == 3  # 150 s of 600 are left
    assert phases._n_decay(states[6], replace(settings, minutes=0.0)) == 100
    assert phases._n_decay(states[6], replace(settings, minutes=1.0)) == 1


def test_many_validation_frames_are_thinned_out(ethanol_data, hp, monkeypatch):
    monkeypatch.setattr("explorer.train.trainer.MAX_VALIDATED", 3)
    trainer = Trainer(ethanol_data, hp, SETTINGS)
    assert (sum(map(len, trainer.validation)), sum(map(len, trainer.train))) == (3, 24)


@pytest.mark.slow
def test_prolonged_training_equals_a_longer_training(trained, ethanol_data, hp, tmp_path):
    short = replace(SETTINGS, epochs=3, decay_epochs=2)
    assert len(train_phases(ethanol_data, hp, short, tmp_path)[1]) == 5
    params, history = train_phases(ethanol_data, hp, SETTINGS, tmp_path)
    assert [record["epoch"] for record in history] == list(range(40))
    jax.tree.map(np.testing.assert_array_equal, params, trained[0])


@pytest.mark.slow
def test_fewer_epochs_than_finished_start_the_decay(ethanol_data, hp, tmp_path):
    train_phases(ethanol_data, hp, replace(SETTINGS, epochs=4, decay_epochs=0), tmp_path)
    _, history = train_phases(ethanol_data, hp, replace(SETTINGS, epochs=2, decay_epochs=1), tmp_path)
    assert [record["phase"] for record in history] == ["level"] * 4 + ["decay"]


@pytest.mark.slow
def test_committee_learns_and_its_members_differ(ethanol_data, hp, tmp_path):
    params, history = train_phases(ethanol_data, replace(hp, n_members=4), SETTINGS, tmp_path)
    assert history[-1]["validation_forces"] < 0.9 * history[0]["validation_forces"]
    kernel = params["energy"]["dense_2"]["kernel"]
    assert np.std(kernel, axis=0).min() > 0


@pytest.mark.slow
def test_diverged_training_raises_and_keeps_the_epoch_before(ethanol_data, hp, tmp_path):
    settings = replace(SETTINGS, learning_rate=1e4)
    with pytest.raises(ConfigError, match=r"diverged in epoch.*Lower fit\.learning_rate"):
        train_phases(ethanol_data, hp, settings, tmp_path)
    with pytest.raises(ConfigError, match="diverged"):
        train_phases(ethanol_data, hp, settings, tmp_path)  # resumes from the saved state, which is finite


def test_atomic_energies_and_neighbours_come_from_the_data(ethanol_data, hp):
    assert hp.trained_elements == (1, 6, 8)
    data = ethanol_data["ethanol"]
    predicted = np.dot([6, 2, 1], hp.atomic_energies)
    assert predicted == pytest.approx(data.energy[data.split == "train"].mean())
    distances = np.linalg.norm(data.positions[:, :, None] - data.positions[:, None], axis=-1)
    assert hp.average_neighbors == pytest.approx(((distances < 4.5).sum(-1) - 1).mean(), abs=0.05)


def test_errors_agree_with_numpy(trained, ethanol_data, hp):
    rows = {(row.molecule, row.stage): row for row in frame_errors(ethanol_data, hp, trained[0])}
    assert set(rows) == {(m, s) for m in ("ethanol", ALL) for s in ("dynamics-500", "relaxation", ALL)}
    energy, forces = predict(ethanol_data["ethanol"], hp, trained[0])
    test = ethanol_data["ethanol"].split == "test"
    data = ethanol_data["ethanol"]
    total = rows[ALL, ALL]
    assert total.n_frames == 8
    assert total.forces_mae == pytest.approx(1000 * np.abs(forces - data.forces)[test].mean(), rel=1e-4)
    assert total.forces_rmse == pytest.approx(1000 * np.sqrt(((forces - data.forces)[test] ** 2).mean()), rel=1e-4)
    axes = find_torsion_axes(data.bonds, 9)
    assert len(axes.ends) == 2
    torque_errors = [
        [
            np.cross((r - r[a])[moved], f[moved]).sum(axis=0) @ (r[b] - r[a]) / np.linalg.norm(r[b] - r[a])
            for (a, b), moved in zip(axes.ends, axes.moved, strict=True)
        ]
        for r, f in zip(data.positions[test], (forces - data.forces)[test], strict=True)
    ]
    assert total.torques_mae == pytest.approx(1000 * np.abs(torque_errors).mean(), rel=1e-3)
    shift = np.dot([6, 2, 1], hp.atomic_energies)
    residual = np.abs(energy + shift - data.energy)[test].mean() / 9
    assert total.energy_mae == pytest.approx(1000 * residual, rel=1e-3)


def predict(data, hp, params):
    """Evaluate one frame after the other, without padding."""
    potential = so3krates(hp, params)
    systems = [from_arrays(data.atomic_numbers, positions) for positions in data.positions]
    evaluations = [_evaluate(potential, system) for system in systems]
    return np.array([e.energy for e in evaluations]), np.array([e.forces for e in evaluations])


def force_error(data, hp, params):
    return next(row.forces_mae for row in frame_errors(data, hp, params, "validation") if row.stage == ALL)


@pytest.mark.slow
def test_training_begins_with_given_parameters(trained, ethanol_data, hp, tmp_path):
    params, _ = trained
    settings = replace(SETTINGS, epochs=5, decay_epochs=10, learning_rate=1e-2)
    tuned, _ = train_phases(ethanol_data, hp, settings, tmp_path / "on", params=params)
    anew, _ = train_phases(ethanol_data, hp, settings, tmp_path / "anew")
    before, after = force_error(ethanol_data, hp, params), force_error(ethanol_data, hp, tuned)
    assert after < before
    assert after < 0.9 * force_error(ethanol_data, hp, anew)  # better than from random parameters


def test_atomic_energies_absorb_an_offset_of_the_labels(trained, ethanol_data, hp):
    planted = replace(hp, atomic_energies=tuple(e + 0.1 for e in hp.atomic_energies))
    expected, found = (
        np.dot([6, 2, 1], with_shifted_atomic_energies(one, trained[0], ethanol_data).atomic_energies)
        for one in (hp, planted)
    )
    assert found == pytest.approx(expected, abs=1e-4)
