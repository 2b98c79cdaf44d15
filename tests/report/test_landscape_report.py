"""Disconnectivity graph, profile and table of exchanges of a run with saddles."""

import base64
import re
from dataclasses import replace

import numpy as np
import pytest
from connected_run import write_connected_run
from scipy.spatial.distance import pdist

from explorer.analysis import run_analysis
from explorer.analysis.kinetic_model import kinetic_model
from explorer.analysis.profile import PointKind, Profile, ProfilePoint
from explorer.analysis.run_analysis import RunAnalysis
from explorer.analysis.summary import summarise
from explorer.config import Settings
from explorer.config_file import to_dict
from explorer.io.read import molecule_from_atoms
from explorer.records.run import RunRecord
from explorer.report.disconnectivity_figure import conformer_families, disconnectivity_panel
from explorer.report.html import render
from explorer.report.landscape_tables import exchanges_table
from explorer.report.path_animation import path_animation
from explorer.report.profile_figure import highest_barrier_profile, profile_panel
from explorer.report.relaxation_figure import relaxation_panel


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return write_connected_run(tmp_path_factory.mktemp("run"))


def traces(panel, name: str) -> list[dict]:
    return [trace for trace in panel.figure["data"] if trace["name"] == name]


def test_saddles_are_solid_and_bounds_are_dashed(run):
    panel = disconnectivity_panel(RunAnalysis(run))
    solid, free = traces(panel, "saddles")
    assert "dash" not in solid["line"]
    heights = {round(y, 1) for y in solid["y"] if y is not None}
    assert {2.1, 6.7, 7.5} <= heights
    (dashed, _) = traces(panel, "upper bounds, or not connected")
    assert dashed["line"]["dash"]
    # the bound of 18 kcal/mol lies above the highest saddle that joins anything, and is cut off
    assert max(y for y in dashed["y"] if y is not None) < 9
    assert free["visible"] is False


def test_free_energies_can_be_shown_in_place_of_energies(run):
    panel = disconnectivity_panel(RunAnalysis(run, 400.0))
    (switch,) = panel.figure["layout"]["updatemenus"]
    energy, free = switch["buttons"]
    assert "free energy, 400 K" in free["args"][1]["yaxis.title.text"]
    n = len(panel.figure["data"])
    assert [len(button["args"][0]["visible"]) for button in (energy, free)] == [n, n]
    assert all(a != b for a, b in zip(energy["args"][0]["visible"], free["args"][0]["visible"], strict=True))


def test_profile_leads_over_the_highest_barrier_of_low_conformers(run):
    analysis = RunAnalysis(run)
    panel = profile_panel(analysis, highest_barrier_profile(analysis))
    assert panel.title.endswith("from minimum 0 to minimum 1")
    (saddles,) = traces(panel, "saddles")
    assert (saddles["text"], saddles["y"]) == (["saddle 1"], [6.7])


def test_exchanges_have_times_in_words_and_a_saddle(run):
    block = exchanges_table(RunAnalysis(run))
    (table,) = block.parts
    assert [row.cells[0] for row in table.rows] == [3, 1, 2]
    assert table.rows[1].cells[4:] == (1, "6.70")
    assert all(re.fullmatch(r"about [\d.]+ (fs|ps|ns|µs)", row.cells[2]) for row in table.rows)
    assert "factor of 5.4" in block.explanation


def test_page_of_a_run_with_saddles_has_all_of_them(run):
    analysis = RunAnalysis(run)
    page = render(analysis, summarise(analysis))
    for key in ("panel-disconnectivity", "panel-profile", "panel-exchanges"):
        assert key in page


def test_run_without_saddles_keeps_its_dashed_graph(run):
    analysis = RunAnalysis(replace(run, transition_states=(), saddle_attempts=()))
    panel = disconnectivity_panel(analysis)
    assert not traces(panel, "saddles")
    assert np.isclose(
        max(y for y in traces(panel, "upper bounds, or not connected")[0]["y"] if y is not None), 30, atol=2
    )
    assert highest_barrier_profile(analysis) is None
    assert profile_panel(analysis, None) is path_animation(analysis, None) is None
    assert "path-animation" not in render(analysis, summarise(analysis))
    assert exchanges_table(analysis) is None


def test_table_asks_for_vibrations_where_they_are_missing(tmp_path):
    block = exchanges_table(RunAnalysis(write_connected_run(tmp_path, complete=False)))
    assert "pes-explore rates RUN" in block.absent


