"""Recall of an ensemble whose conformers are known: those that a search of its own found, on a force field."""

from dataclasses import replace

import numpy as np
import pytest

from explorer.bench.recall import OURS, embedded, measure, rows, write
from explorer.bench.starts import embedded_starts
from explorer.config_file import load_settings
from explorer.errors import InputError
from explorer.io.build import from_sequence
from explorer.io.write import write_extxyz
from explorer.records.molecule import Molecule
from explorer.workflows.relax import relax_tightly

SETTINGS = load_settings(overrides={"potential": "ase:explorer.bench.mmff:MMFF", "seed": 3, "hopping.n_walkers": 2})
WINDOW = 0.1301  # eV, 3 kcal/mol


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """Relaxed embeddings of Ac-Gly-NHMe, some of them the same."""
    molecule = from_sequence("G")
    relaxed = relax_tightly(molecule, SETTINGS, embedded_starts(molecule, 4, 7)).positions
    path = tmp_path_factory.mktemp("ensemble") / "gly.extxyz"
    write_extxyz(path, molecule, list(np.asarray(relaxed, float)), [{}] * len(relaxed))
    return path


@pytest.fixture(scope="module")
def result(file):
    return measure(file, SETTINGS, 1000, WINDOW)


@pytest.mark.slow
def test_a_small_molecule_is_found_whole_and_the_curve_ends_at_what_was_found(result):
    assert result["n_found"] == result["n_wanted"] >= 2
    assert len(result["found_after"]) == result["n_found"]
    assert 0 < min(result["found_after"]) <= max(result["found_after"]) <= 1000
    assert result["missed"] == []
    assert result["lowest_against_ensemble_eV"] < 1e-5  # all of the ensemble was found, so that ours is no higher
    assert dict(rows(result))["missed structures (kcal/mol)"] == "none"


@pytest.mark.slow
def test_what_no_search_had_time_for_is_missed_with_its_number_and_energy(file):
    short = measure(file, SETTINGS, 1, WINDOW)
    assert short["n_found"] == 0
    assert short["lowest_against_ensemble_eV"] is None
    missed = {one["structure"]: one["above_lowest_eV"] for one in short["missed"]}
    assert len(missed) == short["n_wanted"]
    assert all(0 <= energy <= WINDOW for energy in missed.values())


def test_the_start_has_the_atoms_of_the_ensemble_but_none_of_its_conformers(file):
    start, again, other = embedded(file, 3), embedded(file, 3), embedded(file, 4)
    np.testing.assert_array_equal(start.atomic_numbers, from_sequence("G").atomic_numbers)
    np.testing.assert_array_equal(start.positions, again.positions)
    assert np.abs(start.positions - other.positions).max() > 0.1


def test_a_cluster_is_refused(tmp_path):
    n = 4
    cluster = Molecule("lj4", np.full(n, 18), np.eye(4)[:, :3] * 1.2, np.zeros((0, 2), int), np.zeros(0), np.zeros(n))
    write_extxyz(tmp_path / "lj4.extxyz", replace(cluster, formal_charges=np.zeros(n, int)), [cluster.positions], [{}])
    with pytest.raises(InputError, match="has no bonds"):
        embedded(tmp_path / "lj4.extxyz", 0)


@pytest.mark.slow
def test_the_files_hold_the_figures(result, tmp_path):
    assert f"<!-- {OURS} (1) -->" in write(result, tmp_path).read_text()
    assert (tmp_path / "recall.json").is_file()
