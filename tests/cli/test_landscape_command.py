"""`pes-explore landscape import`."""

import json

import networkx as nx
import numpy as np
import pytest

from explorer.landscape.pathsample import StationaryPoint, write_points


@pytest.fixture
def database(tmp_path):
    folder = tmp_path / "database"
    folder.mkdir()
    write_points([StationaryPoint(e, 1.0, 1, np.ones(3)) for e in (0.0, 1.0, 5.0)], folder / "min.data")
    write_points([StationaryPoint(3.0, 1.0, 1, np.ones(3), (1, 2))], folder / "ts.data")
    return folder


def test_a_database_becomes_a_graph_and_a_picture(pes_explore, database, tmp_path):
    out = tmp_path / "out"
    code, text, _ = pes_explore("landscape", "import", database, "--units", "kcal/mol", "--out", out)
    assert code == 0
    assert "2, the largest of 2 minima" in text
    graph = nx.node_link_graph(json.loads((out / "graph.json").read_text()), edges="edges")
    assert graph.nodes[2]["energy"] == pytest.approx(0.0433641, rel=1e-5)  # 1 kcal/mol
    assert graph.edges[1, 2, 0]["kind"] == "saddle"
    assert "relative energy (kcal/mol)" in (out / "disconnectivity.svg").read_text()
    assert pes_explore("landscape", "import", database, "--units", "eV", "--out", out)[0] == 1  # nothing is overwritten
    assert pes_explore("landscape", "import", database, "--units", "eV", "--out", out, "--force")[0] == 0


def test_the_unit_must_be_told(pes_explore, database):
    code, _, err = pes_explore("landscape", "import", database)
    assert code == 2
    assert "--units" in err
