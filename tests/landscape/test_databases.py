"""Databases of PATHSAMPLE and pele: both give the same graph, and what is damaged is named."""

import sqlite3
from contextlib import closing

import networkx as nx
import numpy as np
import pytest

from explorer.errors import InputError
from explorer.landscape.databases import database_graph, read_database
from explorer.landscape.disconnectivity import disconnectivity
from explorer.landscape.pathsample import StationaryPoint, write_points

MINIMA = [(-3.0, 70.0, 20), (-2.5, 69.0, 6), (-2.4, 68.0, 2)]
SADDLES = [(-2.0, 65.0, 2, (1, 2)), (-1.0, 66.0, 4, (2, 2)), (-1.5, 64.0, 1, (1, 3))]


@pytest.fixture
def pathsample(tmp_path):
    write_points([StationaryPoint(*m, np.ones(3)) for m in MINIMA], tmp_path / "min.data")
    write_points([StationaryPoint(*s[:3], np.ones(3), s[3]) for s in SADDLES], tmp_path / "ts.data")
    return tmp_path


@pytest.fixture
def pele(tmp_path):
    """A database with the tables of pele; its pickled structures are not valid and must not be read."""
    path = tmp_path / "pele.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(
            "CREATE TABLE tbl_minima (_id INTEGER PRIMARY KEY, energy FLOAT, coords BLOB, fvib FLOAT, "
            "pgorder INTEGER, invalid INTEGER, user_data BLOB)"
        )
        connection.execute(
            "CREATE TABLE tbl_transition_states (_id INTEGER PRIMARY KEY, energy FLOAT, coords BLOB, "
            "_minimum1_id INTEGER, _minimum2_id INTEGER, eigenval FLOAT, eigenvec BLOB, fvib FLOAT, pgorder INTEGER, "
            "invalid INTEGER, user_data BLOB)"
        )
        for k, (energy, log_product, order) in enumerate(MINIMA, start=1):
            values = (k, energy, b"no pickle", log_product, order, 0)
            connection.execute("INSERT INTO tbl_minima VALUES (?, ?, ?, ?, ?, ?, NULL)", values)
        connection.execute("INSERT INTO tbl_minima VALUES (9, -9.0, NULL, NULL, NULL, 1, NULL)")  # invalid
        for k, (energy, log_product, order, (a, b)) in enumerate(SADDLES, start=1):
            values = (k, energy, a, b, log_product, order)
            connection.execute(
                "INSERT INTO tbl_transition_states VALUES (?, ?, NULL, ?, ?, -1.0, NULL, ?, ?, NULL, NULL)", values
            )
        connection.commit()
    return path


def test_both_databases_give_the_same_graph(pathsample, pele):
    first, second = (database_graph(read_database(path), 0.5) for path in (pathsample, pele))
    assert nx.utils.graphs_equal(first, second)
    assert first.nodes[2] == {"energy": -1.25, "relative_energy": 0.25}
    assert first.edges[1, 3, 0]["energy"] == -0.75
    assert first.edges[2, 2, 0]["degenerate"]
    merges = [v["energy"] for _, v in disconnectivity(first).nodes(data=True) if "certified" in v]
    assert merges == [-1.0, -0.75]


def test_vibrations_of_both_are_the_same(pathsample, pele):
    first, second = read_database(pathsample), read_database(pele)
    for number, point in first.saddles.items():
        assert point[:3] == second.saddles[number][:3]
        assert point.ends == second.saddles[number].ends


def test_damage_is_named(pathsample, tmp_path):
    with (pathsample / "ts.data").open("a") as stream:
        stream.write("1.0 2.0 1 1 7 1 1 1\n")
    with pytest.raises(InputError, match=r"Transition state 4 .* joins minimum 7, which does not exist"):
        read_database(pathsample)
    with pytest.raises(InputError, match="does not exist"):
        read_database(tmp_path / "missing")
    (tmp_path / "text").write_text("no database, but a text that is long enough to be one")
    with pytest.raises(InputError, match="could not be read as a database of pele"):
        read_database(tmp_path / "text")
