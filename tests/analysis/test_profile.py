"""Profiles of paths: points in order, structures aligned, bounds and lower paths told."""

from itertools import pairwise

import numpy as np
import pytest
from connected_run import write_connected_run

from explorer.analysis.profile import PointKind, lowest_barrier_profile
from explorer.analysis.profile_table import fastest_profiles, profile_rows
from explorer.analysis.run_analysis import RunAnalysis
from explorer.similarity.alignment import rmsd
from explorer.units import KCAL_PER_MOL


@pytest.fixture(scope="module")
def analysis(tmp_path_factory):
    return RunAnalysis(write_connected_run(tmp_path_factory.mktemp("run")))


def test_profile_runs_over_the_lowest_saddles(analysis):
    profile = lowest_barrier_profile(analysis, [2], [3])
    assert [(point.kind.value, point.id) for point in profile.points] == [
        ("minimum", 2), ("saddle", 0), ("minimum", 0), ("saddle", 1), ("minimum", 1), ("saddle", 2), ("minimum", 3),
    ]  # fmt: skip
    assert profile.barrier / KCAL_PER_MOL == pytest.approx(7.5 - 1.9)
    assert profile.remarks == ()
    assert profile_rows(analysis, profile)[1] == ("1", "saddle 0", "2.10")


def test_structures_are_aligned_without_being_changed(analysis):
    points = lowest_barrier_profile(analysis, [0], [3]).points
    for before, after in pairwise(points):
        direct = np.sqrt(((before.positions - after.positions) ** 2).sum() / len(before.positions))
        assert direct == pytest.approx(rmsd(analysis.symmetry, before.positions, after.positions), abs=1e-6)
    last = analysis.run.minima[3].positions
    assert rmsd(analysis.symmetry, points[-1].positions, last) < 1e-6


def test_bound_stands_in_for_a_missing_saddle_and_is_said(analysis):
    profile = lowest_barrier_profile(analysis, [2], [4])
    assert [point.kind for point in profile.points][-2] == PointKind.BOUND
    assert profile.points[-2].positions is None
    assert "1 step of 2 only with an upper bound" in profile.remarks[0]
    assert lowest_barrier_profile(analysis, [0], [5]) is None


def test_set_of_minima_starts_from_its_lowest(analysis):
    assert lowest_barrier_profile(analysis, [3, 1], [2, 0]).points[0].id == 1


def test_fastest_paths_are_profiles_in_order(analysis):
    profiles = fastest_profiles(analysis, [0], [1], 2)
    assert [[p.id for p in profile.points] for profile in profiles] == [[0, 1, 1], [0, 0, 2, 4, 1]]
    assert profiles[0].remarks[0].startswith("Path 1: taken without a step back")
