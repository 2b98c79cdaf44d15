"""Two ensembles whose common conformers are known by construction."""

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from explorer.comparison.overlap import (
    ConformerEnsemble,
    EnsembleComparison,
    compare_conformers,
    distinct_conformers,
)
from explorer.comparison.overlap_tables import comparison_as_json, comparison_rows
from explorer.config import IdentitySettings
from explorer.io.build import embed, from_sequence, to_rdkit
from explorer.records.structure_class import StructureClass
from explorer.similarity.symmetry import symmetry_of
from explorer.units import KCAL_PER_MOL

MOLECULE = from_sequence("AA")
STRUCTURES = embed(to_rdkit(MOLECULE), 6, seed=4)  # all RMSDs above 0.3 Å
SYMMETRY, SETTINGS = symmetry_of(MOLECULE), IdentitySettings()


def ensemble(name: str, chosen: list[int], seed: int, classes=None, converged=None) -> ConformerEnsemble:
    """Rotated copies of structures; structure k is k kcal/mol above structure 0, ids are 10, 11, ..."""
    turn = Rotation.random(random_state=seed).as_matrix()
    noise = np.random.default_rng(seed).normal(scale=0.01, size=(len(chosen), MOLECULE.n_atoms, 3))
    positions = (STRUCTURES[chosen] + noise) @ turn.T
    energies = KCAL_PER_MOL * np.array(chosen, dtype=float) - 5.0
    chosen_classes = classes or [StructureClass.INTACT] * len(chosen)
    good = np.ones(len(chosen), dtype=bool) if converged is None else np.array(converged)
    ids = np.arange(10, 10 + len(chosen))
    return distinct_conformers(name, SYMMETRY, SETTINGS, ids, energies, positions, chosen_classes, good, n_other=2)


@pytest.fixture
def comparison() -> EnsembleComparison:
    a = ensemble("a", [3, 1, 0, 3], seed=1)
    b = ensemble("b", [1, 4, 3, 5, 2], seed=2)
    return compare_conformers(SYMMETRY, SETTINGS, a, b, window=3.5 * KCAL_PER_MOL)


def test_an_ensemble_keeps_one_of_each_conformer_in_ascending_energy():
    classes = [StructureClass.INTACT] * 4 + [StructureClass.BOND_BROKEN]
    one = ensemble("a", [3, 1, 3, 0, 2], 1, classes, [True, True, True, False, True])
    assert one.ids.tolist() == [11, 10]
    assert (one.n_given, one.n_other, one.n_failed) == (7, 2, 2)


def test_recall_and_precision_count_the_common_conformers_both_ways(comparison):
    whole, near = comparison.overlaps
    assert (whole.n_a, whole.n_b, whole.n_a_in_b, whole.n_b_in_a) == (3, 5, 2, 2)  # 0 1 3 against 1 2 3 4 5
    assert (whole.recall, whole.precision) == (pytest.approx(2 / 5), pytest.approx(2 / 3))
    # up to 3.5 kcal/mol above the lowest of both: 0 1 3 against 1 2 3
    assert (near.n_a, near.n_b, near.n_a_in_b, near.n_b_in_a) == (3, 3, 2, 2)
    swapped = compare_conformers(SYMMETRY, SETTINGS, comparison.b, comparison.a)
    assert (swapped.overlaps[0].recall, swapped.overlaps[0].precision) == (whole.precision, whole.recall)


def test_unique_conformers_are_listed_by_energy(comparison):
    assert comparison.a.ids[~comparison.in_b].tolist() == [12]  # structure 0
    assert comparison.b.ids[~comparison.in_a].tolist() == [14, 11, 13]  # structures 2, 4, 5
    values = json.loads(json.dumps(comparison_as_json(comparison), allow_nan=False))
    assert values["b"]["ids_alone"] == [14, 11, 13]
    assert values["b"]["energies_alone"] == pytest.approx([-5 + KCAL_PER_MOL * k for k in (2, 4, 5)])
    assert values["a"]["lowest_energy"] == pytest.approx(-5.0)
    assert [one["window"] for one in values["overlaps"]] == [None, pytest.approx(3.5 * KCAL_PER_MOL)]
    table = {name: (a, b) for name, a, b in comparison_rows(comparison)}
    assert table["lowest (kcal/mol)"] == ("+0.00", "+1.00")
    assert table["lowest (eV)"] == ("-5.000000", f"{-5 + KCAL_PER_MOL:.6f}")
    assert table["recall"] == ("0.40", "0.67")
    assert table["precision within 3.5 kcal/mol"] == ("0.67", "0.67")
    assert table["only here, by energy"] == ("12", "14, 11, 13")


def test_energies_and_classes_must_agree_too():
    a = ensemble("a", [0, 1], seed=1)
    shifted = ensemble("b", [0, 1], seed=2)
    moved = replace(shifted, energies=shifted.energies + 0.01)
    assert not compare_conformers(SYMMETRY, SETTINGS, a, moved).in_b.any()
    cis = ensemble("b", [0, 1], 2, [StructureClass.CIS_AMIDE, StructureClass.INTACT])
    assert compare_conformers(SYMMETRY, SETTINGS, a, cis).in_b.tolist() == [False, True]


def test_conformers_with_the_amides_of_the_input_are_counted_apart():
    cis, intact = StructureClass.CIS_AMIDE, StructureClass.INTACT
    a, b = ensemble("a", [0, 1, 2], 1, [intact, cis, intact]), ensemble("b", [0, 1, 3], 2, [intact, cis, cis])
    whole, as_given = compare_conformers(SYMMETRY, SETTINGS, a, b).overlaps
    assert (whole.n_a, whole.n_b, whole.n_a_in_b, whole.as_given) == (3, 3, 2, False)
    assert (as_given.n_a, as_given.n_b, as_given.n_a_in_b, as_given.as_given) == (2, 1, 1, True)
    assert (a.n_as_given, b.n_as_given) == (2, 1)
    values = comparison_as_json(compare_conformers(SYMMETRY, SETTINGS, a, b))
    assert [values[side]["n_as_given"] for side in "ab"] == [2, 1]
    labels = [row[0] for row in comparison_rows(compare_conformers(SYMMETRY, SETTINGS, a, b))]
    assert "recall, amides of the input" in labels


def test_empty_ensemble_has_no_recall():
    nothing = ensemble("b", [0], 2, [StructureClass.FRAGMENTED])
    comparison = compare_conformers(SYMMETRY, SETTINGS, ensemble("a", [0], 1), nothing, 0.1)
    assert comparison.overlaps[0].recall is None
    assert comparison_as_json(comparison)["b"]["lowest_energy"] is None
    assert ("lowest (eV)", "-5.000000", "–") in comparison_rows(comparison)
