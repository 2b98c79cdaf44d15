"""Reasons to label a minimum, and verdicts compared with true errors, against minima that are built for it."""

import numpy as np
import pytest

from explorer.active_learning.finds import (
    Find,
    MinimaErrors,
    choose_finds,
    count_reasons,
    errors_of_minima,
    finds_among,
    keeps_going,
    verdict_table,
)
from explorer.records.minimum import Minimum
from explorer.records.structure_class import StructureClass
from explorer.records.uncertainty import TrustLevel, UncertaintyEstimate
from explorer.units import KCAL_PER_MOL

LIMITS = 5 * KCAL_PER_MOL, 0.3  # eV, eV/Å
LEVELS = ("trusted", "trusted", "trusted", "uncertain", "out-of-distribution", "trusted", "hole")
SHIFTS = np.array([0.0, 1, -1, 0, 2, 9, -200])  # kcal/mol, errors of the energies of the model
FORCES = np.array([0.05, 0.05, 0.5, 0.1, 0.2, 0.1, 3.0])  # eV/Å, of the reference


def minimum(k: int, level: str, energy: float) -> Minimum:
    estimate = UncertaintyEstimate(0.0, 0.0, 0.0, 0.1, TrustLevel.TRUSTED if level == "hole" else TrustLevel(level))
    return Minimum(
        id=10 + k,
        energy=energy,
        positions=np.full((3, 3), float(k)),
        structure_class=StructureClass.INTACT,
        fmax=0.0,
        n_evaluations=0,
        round=0,
        uncertainty=estimate,
        exclusion="too low" if level == "hole" else "",
    )


def made_errors(failed: tuple[int, ...] = ()) -> MinimaErrors:
    reference = -1000 + 0.1 * np.arange(len(LEVELS))
    model = 3.0 + 0.1 * np.arange(len(LEVELS)) + KCAL_PER_MOL * SHIFTS
    forces = np.zeros((len(LEVELS), 3, 3))
    forces[:, :, 0] = FORCES[:, None]
    reference[list(failed)], forces[list(failed)] = np.nan, np.nan
    minima = [minimum(k, level, float(energy)) for k, (level, energy) in enumerate(zip(LEVELS, model, strict=True))]
    return errors_of_minima(minima, reference, forces)


def test_a_hole_does_not_shift_the_energies_of_the_others():
    errors = made_errors()
    assert errors.energy_error / KCAL_PER_MOL == pytest.approx(SHIFTS - 0.5)  # the median of 0, 1, -1 and 9
    assert errors.force_error == pytest.approx(FORCES)
    assert errors.ids.tolist() == list(range(10, 17))
    assert errors.verdict.tolist() == list(LEVELS)


def test_every_find_has_its_strongest_reason():
    assert finds_among(made_errors(), *LIMITS) == {
        2: Find.WRONG_FORCES,
        3: Find.UNCERTAIN,
        4: Find.OUT_OF_DISTRIBUTION,
        5: Find.WRONG_ENERGY,
        6: Find.HOLE,
    }


def test_a_minimum_where_the_reference_fails_is_judged_by_its_verdict_alone():
    errors = made_errors(failed=(2, 5, 6))
    assert finds_among(errors, *LIMITS) == {3: Find.UNCERTAIN, 4: Find.OUT_OF_DISTRIBUTION, 6: Find.HOLE}
    rows = {row["verdict"]: row for row in verdict_table([errors], *LIMITS)}
    assert (rows["hole"]["n"], rows["hole"]["n_failed"], rows["hole"]["force_error_median"]) == (1, 1, None)


def test_errors_without_any_label_are_not_a_number():
    errors = made_errors(failed=tuple(range(len(LEVELS))))
    assert np.isnan(errors.energy_error).all()
    assert set(finds_among(errors, *LIMITS)) == {3, 4, 6}


def test_table_counts_what_the_verdicts_miss():
    rows = {row["verdict"]: row for row in verdict_table([made_errors(), made_errors()], *LIMITS)}
    assert list(rows) == ["trusted", "uncertain", "out-of-distribution", "hole"]
    trusted = rows["trusted"]
    assert (trusted["n"], trusted["n_wrong"], trusted["n_wrong_energy"], trusted["n_wrong_forces"]) == (8, 4, 2, 2)
    assert trusted["energy_error_largest"] == pytest.approx(8.5)
    assert trusted["force_error_median"] == pytest.approx(75)  # meV/Å, of 50, 50, 100 and 500
    assert rows["hole"]["n_wrong"] == 2


def test_strong_finds_are_chosen_before_uncertain_ones():
    finds = {0: Find.UNCERTAIN, 1: Find.HOLE, 2: Find.UNCERTAIN, 3: Find.WRONG_ENERGY}
    features = np.array([[0.0], [1.0], [50.0], [1.1]])
    rng = np.random.default_rng(0)
    assert sorted(choose_finds(finds, features, 2, rng)) == [1, 3]
    assert choose_finds(finds, features, 3, rng)[2] == 2  # the uncertain one that differs the most
    assert sorted(choose_finds(finds, features, 9, rng)) == [0, 1, 2, 3]
    assert choose_finds({0: Find.UNCERTAIN}, features, 3, rng) == [0]


def test_a_hunt_ends_where_only_uncertain_minima_are_found():
    uncertain = count_reasons([{0: Find.UNCERTAIN}, {}])
    assert uncertain == {
        "hole": 0, "wrong energy": 0, "wrong forces": 0, "out-of-distribution": 0, "uncertain": 1
    }  # fmt: skip
    assert not keeps_going(uncertain)
    assert keeps_going(count_reasons([{0: Find.UNCERTAIN}, {3: Find.WRONG_FORCES}]))
