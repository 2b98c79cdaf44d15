"""Recall of an ensemble of relaxed embeddings on a force field."""

from dataclasses import replace

import numpy as np
import pytest

from explorer.bench.recall import OURS, embedded_molecule, measure, rows, write
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
    """Relaxed embeddings of Ac-Gly-NHMe with duplicates."""
    molecule = from_sequence("G")
    relaxed = relax_tightly(molecule, SETTINGS, embedded_starts(molecule, 4, 7)).positions
    path = tmp_path_factory.mktemp("ensemble") / "gly.extxyz"
    write_extxyz(path, molecule, list(np.asarray(relaxed, float)), [{}] * len(relaxed))
    return path


@pytest.fixture(scope="module")
def result(file):
    return measure(file, SETTINGS, 1000, WINDOW)


@pytest.mark.slow
def test_all_conformers_of_a_small_molecule_are_found(result):
    assert result["n_found"] == result["n_wanted"] >= 2
    assert len(result["found_after"]) == result["n_found"]
    assert 0 < min(result["found_after"]) <= max(result["found_after"]) <= 1000
    assert result["missed"] == []
    assert result["lowest_against_ensemble_eV"] < 1e-5  # ours includes the ensemble, so it is not higher
    assert dict(rows(result))["missed structures (kcal/mol)"] == "none"


@pytest.mark.slow
def test_missed_conformers_have_number_and_energy(file):
    short = measure(file, SETTINGS, 1, WINDOW)
    assert short["n_found"] == 0
    assert short["lowest_against_ensemble_eV"] is None
    missed = {one["structure"]: one["above_lowest_eV"] for one in short["missed"]}
    assert len(missed) == short["n_wanted"]
    assert all(0 <= energy <= WINDOW for energy in missed.values())


def test_the_start_has_the_atoms_of_the_ensemble_but_none_of_its_conformers(file):
    start, again, other = (embedded_molecule(file, seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(start.atomic_numbers, from_sequence("G").atomic_numbers)
    np.testing.assert_array_equal(start.positions, again.positions)
    assert np.abs(start.positions - other.positions).max() > 0.1


def test_a_cluster_is_refused(tmp_path):
    n = 4
    cluster = Molecule(
        name="lj4",
        atomic_numbers=np.full(n, 18),
        positions=np.eye(4)[:, :3] * 1.2,
        bonds=np.zeros((0, 2), int),
        bond_orders=np.zeros(0),
        formal_charges=np.zeros(n),
    )
    write_extxyz(tmp_path / "lj4.extxyz", replace(cluster, formal_charges=np.zeros(n, int)), [cluster.positions], [{}])
    with pytest.raises(InputError, match="has no bonds"):
        embedded_molecule(tmp_path / "lj4.extxyz", 0)


@pytest.mark.slow
def test_the_files_hold_the_figures(result, tmp_path):
    assert f"<!-- {OURS} (1) -->" in write(result, tmp_path).read_text()
    assert (tmp_path / "recall.json").is_file()
