"""Errors by element and residue and relative energies of minima, against values computed by hand."""

import json

import numpy as np
import pytest

from explorer.evaluate.evaluation import EvaluationErrors, ModelEvaluation
from explorer.evaluate.metrics import ALL, errors_by_element, errors_by_group, errors_by_residue
from explorer.evaluate.relative_energies import relative_energies, relative_to_mean
from explorer.evaluate.residuals import Residuals
from explorer.evaluate.speed import Speed
from explorer.units import KCAL_PER_MOL


def residuals(energy, label, molecule, stage) -> Residuals:
    """Return frames of C H H and of the padded C H, with force errors of 1 on carbon, 2 and 3 on the hydrogens."""
    n = len(energy)
    small = np.asarray(molecule) == "small"
    numbers, residue = np.tile([6, 1, 1], (n, 1)), np.tile(["A", "A", "NME"], (n, 1))
    forces = np.tile(np.array([1.0, 2.0, 3.0])[:, None], (n, 1, 3))
    numbers[small, 2], residue[small, 2], forces[small, 2] = 0, "", 0
    return Residuals(
        molecule=np.asarray(molecule),
        stage=np.asarray(stage),
        n_atoms=(numbers > 0).sum(axis=1),
        numbers=numbers,
        residue=residue,
        label=np.asarray(label, float),
        energy=np.asarray(energy, float),
        forces=forces,
        torques=np.where(small[:, None], [[0.3, np.nan]], [[-0.1, 0.2]]),
    )


def test_errors_by_element_and_residue_leave_out_padding():
    found = residuals([0, 0], [0, 0], ["large", "small"], ["x", "x"])
    assert [(r.kind, r.n_atoms, r.forces_mae) for r in errors_by_element(found)] == [
        ("H", 3, pytest.approx(1000 * 7 / 3)),
        ("C", 2, pytest.approx(1000)),
    ]
    assert [(r.kind, r.n_atoms, r.forces_mae) for r in errors_by_residue(found)] == [
        ("A", 4, pytest.approx(1500)),
        ("NME", 1, pytest.approx(3000)),
    ]
    assert errors_by_residue(found)[0].forces_rmse == pytest.approx(1000 * np.sqrt(2.5))
    total = errors_by_group(found)[-1]
    assert (total.molecule, total.stage, total.n_frames) == (ALL, ALL, 2)
    assert total.forces_mae == pytest.approx(1000 * 9 / 5)
    assert total.torques_mae == pytest.approx(1000 * 0.6 / 3)


def test_offset_of_a_molecule_does_not_change_its_relative_energies():
    label = KCAL_PER_MOL * np.array([0, 1, 2, 0, 3, 1, 7])
    energy = KCAL_PER_MOL * np.array([90, 90, 90, -50, -50, -53.0, 1e3])  # one minimum too low by 3 kcal/mol
    molecule = ["large"] * 3 + ["small"] * 3 + ["large"]
    rows = relative_energies(residuals(energy, label, molecule, ["minimum"] * 6 + ["dynamics-300"]))
    assert [(r.molecule, r.n_minima) for r in rows] == [("large", 3), ("small", 3), (ALL, 6)]
    assert [r.mae for r in rows] == pytest.approx([0, 4 / 3, 2 / 3], abs=1e-9)  # errors +1, +1, -2
    assert rows[0].rank_correlation == pytest.approx(1)
    assert rows[1].rank_correlation == pytest.approx(0.5)  # 0 3 1 against 0 3 -2
    assert rows[2].rank_correlation == pytest.approx(0.75)  # their median; all six together have 0.77


def test_high_minima_do_not_hide_the_order_of_the_low_ones():
    label = KCAL_PER_MOL * np.array([0.0, 1.0, 2.0, 40.0, 60.0, 80.0])
    energy = KCAL_PER_MOL * np.array([2.0, 0.0, -2.0, 0.0, 0.0, 0.0])  # the order of the low ones is reversed
    (row, all_molecules) = relative_energies(residuals(energy, label, ["large"] * 6, ["minimum"] * 6))
    assert (row.n_minima, row.n_low) == (6, 3)
    assert row.rank_correlation > 0.7
    assert row.low_rank_correlation == pytest.approx(-1)
    assert row.low_mae == pytest.approx(4 / 3)
    assert (all_molecules.n_low, all_molecules.low_rank_correlation) == (3, row.low_rank_correlation)


def test_molecule_with_two_minima_is_left_out():
    assert relative_energies(residuals([1, 2], [0, 1], ["large"] * 2, ["minimum"] * 2)) == []


def test_undefined_rank_correlation_is_null_in_json(tmp_path):
    equal = residuals([0, 1, 2], [0, 0, 0], ["large"] * 3, ["minimum"] * 3)
    evaluation = ModelEvaluation(
        digest="",
        training_data="",
        held_out_data="",
        test=EvaluationErrors.of(equal),
        held_out=None,
        trust=None,
        n_calibrated=0,
        speed=Speed(molecule="", n_atoms=1, batch=1, milliseconds=1.0, device=""),
    )
    stored = json.loads(evaluation.write(tmp_path).read_text())
    assert stored["test"]["minima"][0]["rank_correlation"] is None
    assert stored["test"]["minima"][0]["mae"] == pytest.approx(2 / 3 / KCAL_PER_MOL)


def test_values_are_relative_to_the_mean_of_their_molecule():
    values = np.arange(12.0).reshape(4, 3)
    assert relative_to_mean(np.array(["b", "a", "b", "a"]), values) == pytest.approx(
        values - np.array([values[[0, 2]].mean(0), values[[1, 3]].mean(0)] * 2)
    )
