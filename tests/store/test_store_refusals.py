"""The store refuses locked, foreign, damaged and newer files with clear errors."""

import resource
import sqlite3

import pytest
from rounds import begin, make_round

from explorer.errors import StoreError
from explorer.store import database
from explorer.store.read import read_run
from explorer.store.store import Store


def test_second_writer_is_refused_and_readers_are_not(tmp_path):
    with begin(tmp_path) as store:
        with pytest.raises(StoreError, match="being written by another process"):
            begin(tmp_path)
        store.commit(make_round(0))
        with pytest.raises(StoreError, match="being written by another process"):
            Store.resume(tmp_path)
        assert len(read_run(tmp_path).minima) == 2
        store.commit(make_round(1))
    Store.resume(tmp_path).close()


def test_locked_file_is_reported(tmp_path, monkeypatch):
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.05)
    with begin(tmp_path) as store:
        store.commit(make_round(0))
    other = sqlite3.connect(tmp_path / "run.sqlite", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StoreError, match="being written by another process"):
        read_run(tmp_path)
    other.close()


def test_existing_run_is_not_overwritten(tmp_path):
    with begin(tmp_path) as store:
        store.commit(make_round(0))
    with pytest.raises(StoreError, match="--resume"):
        begin(tmp_path)


@pytest.mark.parametrize("open_run", [Store.resume, read_run])
def test_missing_file_is_named(tmp_path, open_run):
    for path in (tmp_path, tmp_path / "nowhere" / "run.sqlite"):
        with pytest.raises(StoreError, match=r"No run at .*run\.sqlite"):
            open_run(path)


@pytest.mark.parametrize("open_run", [Store.resume, read_run])
def test_wrong_file_is_refused(tmp_path, open_run):
    path = tmp_path / "run.sqlite"
    path.write_text("not a database, but long enough to look at its first hundred bytes" * 3)
    with pytest.raises(StoreError, match="damaged or not a run"):
        open_run(path)
    path.write_bytes(b"")
    with pytest.raises(StoreError, match="is not a run of pes-explore"):
        open_run(path)
    path.unlink()
    foreign = sqlite3.connect(path)
    foreign.execute("CREATE TABLE run (one INTEGER)")
    foreign.close()
    with pytest.raises(StoreError, match="is not a run of pes-explore"):
        open_run(path)


def test_damaged_file_is_refused(tmp_path):
    with begin(tmp_path) as store:
        store.commit(make_round(0, 50))
    path = tmp_path / "run.sqlite"
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(StoreError, match="damaged"):
        read_run(path)


def test_damaged_array_is_refused(tmp_path):
    with begin(tmp_path) as store:
        store.commit(make_round(0))
    other = sqlite3.connect(tmp_path / "run.sqlite")
    other.execute("UPDATE minimum SET positions = X'00112233'")
    other.execute("DROP TABLE checksum")  # as in a run of an older version
    other.execute("PRAGMA user_version = 11")
    other.commit()
    other.close()
    with pytest.raises(StoreError, match="array of the run is damaged"):
        read_run(tmp_path)


def test_newer_schema_is_refused(tmp_path):
    with begin(tmp_path) as store:
        store.commit(make_round(0))
    other = sqlite3.connect(tmp_path / "run.sqlite")
    other.execute(f"PRAGMA user_version = {database.SCHEMA_VERSION + 1}")
    other.close()
    with pytest.raises(StoreError, match="newer pes-explore"):
        Store.resume(tmp_path)


def test_full_disk_at_the_begin_of_a_run_is_named(tmp_path):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8192, hard))
    try:
        with pytest.raises(StoreError, match=r"cannot be used: .*(full|I/O error).* free disk space"):
            begin(tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(tmp_path.iterdir()) == []
