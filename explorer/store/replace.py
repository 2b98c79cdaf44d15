"""Replacing a run by a new one without losing it when the new one cannot begin."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from explorer.errors import StoreError
from explorer.store.database import FILE_NAME


@contextmanager
def set_aside(folder: Path) -> Iterator[None]:
    """Moves the run of a folder out of the way; puts it back when no new one was begun, deletes it otherwise.

    Args:
        folder: of the run; it may be empty or missing.

    Raises:
        StoreError: when another process is writing the run.
    """
    path = folder / FILE_NAME
    aside = folder / f"{FILE_NAME}.replaced"
    if not path.exists():
        yield
        return
    _check_idle(path)
    path.replace(aside)
    try:
        yield
    finally:
        if path.exists():
            aside.unlink()
        else:
            aside.replace(path)


def _check_idle(path: Path) -> None:
    try:
        with closing(sqlite3.connect(path, timeout=0.0, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")
    except sqlite3.OperationalError as error:
        raise StoreError(f"{path} cannot be replaced: {error}. Stop the run that is writing it.") from error
    except sqlite3.DatabaseError:
        return  # damaged or of another program: nobody is writing a run there
