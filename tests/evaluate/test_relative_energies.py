"""Errors by kind of atom and relative energies of minima, against sums done by hand."""

import numpy as np
import pytest

from explorer.evaluate.metrics import ALL, by_element, by_frame, by_residue
from explorer.evaluate.relative_energies import rank_correlation, relative_energies, relative_to_mean
from explorer.evaluate.residuals import Residuals
from explorer.units import KCAL_PER_MOL


def residuals(energy, label, molecule, stage) -> Residuals:
    """Frames of a molecule C H H and of a padded one, C H; forces off by 1 on carbon, 2 and 3 on the hydrogens."""
    n = len(energy)
    small = np.asarray(molecule) == "small"
    numbers, residue = np.tile([6, 1, 1], (n, 1)), np.tile(["A", "A", "NME"], (n, 1))
    forces = np.tile(np.array([1.0, 2.0, 3.0])[:, None], (n, 1, 3))
    numbers[small, 2], residue[small, 2], forces[small, 2] = 0, "", 0
    return Residuals(
        np.asarray(molecule),
        np.asarray(stage),
        (numbers > 0).sum(axis=1),
        numbers,
        residue,
        np.asarray(label, float),
        np.asarray(energy, float),
        forces,
        np.where(small[:, None], [[0.3, np.nan]], [[-0.1, 0.2]]),
    )


def test_atoms_are_counted_by_element_and_residue_without_padding():
    seen = residuals([0, 0], [0, 0], ["large", "small"], ["x", "x"])
    assert [(r.kind, r.n_atoms, r.forces_mae) for r in by_element(seen)] == [
        ("H", 3, pytest.approx(1000 * 7 / 3)),
        ("C", 2, pytest.approx(1000)),
    ]
    assert [(r.kind, r.n_atoms, r.forces_mae) for r in by_residue(seen)] == [
        ("A", 4, pytest.approx(1500)),
        ("NME", 1, pytest.approx(3000)),
    ]
    assert by_residue(seen)[0].forces_rmse == pytest.approx(1000 * np.sqrt(2.5))
    total = by_frame(seen)[-1]
    assert (total.molecule, total.stage, total.n_frames) == (ALL, ALL, 2)
    assert total.forces_mae == pytest.approx(1000 * 9 / 5)
    assert total.torques_mae == pytest.approx(1000 * 0.6 / 3)


def test_offset_of_a_molecule_is_no_error_of_its_relative_energies():
    label = KCAL_PER_MOL * np.array([0, 1, 2, 0, 3, 1, 7])
    energy = KCAL_PER_MOL * np.array([90, 90, 90, -50, -50, -53.0, 1e3])  # one minimum too low by 3 kcal/mol
    molecule = ["large"] * 3 + ["small"] * 3 + ["large"]
    rows = relative_energies(residuals(energy, label, molecule, ["minimum"] * 6 + ["dynamics-300"]))
    assert [(r.molecule, r.n_minima) for r in rows] == [("large", 3), ("small", 3), (ALL, 6)]
    assert [r.mae for r in rows] == pytest.approx([0, 4 / 3, 2 / 3], abs=1e-9)  # errors +1, +1, -2
    assert rows[0].rank_correlation == pytest.approx(1)
    assert rows[1].rank_correlation == pytest.approx(0.5)  # 0 3 1 against 0 3 -2


def test_two_minima_have_no_order_worth_telling():
    assert relative_energies(residuals([1, 2], [0, 1], ["large"] * 2, ["minimum"] * 2)) == []
    assert rank_correlation(np.arange(2.0), np.arange(2.0)) is None
    assert rank_correlation(np.ones(9), np.arange(9.0)) is None


def test_values_are_centred_over_the_frames_of_their_molecule():
    values = np.arange(12.0).reshape(4, 3)
    assert relative_to_mean(np.array(["b", "a", "b", "a"]), values) == pytest.approx(
        values - np.array([values[[0, 2]].mean(0), values[[1, 3]].mean(0)] * 2)
    )
