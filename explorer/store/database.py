"""Opening and upgrading of the SQLite file of a run, with clear errors if it cannot be used."""

import io
import math
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from explorer.errors import StoreError
from explorer.records.former_names import COLUMNS
from explorer.store.checksums import rewrite_checksums, tolerant_text
from explorer.store.replace import restore_replaced
from explorer.wording import in_one_line

APPLICATION_ID = 1885696869  # "pese"; identifies the file type, as in schema.sql
SCHEMA_VERSION = 14
# files with the tables that a version of the schema added
ADDITIONS = {
    3: "certificates.sql",
    4: "properties.sql",
    9: "trajectories.sql",
    12: "transition_states.sql",
    13: "checksums.sql",
    14: "saddle_validations.sql",
}
RUN_FILE_NAME = "run.sqlite"
MOLECULE_COLUMNS = {"isotopes": "BLOB", "remarks": "TEXT NOT NULL DEFAULT '[]'"}
UNCERTAINTY_COLUMNS = {  # of the tables `minimum` and `hop` since schema 8: uncertainty of the model
    "energy_spread": "REAL",
    "force_spread": "REAL",
    "distance": "REAL",
    "expected_error": "REAL",
    "trust_level": "TEXT",
}
BUSY_SECONDS = 20.0  # s, wait for a lock; a reader holds it for milliseconds, a writer for hours; not tuned


def locate(path: Path) -> Path:
    """Return the file of a run.

    Args:
        path: The file, or the folder that contains it.
    """
    path = Path(path)
    return path / RUN_FILE_NAME if path.is_dir() else path


def connect(path: Path) -> sqlite3.Connection:
    """Open a connection to an existing run.

    The file is opened for writing even for readers: SQLite must be able to roll back an incomplete transaction of a
    killed process when the file is next opened.

    Args:
        path: File of the run.

    Raises:
        StoreError: If the file is missing, is not a run, or has a newer schema.
    """
    restore_replaced(path)
    if not path.is_file():
        raise StoreError(f"No run at {path}. Pass the folder of a run, or start one with `pes-explore run`.")
    with clear_errors(path):
        connection = _open(f"{path.absolute().as_uri()}?mode=rw")
        try:
            _check_owner(connection, path)
        except BaseException:
            connection.close()
            raise
    return connection


def create(path: Path) -> sqlite3.Connection:
    """Create a file with the current schema. Its first transaction is open, so nothing is visible before a commit.

    Args:
        path: File to create, in an existing folder; a file of this name is deleted.

    Raises:
        StoreError: If the file cannot be written.
    """
    with clear_errors(path):
        for leftover in (path, path.with_name(f"{path.name}-journal")):
            leftover.unlink(missing_ok=True)
        connection = _open(path.absolute().as_uri())
        try:
            connection.executescript(_sql("schema.sql"))
            _add_tables(connection, 0)
            rewrite_checksums(connection)
        except BaseException:
            connection.close()
            path.unlink(missing_ok=True)
            raise
    return connection


def _open(uri: str) -> sqlite3.Connection:
    connection = sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None)
    connection.text_factory = tolerant_text
    connection.execute("PRAGMA temp_store = MEMORY")  # the triggers of checksums need no file
    connection.execute("PRAGMA foreign_keys = ON")
    return connection


def version_of(connection: sqlite3.Connection) -> int:
    """Return the schema version of a run."""
    return connection.execute("PRAGMA user_version").fetchone()[0]


def upgrade(connection: sqlite3.Connection) -> None:
    """Upgrade an older run to the current schema, inside the open transaction.

    Columns and tables that a version added are empty in older runs: escape classes (2), certificates (3), properties
    (4), moves (5), idle force calls (6), initial torsions of jumps (7), uncertainties (8) and trajectories (9). Version
    10 renamed columns (`records/former_names.py`). Version 11 added isotopes and remarks of the molecule, and the
    reasons why minima are no results; in older runs they follow from the trust levels. Version 12 added transition
    states, and for each minimum the attempt that found it. Version 13 added checksums, and version 14 validations of
    transition states.

    Args:
        connection: Connection to the run, with an open transaction.
    """
    version = version_of(connection)
    _rename_columns(connection)
    if version < 2:
        connection.execute("ALTER TABLE hop ADD COLUMN escape_class TEXT")
    if version < 5:
        connection.execute("ALTER TABLE hop ADD COLUMN move TEXT")
    if version < 6:
        connection.execute("ALTER TABLE round ADD COLUMN n_idle INTEGER NOT NULL DEFAULT 0")
    if version < 7:
        connection.execute("ALTER TABLE hop ADD COLUMN start_torsions BLOB")
    if version < 8:
        for table in ("minimum", "hop"):
            for name, sql_type in UNCERTAINTY_COLUMNS.items():
                connection.execute(f"ALTER TABLE {table} ADD COLUMN {name} {sql_type}")
    if version < 11:
        connection.execute("ALTER TABLE minimum ADD COLUMN exclusion TEXT")
        for name, declaration in MOLECULE_COLUMNS.items():
            connection.execute(f"ALTER TABLE molecule ADD COLUMN {name} {declaration}")
    if version < 12:
        connection.execute("ALTER TABLE minimum ADD COLUMN attempt INTEGER")
    _add_tables(connection, version)
    if version < SCHEMA_VERSION:
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        rewrite_checksums(connection)


