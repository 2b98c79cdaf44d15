"""Every row that is not as it was written is found, whichever table it is in."""

import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from older import as_of_schema
from rounds import begin, make_round

from explorer.errors import StoreError
from explorer.store.read import read_run
from explorer.store.store import Store


@pytest.fixture
def path(tmp_path) -> Path:
    """The file of a run of two rounds."""
    with begin(tmp_path) as store:
        store.commit(make_round(0))
        store.commit(make_round(1))
        store.finish("time limit")
    return tmp_path / "run.sqlite"


def change(path: Path, *statements: str) -> None:
    """Change the file by another program, which knows nothing of checksums."""
    with closing(sqlite3.connect(path)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ("UPDATE minimum SET energy = energy + 1e-13 WHERE id = 3", "minimum 3"),
        ("UPDATE minimum SET energy = NULL WHERE id = 0", "minimum 0"),
        ("UPDATE hop SET reason = CAST(X'FF41' AS TEXT) WHERE id = 2", "hop 2"),
        ("UPDATE walker SET value = zeroblob(8) WHERE name = 'phase'", "walker 'phase'"),
        ("UPDATE run SET config = '{}'", "run 1"),
        ("UPDATE molecule SET total_charge = 7", "molecule 1"),
        ("UPDATE round SET n_evaluations = 5 WHERE id = 1", "round 1"),
        ("DELETE FROM hop WHERE id = 4", "hop 4"),
        ("INSERT INTO round VALUES (2, 1, 1, 1.0, 1.0, 0)", "round 2"),
        ("DELETE FROM checksum WHERE name = 'minimum' AND row = '1'", "minimum 1"),
        ("UPDATE checksum SET value = X'00' WHERE name = 'round' AND row = '0'", "round 0"),
        ("ALTER TABLE hop RENAME COLUMN ediff TO tdiff", "definition of the tables"),
        ("PRAGMA user_version = 11", "definition of the tables"),
        ("DROP TABLE checksum", "checksums is missing"),
    ],
)
def test_changed_row_is_named(path, statement, named):
    change(path, statement)
    with pytest.raises(StoreError, match=f"damaged.*{named}"):
        read_run(path)


def test_damaged_names_are_shown_in_one_printable_line(path):
    change(path, "UPDATE walker SET name = 'ph' || char(10, 7) || 'ase' WHERE name = 'phase'")
    with pytest.raises(StoreError, match="damaged") as caught:
        read_run(path)
    assert "walker 'ph ase'" in str(caught.value)
    assert str(caught.value).isprintable()


def test_many_damaged_rows_are_counted(path):
    change(path, "UPDATE hop SET ediff = 1", "UPDATE minimum SET fmax = 1")
    with pytest.raises(StoreError, match="hop 1, hop 2, hop 3, hop 4, minimum 0 and 3 more differ"):
        read_run(path)


def test_table_of_a_later_schema_has_checksums_by_itself(path):
    as_of_schema(12, path)
    change(path, "CREATE TABLE later (a TEXT, b INTEGER, value REAL, PRIMARY KEY (b, a))")
    with Store.resume(path) as store:
        rows = [("x", 1, 0.5), ("y'z", 1, -0.0)]
        with store._transaction():
            store._connection.executemany("INSERT INTO later VALUES (?, ?, ?)", rows)
    assert len(read_run(path).minima) == 4
    change(path, "UPDATE later SET value = 0.25 WHERE a = 'x'")
    with pytest.raises(StoreError, match="later 1,'x' differs"):
        read_run(path)


def test_upgraded_run_has_checksums_and_a_failed_upgrade_is_repeated(path):
    as_of_schema(6, path)
    with Store.resume(path) as store:
        with pytest.raises(ValueError, match="the next one"):
            store.commit(make_round(9))
        with pytest.raises(sqlite3.IntegrityError), store._transaction():
            store._connection.execute("INSERT INTO round VALUES (0, 1, 1, 1.0, 1.0, 0)")
        store.commit(make_round(2))
    assert len(read_run(path).minima) == 6
    change(path, "UPDATE minimum SET energy = 1.0 WHERE id = 5")
    with pytest.raises(StoreError, match="minimum 5"):
        read_run(path)


def test_no_overwritten_bytes_are_read_as_results(tmp_path):
    """80 overwrites of 1 to 32 bytes at random places: the run is refused, or read as it was written."""
    with begin(tmp_path) as store:
        store.commit(make_round(0, 100))
    path = tmp_path / "run.sqlite"
    content, energies = path.read_bytes(), [m.energy for m in read_run(path).minima]
    positions = [m.positions for m in read_run(path).minima]
    rng = np.random.default_rng(5)
    refusals = []
    for _ in range(80):
        n_bytes = int(rng.integers(1, 33))
        at = int(rng.integers(len(content) - n_bytes))
        path.write_bytes(content[:at] + rng.bytes(n_bytes) + content[at + n_bytes :])
        try:
            run = read_run(path)
        except StoreError as error:
            refusals.append(str(error))
            continue
        assert [m.energy for m in run.minima] == energies
        np.testing.assert_array_equal([m.positions for m in run.minima], positions)
    assert len(refusals) > 20  # the others hit unused space
    assert all(map(str.isprintable, refusals))
