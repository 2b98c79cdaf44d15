"""Dynamics and the check against a reference in the page and in the summary."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import spearmanr

from explorer.records.trajectories import ThermodynamicEnsemble, Trajectory
from explorer.report.html import render
from explorer.report.stability import groups, stability, stability_rows, survival
from explorer.report.summary import summarise, summary_table
from explorer.report.validation_figures import rank_correlation, rmsd_panel, validation_panel
from explorer.report.view import View

FREE, HEATED = ThermodynamicEnsemble.CONSTANT_ENERGY, ThermodynamicEnsemble.THERMOSTATTED
TRAJECTORIES = (
    Trajectory(FREE, 300.0, 0, 3, 20.0, "", "", 297.0, 0.01, 0.05),
    Trajectory(FREE, 300.0, 1, 3, 20.0, "", "", 301.0, -0.03, 0.05),
    Trajectory(HEATED, 500.0, 0, 3, 4.5, "proton-transferred", "H <moved>", 503.0),
    Trajectory(HEATED, 500.0, 1, 3, 9.0, "clashed", "C1 and C2", 505.0),
    Trajectory(HEATED, 500.0, 2, 3, 20.0, "", "", 501.0),
)


@pytest.fixture
def view(synthetic_run):
    return View(replace(synthetic_run, trajectories=TRAJECTORIES))


def test_groups_are_counted_and_their_worst_is_told():
    assert [(ensemble, t, len(m)) for ensemble, t, m in groups(TRAJECTORIES)] == [(FREE, 300.0, 2), (HEATED, 500.0, 3)]
    assert stability_rows(TRAJECTORIES) == [
        ("constant energy", "300", "299", "2 of 2", "–", "20.0", "0.03"),
        ("thermostatted", "500", "503", "1 of 3", "4.5", "20.0", "–"),
    ]


def test_curves_fall_where_trajectories_fail(view):
    free, heated = survival(view).figure["data"]
    assert (free["x"], free["y"]) == ([0, 20.0], [2, 2])
    assert (heated["x"], heated["y"]) == ([0, 4.5, 9.0, 20.0], [3, 2, 1, 1])


def test_page_and_summary_tell_what_failed(view):
    page = render(view.run)
    assert "panel-survival" in page
    assert "H &lt;moved&gt;" in page
    summary = summarise(view.run)["stability"]
    assert (summary["n_trajectories"], summary["n_held"], summary["picoseconds"]) == (5, 3, 20.0)
    assert summary["trajectories"][2]["drift"] is None
    assert dict(summary_table(view.run))["stability"] == "3 of 5 trajectories hold for 20 ps"
    assert len(stability(view).parts[1].rows) == 2


def test_run_without_dynamics_says_how_to_make_them(synthetic_run):
    assert survival(View(synthetic_run)) is None
    assert "--stability" in stability(View(synthetic_run)).absent
    assert summarise(synthetic_run)["stability"] is None


def test_order_of_energies_and_moved_minima_are_shown(synthetic_run):
    record = synthetic_run.validation
    expected = spearmanr(record.energy, record.reference_energy)[0]
    assert rank_correlation(record) == pytest.approx(expected)
    assert f"{expected:.2f}" in validation_panel(View(synthetic_run)).explanation
    figure = rmsd_panel(View(synthetic_run)).figure
    shown = {trace["name"]: trace["customdata"] for trace in figure["data"]}
    assert shown["moved away"] == record.ids[-2:].tolist()
    assert np.allclose(figure["data"][1]["y"], record.rmsd[-2:], atol=1e-3)
    assert np.isnan(rank_correlation(replace(record, energy=np.zeros(len(record.ids)))))