def _rename_columns(connection: sqlite3.Connection) -> None:
    for table, renamed in COLUMNS.items():
        present = {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}
        for old, new in renamed.items():
            if old in present:
                connection.execute(f"ALTER TABLE {table} RENAME COLUMN {old} TO {new}")


def insert(connection: sqlite3.Connection, table: str, **row: object) -> None:
    """Insert a row in the open transaction.

    Args:
        connection: Connection to the run.
        table: Name of the table.
        row: Values by column.
    """
    columns = ", ".join(f'"{name}"' for name in row)
    marks = ", ".join("?" * len(row))
    connection.execute(f"INSERT INTO {table} ({columns}) VALUES ({marks})", tuple(row.values()))


def current_row(table: str, row: sqlite3.Row) -> dict[str, Any]:
    """Return a row of a run of any schema as values by the current names of the columns.

    Args:
        table: Name of the table.
        row: Row as read from the file.
    """
    renamed = COLUMNS.get(table, {})
    return {renamed.get(name, name): row[name] for name in row.keys()}  # noqa: SIM118, a row is no mapping


def _add_tables(connection: sqlite3.Connection, version: int) -> None:
    # statements are executed one by one because executescript would end the transaction
    for name in (name for number, name in ADDITIONS.items() if number > version):
        for statement in _sql(name).split(";\n"):
            connection.execute(statement)


def _sql(name: str) -> str:
    return files("explorer.store").joinpath(name).read_text(encoding="utf-8")


def _check_owner(connection: sqlite3.Connection, path: Path) -> None:
    owner = connection.execute("PRAGMA application_id").fetchone()[0]
    version = version_of(connection)
    if owner != APPLICATION_ID:
        raise StoreError(f"{path} is not a run of pes-explore. Pass the folder of a run, or its {RUN_FILE_NAME}.")
    if version > SCHEMA_VERSION:
        raise StoreError(
            f"{path} was written by a newer pes-explore (schema {version}, supported: {SCHEMA_VERSION}). "
            "Upgrade pes-explore."
        )


@contextmanager
def clear_errors(path: Path) -> Iterator[None]:
    """Convert SQLite errors about the file into a `StoreError`. Violated constraints remain bugs.

    Args:
        path: File of the run, for error messages.

    Raises:
        StoreError: If the file is locked, cannot be used or written, or is damaged.
    """
    try:
        yield
    except (sqlite3.IntegrityError, sqlite3.ProgrammingError, sqlite3.InterfaceError):
        raise
    except OSError as error:
        raise StoreError(
            f"{path} cannot be written: {error.strerror}. Check its permissions and the free disk space."
        ) from error
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:  # the message of SQLite may contain damaged names
        code = getattr(error, "sqlite_errorname", "")
        if code.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
            raise StoreError(
                f"{path} is being written by another process. Wait until that run ends, or stop it."
            ) from error
        if isinstance(error, sqlite3.OperationalError) and code != "SQLITE_ERROR":
            raise StoreError(
                f"{path} cannot be used: {in_one_line(error)}. Check its permissions and the free disk space."
            ) from error
        raise StoreError(
            f"{path} is damaged or not a run of pes-explore: {in_one_line(error)}. Restore it from a backup, "
            "or start a new run."
        ) from error


def pack(array: np.ndarray) -> bytes:
    """Return an array as the bytes of a .npy file, which contain dtype, shape and values."""
    buffer = io.BytesIO()
    np.save(buffer, np.asarray(array), allow_pickle=False)
    return buffer.getvalue()


def unpack(blob: bytes) -> np.ndarray:
    """Return the array from the bytes of `pack`.

    Args:
        blob: Bytes of a .npy file.

    Raises:
        StoreError: If the bytes are not an array.
    """
    try:
        return np.load(io.BytesIO(blob), allow_pickle=False)
    except (ValueError, EOFError, TypeError) as error:
        raise StoreError(f"An array of the run is damaged: {error}. Restore the run from a backup.") from error


def real(value: float | None) -> float:
    """Return a number from the file, where SQLite stores NaN as NULL."""
    return math.nan if value is None else value
