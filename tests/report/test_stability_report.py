"""Stability test and validation in the report and in the summary."""

from dataclasses import replace

import numpy as np
import pytest
from pages import page_of, summary_of, table_of
from scipy.stats import spearmanr

from explorer.analysis.run_analysis import RunAnalysis
from explorer.analysis.validation import energy_rank_correlation
from explorer.records.trajectories import ThermodynamicEnsemble, Trajectory
from explorer.report.stability import groups, stability, stability_rows, survival
from explorer.report.validation_figures import rmsd_panel, validation_panel

FREE, HEATED = ThermodynamicEnsemble.CONSTANT_ENERGY, ThermodynamicEnsemble.THERMOSTATTED
TRAJECTORIES = (
    Trajectory(
        ensemble=FREE,
        temperature=300.0,
        seed=0,
        minimum=3,
        picoseconds=20.0,
        failure="",
        reason="",
        mean_temperature=297.0,
        drift=0.01,
        fluctuation=0.05,
    ),
    Trajectory(
        ensemble=FREE,
        temperature=300.0,
        seed=1,
        minimum=3,
        picoseconds=20.0,
        failure="",
        reason="",
        mean_temperature=301.0,
        drift=-0.03,
        fluctuation=0.05,
    ),
    Trajectory(
        ensemble=HEATED,
        temperature=500.0,
        seed=0,
        minimum=3,
        picoseconds=4.5,
        failure="proton-transferred",
        reason="H <moved>",
        mean_temperature=503.0,
    ),
    Trajectory(
        ensemble=HEATED,
        temperature=500.0,
        seed=1,
        minimum=3,
        picoseconds=9.0,
        failure="clashed",
        reason="C1 and C2",
        mean_temperature=505.0,
    ),
    Trajectory(
        ensemble=HEATED,
        temperature=500.0,
        seed=2,
        minimum=3,
        picoseconds=20.0,
        failure="",
        reason="",
        mean_temperature=501.0,
    ),
)


@pytest.fixture
def analysis(synthetic_run):
    return RunAnalysis(replace(synthetic_run, trajectories=TRAJECTORIES))


def test_rows_have_the_counts_and_the_worst_values_of_a_group():
    assert [(ensemble, t, len(m)) for ensemble, t, m in groups(TRAJECTORIES)] == [(FREE, 300.0, 2), (HEATED, 500.0, 3)]
    assert stability_rows(TRAJECTORIES) == [
        ("constant energy", "300", "299", "2 of 2", "–", "20.0", "0.03"),
        ("thermostatted", "500", "503", "1 of 3", "4.5", "20.0", "–"),
    ]


def test_curves_fall_where_trajectories_fail(analysis):
    free, heated = survival(analysis).figure["data"]
    assert (free["x"], free["y"]) == ([0, 20.0], [2, 2])
    assert (heated["x"], heated["y"]) == ([0, 4.5, 9.0, 20.0], [3, 2, 1, 1])


def test_page_and_summary_list_failures(analysis):
    page = page_of(analysis.run)
    assert "panel-survival" in page
    assert "H &lt;moved&gt;" in page
    summary = summary_of(analysis.run)["stability"]
    assert (summary["n_trajectories"], summary["n_held"], summary["picoseconds"]) == (5, 3, 20.0)
    assert summary["trajectories"][2]["drift"] is None
    assert table_of(analysis.run)["stability"] == "3 of 5 trajectories keep all bonds for 20 ps"
    assert len(stability(analysis).parts[1].rows) == 2


def test_report_without_dynamics_names_the_command(synthetic_run):
    assert survival(RunAnalysis(synthetic_run)) is None
    assert "--stability" in stability(RunAnalysis(synthetic_run)).absent
    assert summary_of(synthetic_run)["stability"] is None


def test_order_of_energies_and_moved_minima_are_shown(synthetic_run):
    record = synthetic_run.validation
    expected = spearmanr(record.energy, record.reference_energy)[0]
    assert energy_rank_correlation(record) == pytest.approx(expected)
    assert f"{expected:.2f}" in validation_panel(RunAnalysis(synthetic_run)).explanation
    figure = rmsd_panel(RunAnalysis(synthetic_run)).figure
    shown = {trace["name"]: trace["customdata"] for trace in figure["data"]}
    assert shown["other conformer"] == record.ids[-2:].tolist()
    assert np.allclose(figure["data"][1]["y"], record.rmsd[-2:], atol=1e-3)
    assert np.isnan(energy_rank_correlation(replace(record, energy=np.zeros(len(record.ids)))))
