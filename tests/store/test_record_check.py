"""Values of a run that no run has end in one line when it is read."""

import sqlite3

import numpy as np
import pytest
from rounds import begin, make_round

from explorer.errors import StoreError
from explorer.store.checksums import rewrite_checksums
from explorer.store.database import pack
from explorer.store.read import read_run


@pytest.fixture
def run(tmp_path):
    with begin(tmp_path) as store:
        store.commit(make_round(0))
        store.commit(make_round(1))
    return tmp_path / "run.sqlite"


def write(run, statement: str, *values: object) -> None:
    """Change the file as a program would that knows of the checksums, which say nothing of what makes sense."""
    with sqlite3.connect(run) as connection:
        connection.execute(statement, values)
        rewrite_checksums(connection)
    connection.close()


def test_a_run_as_it_was_stored_is_read(run):
    assert len(read_run(run).minima) == 4


@pytest.mark.parametrize(
    ("statement", "value", "reason"),
    [
        ("UPDATE minimum SET energy = ? WHERE id = 1", "low", "energy of minimum 1 must be a number, received 'low'"),
        ("UPDATE minimum SET energy = ? WHERE id = 1", None, "energy of minimum 1 must be finite"),
        ("UPDATE minimum SET energy = ? WHERE id = 1", float("inf"), "energy of minimum 1 must be finite"),
        ("UPDATE minimum SET class = ? WHERE id = 1", "melted", "melted"),
        ("UPDATE minimum SET round = ? WHERE id = 1", 99, "round of minimum 1"),
        ("UPDATE minimum SET n_evaluations = ? WHERE id = 1", -5, "n_evaluations of minimum 1"),
        ("UPDATE minimum SET positions = ? WHERE id = 1", pack(np.zeros((3, 3))), "positions of minimum 1"),
        ("UPDATE minimum SET positions = ? WHERE id = 1", pack(np.full((19, 3), np.nan)), "positions of minimum 1"),
        ("UPDATE minimum SET positions = ? WHERE id = 1", "text", "damaged"),
        ("UPDATE minimum SET trust_level = ? WHERE id = 1", "sure", "sure"),
        ("UPDATE hop SET start = ? WHERE id = 2", 77, "start of hop"),
        ('UPDATE hop SET "end" = ? WHERE id = 2', 77, "names a minimum that is not stored"),
        ("UPDATE hop SET outcome = ? WHERE id = 2", "lost", "lost"),
        ("UPDATE hop SET move = ? WHERE id = 2", "teleport", "teleport"),
        ("UPDATE hop SET n_evaluations = ? WHERE id = 2", "many", "n_evaluations of hop"),
        ("UPDATE hop SET temperature = ? WHERE id = 2", b"hot", "temperature of hop"),
        ("UPDATE round SET n_minima = ? WHERE id = 1", 10**9, "n_minima of round 1"),
        ("UPDATE round SET wall_seconds = ? WHERE id = 1", -3.0, "times of round 1"),
        ("UPDATE molecule SET total_charge = ?", 10**6, "total_charge"),
        ("UPDATE molecule SET multiplicity = ?", 0, "multiplicity"),
        ("UPDATE molecule SET atom_names = ?", "[1, 2]", "atom_names"),
        ("UPDATE molecule SET atom_names = ?", "not json", "atom_names|Expecting value"),
        ("UPDATE molecule SET bonds = ?", pack(np.array([[0, 500]])), "bonds must be indices below"),
        ("UPDATE molecule SET atomic_numbers = ?", pack(np.full(19, 300)), "between 1 and 118"),
        ("UPDATE run SET config = ?", '{"seed": "none"}', "settings .seed must be a whole number"),
        ("UPDATE run SET config = ?", "[]", "holds what no run has"),
        ("UPDATE run SET config = ?", "[" * 100_000, "holds what no run has"),
        ("UPDATE run SET provenance = ?", '{"version": 3}', "provenance"),
    ],
)
def test_a_value_that_no_run_has_is_refused_in_one_line(run, statement, value, reason):
    write(run, statement, value)
    with pytest.raises(StoreError, match=reason) as refusal:
        read_run(run)
    assert str(run) in str(refusal.value) or "array of the run is damaged" in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("table", ["run", "molecule"])
def test_a_missing_row_is_refused(run, table):
    write(run, f"DELETE FROM {table}")
    with pytest.raises(StoreError, match="holds what no run has"):
        read_run(run)
