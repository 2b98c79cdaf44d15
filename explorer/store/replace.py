"""Claim of a folder for a new run, and replacement of an old run once the first round of the new one is stored."""

import os
import sqlite3
import warnings
from contextlib import closing, suppress
from pathlib import Path

from explorer.errors import ExplorerWarning, StoreError
from explorer.store.lock import RunLock


def claim(path: Path, force: bool = False) -> RunLock:
    """Take the lock of a run that is to be started.

    Args:
        path: File of the run.
        force: Whether an existing run may be replaced. It stays until the first round of the new run is stored.

    Returns:
        The lock.

    Raises:
        StoreError: If another process is writing there, if there is a run, or if the folder cannot be written.
    """
    restore_replaced(path)
    lock = RunLock(path)
    try:
        if path.exists() and path.stat().st_size > 0:
            if not force:
                raise StoreError(f"A run exists at {path}. Continue it with --resume, or choose another --out.")
            _check_idle(path)
    except BaseException:
        lock.release()
        raise
    return lock


def unpublished(path: Path) -> Path:
    """Return the file that holds a run until its first round is stored."""
    return path.with_name(f"{path.name}.new")


def publish(path: Path) -> None:
    """Give the file of a new run its name. It replaces an existing run.

    Args:
        path: File of the run; that of the new one is `unpublished(path)`, and no connection to it is open.
    """
    if path.exists():
        _finish_journal(path)
    unpublished(path).replace(path)
    _aside(path).unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # the new name survives a power failure
    finally:
        os.close(folder)


def restore_replaced(path: Path) -> None:
    """Give a run its name back that an interrupted `--force` of an earlier version had put aside.

    Args:
        path: File of the run.
    """
    if _aside(path).exists() and not path.exists():
        with suppress(OSError):  # in a folder that cannot be written; then there is no run
            _aside(path).replace(path)
            message = f"{path} was put aside by an interrupted `run --force`, and has its name again."
            warnings.warn(message, ExplorerWarning, stacklevel=2)


def _aside(path: Path) -> Path:
    return path.with_name(f"{path.name}.replaced")


def _finish_journal(path: Path) -> None:
    """Let SQLite roll an old run back if it was killed; its journal must not be applied to the new run."""
    with suppress(sqlite3.Error), closing(sqlite3.connect(path, timeout=0.0, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("ROLLBACK")
    path.with_name(f"{path.name}-journal").unlink(missing_ok=True)


def _check_idle(path: Path) -> None:
    """Refuse to replace a run that a version without lock files is writing."""
    try:
        with closing(sqlite3.connect(path, timeout=0.0, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")
    except sqlite3.OperationalError as error:
        raise StoreError(f"{path} cannot be replaced: {error}. Stop the run that is writing it.") from error
    except sqlite3.DatabaseError:
        return  # damaged or of another program: no process is writing a run there
