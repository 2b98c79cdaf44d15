"""A run has one writer from its first read to its last file, and an old run is replaced by a stored one only."""

import fcntl
import os
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from rounds import CONFIG, MOLECULE, PROVENANCE, begin, make_round

from explorer.errors import ExplorerWarning, StoreError
from explorer.store.lock import RunLock
from explorer.store.read import read_run
from explorer.store.replace import claim, publish, unpublished
from explorer.store.store import Store
from explorer.workflows.session import Session

HOLDER = """
import sys, time
from pathlib import Path
from explorer.store.lock import RunLock
with RunLock(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def path(tmp_path) -> Path:
    """The file of a run of two rounds."""
    with begin(tmp_path) as store:
        store.commit(make_round(0))
        store.commit(make_round(1))
    return tmp_path / "run.sqlite"


def start_new(path: Path, lock: RunLock) -> Store:
    return Store.begin(path, MOLECULE, CONFIG, PROVENANCE, lock)


def test_another_process_is_refused_at_once_and_named_until_the_holder_is_killed(path):
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(path)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout.readline() == "held\n"
    before = path.read_bytes()
    for open_run in (Store.resume, claim, lambda file: claim(file, True), lambda file: Session.open(file, True)):
        with pytest.raises(StoreError, match=rf"written by another process \(process {holder.pid} on "):
            open_run(path)
    assert len(read_run(path).minima) == 4  # readers need no lock
    os.kill(holder.pid, signal.SIGKILL)
    holder.communicate()
    Store.resume(path).close()
    assert path.read_bytes() == before
    assert sorted(path.parent.iterdir()) == [path]


def test_a_lock_file_that_its_holder_deletes_meanwhile_is_no_lock(path, monkeypatch):
    first = RunLock(path)
    flock, opened = fcntl.flock, []

    def slow_flock(file, how):
        opened.append(file)
        if len(opened) == 1:
            first.release()  # after the second process has opened the file
        flock(file, how)

    monkeypatch.setattr(fcntl, "flock", slow_flock)
    with RunLock(path):
        assert len(opened) == 2
        assert path.with_name("run.sqlite.lock").exists()
        with pytest.raises(StoreError, match="being written"):
            RunLock(path)


def test_session_for_writing_holds_the_lock_over_all_its_transactions(path):
    with Session.open(path, writing=True) as session:
        for _ in range(2):
            with session.writing() as store:
                store.finish("done")
            with pytest.raises(StoreError, match="being written"):
                Store.resume(path)
    Store.resume(path).close()


def test_missing_run_is_no_reason_for_a_lock_file(tmp_path):
    for open_run in (Store.resume, lambda folder: Session.open(folder, writing=True)):
        with pytest.raises(StoreError, match="No run at"):
            open_run(tmp_path / "nothing")
    assert list(tmp_path.iterdir()) == []


def test_old_run_stays_until_the_first_round_of_the_new_one_is_stored(path):
    with claim(path, force=True) as lock, start_new(path, lock) as store:
        assert len(read_run(path).minima) == 4
        store.commit(make_round(0, 7))
        assert len(read_run(path).minima) == 7
        store.commit(make_round(1, 7))
    assert len(read_run(path).minima) == 14
    assert list(path.parent.iterdir()) == [path]


def test_new_run_that_ends_before_its_first_round_leaves_the_old_one(path):
    before = path.read_bytes()
    with claim(path, force=True) as lock:
        start_new(path, lock).close()
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_new_run_that_is_killed_before_its_first_round_leaves_the_old_one(path):
    before = path.read_bytes()
    unpublished(path).write_bytes(b"half of a run")
    path.with_name("run.sqlite.new-journal").write_bytes(b"its journal")
    assert path.read_bytes() == before
    with claim(path, force=True) as lock, start_new(path, lock) as store:
        store.commit(make_round(0, 7))
    assert len(read_run(path).minima) == 7


def test_folder_of_a_run_that_never_began_is_removed(tmp_path):
    begin(tmp_path / "new").close()
    assert not (tmp_path / "new").exists()


def test_journal_of_a_killed_old_run_is_not_applied_to_the_new_one(path):
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("PRAGMA cache_size = 1")  # changed pages spill into the file before the commit
    writer.execute("BEGIN IMMEDIATE")
    writer.execute("UPDATE minimum SET energy = 0.0")
    files = {name: (path.parent / name).read_bytes() for name in ("run.sqlite", "run.sqlite-journal")}
    writer.close()
    for name, content in files.items():
        (path.parent / name).write_bytes(content)
    with begin(path.parent / "other") as store:
        store.commit(make_round(0, 7))
    shutil.copy(path.parent / "other" / "run.sqlite", unpublished(path))
    publish(path)
    assert [m.energy for m in read_run(path).minima] == [m.energy for m in make_round(0, 7).minima]


def test_run_that_an_older_version_put_aside_is_found(path):
    path.rename(path.with_name("run.sqlite.replaced"))
    with pytest.warns(ExplorerWarning, match="put aside by an interrupted `run --force`"):
        assert len(read_run(path).minima) == 4
    assert path.exists()


def test_run_that_an_older_version_is_writing_is_not_replaced(path):
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="Stop the run that is writing it"):
            claim(path, force=True)
    assert not path.with_name("run.sqlite.lock").exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_folder_without_permission_is_refused_in_one_line(path):
    path.parent.chmod(stat.S_IRUSR | stat.S_IXUSR)
    for open_run in (Store.resume, claim):
        with pytest.raises(StoreError, match="cannot be written: Permission denied"):
            open_run(path)
    path.parent.chmod(stat.S_IRWXU)
