"""Benchmark of the estimated number of minima: counting of intervals, and a complete search of LJ7."""

import json

import pytest

from explorer.bench.coverage import CoverageTrial, measure, rows, share_held, write
from explorer.config_file import load_settings

SETTINGS = load_settings(overrides={"potential": "lennard-jones"})


def test_an_interval_holds_its_ends_and_its_interior():
    intervals = [(4.0, 4.0), (3.0, 5.0), (5.0, 9.0), (2.0, 3.9)]
    trials = [CoverageTrial(k, 50, 3, 4.0, *ends) for k, ends in enumerate(intervals)]
    assert share_held([*trials, CoverageTrial(0, 100, 4, 4.0, 4.0, 4.0)], 4) == {50: 0.5, 100: 1.0}


def test_two_searches_of_lj7_find_its_four_minima(tmp_path):
    result = measure(SETTINGS, 7, range(2), (60, 20))
    assert [(one["seed"], one["wanted"]) for one in result["searches"]] == [(0, 20), (0, 60), (1, 20), (1, 60)]
    assert [one["n_seen"] for one in result["searches"] if one["wanted"] == 60] == [4, 4]
    assert result["held"][60] == 1
    assert dict(rows(result))["cluster"] == "LJ7, 4 minima"
    assert json.loads(write(result, tmp_path).read_text())["searches"][0]["estimate"] == pytest.approx(4, abs=1)