def test_leaves_are_grouped_by_their_hydrogen_bonds(run):
    analysis = RunAnalysis(run)
    groups = conformer_families(analysis)
    assert sorted(i for *_, ids in groups for i in ids) == sorted(m.id for m in run.conformers)
    assert [name for name, *_ in groups] == ["C7", "no hydrogen bond"]
    assert groups[0][-1] == [0, 1]
    assert len({colour for _, _, colour, _ in groups}) == 2


def test_populations_relax_from_one_conformer_to_equilibrium(run):
    analysis = RunAnalysis(run)
    panel = relaxation_panel(analysis)
    lines = {trace["name"]: np.array(trace["y"]) for trace in panel.figure["data"]}
    assert np.allclose(sum(lines.values()), 1.0, atol=1e-3)
    network = kinetic_model(analysis).certified
    joined = network.restricted(np.flatnonzero(np.isin(network.ids, [0, 1, 2, 3])))  # minima that saddles join
    equilibrium = np.exp(joined.log_populations())
    of_c7 = equilibrium[np.isin(joined.ids, [0, 1])].sum()
    assert np.isclose(lines["C7"][-1], of_c7, atol=2e-3)
    start = int(panel.title.rsplit(" ", 1)[-1])
    first = "C7" if start in (0, 1) else "no hydrogen bond"
    assert lines[first][0] > 0.9


def test_a_report_computes_its_networks_of_rates_once(run, monkeypatch):
    made = []
    monkeypatch.setattr(run_analysis, "kinetic_model", lambda analysis: made.append(0) or kinetic_model(analysis))
    analysis = RunAnalysis(run)
    render(analysis, summarise(analysis))
    assert len(made) == 1


def test_without_saddles_nothing_relaxes(run):
    assert relaxation_panel(RunAnalysis(replace(run, transition_states=()))) is None


def test_animation_passes_through_the_structures_of_the_run_and_keeps_bonds_between_them(run):
    analysis = RunAnalysis(run)
    path = path_animation(analysis, highest_barrier_profile(analysis))
    frames = np.frombuffer(base64.b64decode(path["frames"]["int16"]), "<i2") * path["frames"]["resolution"]
    frames = frames.reshape(path["frames"]["count"], -1, 3)
    assert path["labels"] == ["minimum 0, 0.00 kcal/mol", "saddle 1, 6.70 kcal/mol", "minimum 1, 1.40 kcal/mol"]
    assert path["stops"] == [0, 8, 16]
    stored = (run.minima[0], run.transition_states[1], run.minima[1])
    for stop, structure in zip(path["stops"], stored, strict=True):
        assert pdist(frames[stop]) == pytest.approx(pdist(structure.positions), abs=0.01)
    first, second = run.molecule.bonds.T
    lengths = np.linalg.norm(frames[:, first] - frames[:, second], axis=2)
    assert np.abs(lengths / lengths[0] - 1).max() < 0.2
    assert np.linalg.norm(np.diff(frames, axis=0), axis=2).max() < 1.0, "no frame jumps"
    page = render(analysis, summarise(analysis))
    assert 'id="path-frame" type="range"' in page
    assert "interpolated: bonds turn evenly" in page


def test_animation_of_a_cluster_has_no_bonds_to_turn():
    triangle = np.array([[0.0, 0, 0], [1.1, 0, 0], [0.5, 0.95, 0]])
    molecule = molecule_from_atoms(np.array([18, 18, 18]), triangle, "Ar3", None, None)
    config, minima = to_dict(replace(Settings(), potential="lennard-jones")), ()
    run = RunRecord(molecule=molecule, config=config, provenance={}, minima=minima, hops=(), rounds=())
    opened = triangle + np.array([[0.0, 0, 0], [0.4, 0, 0], [0, 0, 0]])
    kinds = (PointKind.MINIMUM, PointKind.SADDLE, PointKind.MINIMUM)
    points = [ProfilePoint(kind, 0, 0.0, at) for kind, at in zip(kinds, (triangle, opened, triangle), strict=True)]
    path = path_animation(RunAnalysis(run), Profile(points=tuple(points)))
    frames = np.frombuffer(base64.b64decode(path["frames"]["int16"]), "<i2").reshape(17, 3, 3)
    assert np.linalg.norm(np.diff(frames * path["frames"]["resolution"], axis=0), axis=2).max() < 0.1
