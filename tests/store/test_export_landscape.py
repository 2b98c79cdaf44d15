"""Exported networks: read back by networkx, and as rates that equal those of the run itself."""

import json
from dataclasses import replace

import networkx as nx
import numpy as np
import pytest
from connected_run import SADDLES, write_connected_run

from explorer.analysis.kinetic_model import kinetic_model
from explorer.analysis.run_analysis import RunAnalysis
from explorer.errors import ExplorerWarning
from explorer.landscape.databases import database_network, read_database
from explorer.store.export import export
from explorer.units import BOLTZMANN


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return write_connected_run(tmp_path_factory.mktemp("run"))


def test_pathsample_files_give_the_classical_rates_of_the_run(run, tmp_path):
    paths = export(run, tmp_path, ["pathsample"])
    assert [path.name for path in paths] == ["min.data", "ts.data"]
    found = database_network(read_database(tmp_path), BOLTZMANN * 300.0).rate_matrix().toarray()
    expected = kinetic_model(RunAnalysis(run), 300.0, classical=True).certified.rate_matrix().toarray()
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert len((tmp_path / "ts.data").read_text().splitlines()) == len(SADDLES)


def test_missing_vibrations_are_warned_about(tmp_path):
    run = write_connected_run(tmp_path / "run", complete=False)
    with pytest.warns(ExplorerWarning, match="4 of 4 saddles between different minima have no known vib"):
        export(run, tmp_path / "out", ["pathsample"])


def test_vibrations_that_no_rate_depends_on_may_be_missing(run, tmp_path, recwarn):
    lowest_two = [replace(s, wavenumbers=s.wavenumbers[:2]) if s.is_degenerate else s for s in run.transition_states]
    assert any(s.is_degenerate for s in lowest_two)
    export(replace(run, transition_states=tuple(lowest_two)), tmp_path, ["pathsample"])
    assert [str(w.message) for w in recwarn] == []
    assert len((tmp_path / "ts.data").read_text().splitlines()) == len(SADDLES)


def test_json_and_graphml_hold_saddles_with_units(run, tmp_path):
    export(run, tmp_path, ["json", "graphml"])
    graphs = [
        nx.node_link_graph(json.loads((tmp_path / "graph.json").read_text()), edges="edges"),
        nx.read_graphml(tmp_path / "graph.graphml", node_type=int, force_multigraph=True),
    ]
    for graph in graphs:
        saddles = {e["id"]: (a, b, e) for a, b, e in graph.edges(data=True) if e["kind"] == "saddle"}
        assert sorted(saddles) == [0, 1, 2, 3, 4]
        for id, (a, b, _) in enumerate(SADDLES):
            assert {*saddles[id][:2]} == {a, b}
            assert saddles[id][2]["energy_eV"] == run.transition_states[id].energy
            assert saddles[id][2]["imaginary_per_cm"] == 50 + id
            assert saddles[id][2]["degenerate"] == (a == b)
        bounds = [e["upper_bound_eV"] for *_, e in graph.edges(data=True) if e["kind"] == "escape"]
        assert len(bounds) == 2
