"""Replacement of a run by a new one. The old run is kept if the new one cannot start."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from explorer.errors import StoreError
from explorer.store.database import RUN_FILE_NAME


@contextmanager
def set_aside(folder: Path) -> Iterator[None]:
    """Rename the run of a folder for the time of the block; then delete it, or restore it if no new run has started.

    Args:
        folder: Folder of the run; it may be empty or missing.

    Raises:
        StoreError: If another process is writing the run.
    """
    path = folder / RUN_FILE_NAME
    aside = folder / f"{RUN_FILE_NAME}.replaced"
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
        return  # damaged or of another program: no process is writing a run there
