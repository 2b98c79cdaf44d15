"""First encounters with minima whose energies are in the Cambridge Cluster Database."""

import json

import numpy as np
import pytest
from scipy.spatial.distance import pdist

from explorer.bench.first_encounter import Encounter, measure, rows, summarise, write
from explorer.bench.systems import START_DISTANCE, random_cluster
from explorer.config_file import load_settings

SETTINGS = load_settings(overrides={"potential": "lennard-jones", "hopping.n_walkers": 4})
LJ7, LJ13 = -16.505384, -44.326801


@pytest.fixture(scope="module")
def lj13():
    return measure(SETTINGS, 13, LJ13, range(3), 60_000)


def test_the_icosahedron_is_reached(lj13):
    assert lj13["n_met"] == 3
    assert lj13["n_cut"] == 0
    assert all(search["lowest"] == pytest.approx(LJ13, abs=1e-4) for search in lj13["searches"])
    calls = [search["n_evaluations"] for search in lj13["searches"]]
    assert 0 < min(calls) <= max(calls) < 60_000
    assert lj13["mean_calls"] == pytest.approx(np.mean(calls))


def test_searches_with_one_seed_are_equal(lj13):
    again = measure(SETTINGS, 13, LJ13, [2], 60_000)["searches"][0]
    before = lj13["searches"][2]
    assert {**again, "seconds": 0} == {**before, "seconds": 0}


def test_an_energy_below_the_lowest_is_never_reached_and_searches_end_at_the_limit():
    result = measure(SETTINGS, 7, LJ7 - 0.01, range(2), 3000)
    assert result["n_met"] == 0
    assert result["n_cut"] == 2
    assert result["mean_calls"] is None
    assert all(3000 <= s["n_evaluations"] < 3000 + 2 * 4 * 16 + 400 for s in result["searches"])
    assert "never reached" in dict(rows(result))["mean first encounter"]


def test_the_mean_includes_searches_that_reach_the_limit():
    """Exponential waiting times of mean 1000, cut at 1200: the estimate is unbiased where the mean of hits is not."""
    times = np.random.default_rng(0).exponential(1000, 20_000)
    encounters = [Encounter(k, t <= 1200, int(min(t, 1200)), 0.0, 0.0) for k, t in enumerate(times)]
    result = summarise(encounters)
    assert result["mean_calls"] == pytest.approx(1000, rel=0.03)
    assert result["standard_error"] == pytest.approx(result["mean_calls"] / result["n_met"] ** 0.5)
    assert result["median_calls_of_hits"] < 600


def test_starts_are_compact_without_overlaps_and_different():
    one, other = random_cluster(38, 1).positions, random_cluster(38, 2).positions
    assert pdist(one).min() >= START_DISTANCE
    assert np.linalg.norm(one, axis=1).max() <= 0.75 * 38 ** (1 / 3)
    assert np.abs(one - other).max() > 0.5
    np.testing.assert_array_equal(one, random_cluster(38, 1).positions)


def test_files_hold_every_search(lj13, tmp_path):
    assert "<!-- pes-explore (1) -->" in write(lj13, tmp_path).read_text()
    stored = json.loads((tmp_path / "first-encounter.json").read_text())
    assert len(stored["searches"]) == 3
    assert stored["settings"]["hopping"]["n_walkers"] == 4
