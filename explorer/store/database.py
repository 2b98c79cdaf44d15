"""Opening the SQLite file of a run: whose it is, which version, and clear words when it cannot be used."""

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

APPLICATION_ID = 1885696869  # as in schema.sql
SCHEMA_VERSION = 10
# tables that came with a version of the schema
ADDITIONS = {3: "certificates.sql", 4: "properties.sql", 9: "trajectories.sql"}
FILE_NAME = "run.sqlite"
UNCERTAINTY_COLUMNS = {  # since schema 8: how well the model knows a structure
    "energy_spread": "REAL",
    "force_spread": "REAL",
    "distance": "REAL",
    "expected_error": "REAL",
    "trust_level": "TEXT",
}
BUSY_SECONDS = 20.0  # a reader keeps the file for milliseconds, another writer for hours


def locate(path: Path) -> Path:
    """The run's file, given the file itself or the folder that contains it."""
    path = Path(path)
    return path / FILE_NAME if path.is_dir() else path


def connect(path: Path) -> sqlite3.Connection:
    """A connection to an existing run.

    It is opened for writing even to read: SQLite rolls a half-written transaction of a
    killed process back when the file is next opened, and must be able to do so.

    Raises:
        StoreError: when there is no such file, it is not a run, or of a newer version.
    """
    if not path.is_file():
        raise StoreError(f"No run at {path}. Give the folder of a run, or start one with `pes-explore run`.")
    with clear_errors(path):
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=BUSY_SECONDS, isolation_level=None
        )
        try:
            _check_owner(connection, path)
            connection.execute("PRAGMA foreign_keys = ON")
        except BaseException:
            connection.close()
            raise
    return connection


def create(path: Path) -> sqlite3.Connection:
    """A new file with the schema, its first transaction open, so that nothing is visible before the first commit.

    Raises:
        StoreError: when the file exists or cannot be written.
    """
    if path.exists() and path.stat().st_size > 0:
        raise StoreError(f"A run exists at {path}. Continue it with --resume, or choose another --out.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"{path.parent} cannot be created: {error.strerror}. Choose another --out.") from error
    with clear_errors(path):
        connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
        connection.execute("PRAGMA foreign_keys = ON")
        connection.executescript(_sql("schema.sql"))
        _add_tables(connection, 0)
    return connection


def version_of(connection: sqlite3.Connection) -> int:
    """Version of the schema of a run."""
    return connection.execute("PRAGMA user_version").fetchone()[0]


def upgrade(connection: sqlite3.Connection) -> None:
    """Brings an older run to this schema, inside the open transaction.

    The hops of schema 1 say nothing about escapes; runs before schema 3 have no certificates, before 4 no properties,
    before 5 no moves but hopping, before 6 no count of idle force calls, before 7 no torsions where jumps began, before 8 no uncertainty, before 9 no
    trajectories. Schema 10 renamed columns (`records/former_names.py`).
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
            for name, kind in UNCERTAINTY_COLUMNS.items():
                connection.execute(f"ALTER TABLE {table} ADD COLUMN {name} {kind}")
    _add_tables(connection, version)
    if version < SCHEMA_VERSION:
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def _rename_columns(connection: sqlite3.Connection) -> None:
    for table, renamed in COLUMNS.items():
        present = {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}
        for old, new in renamed.items():
            if old in present:
                connection.execute(f"ALTER TABLE {table} RENAME COLUMN {old} TO {new}")


def current_row(table: str, row: sqlite3.Row) -> dict[str, Any]:
    """A row by the present names of its columns, from a run of any schema."""
    renamed = COLUMNS.get(table, {})
    return {renamed.get(name, name): row[name] for name in row.keys()}  # noqa: SIM118, a row is no mapping


def _add_tables(connection: sqlite3.Connection, version: int) -> None:
    # one statement after the other: executescript would end the transaction
    for name in (name for number, name in ADDITIONS.items() if number > version):
        for statement in _sql(name).split(";\n"):
            connection.execute(statement)


def _sql(name: str) -> str:
    return files("explorer.store").joinpath(name).read_text(encoding="utf-8")


def _check_owner(connection: sqlite3.Connection, path: Path) -> None:
    owner = connection.execute("PRAGMA application_id").fetchone()[0]
    version = version_of(connection)
    if owner != APPLICATION_ID:
        raise StoreError(f"{path} is not a run of pes-explore. Give the folder of a run, or its {FILE_NAME}.")
    if version > SCHEMA_VERSION:
        raise StoreError(
            f"{path} was written by a newer pes-explore (schema {version}, this one reads {SCHEMA_VERSION}). Upgrade."
        )


@contextmanager
def clear_errors(path: Path) -> Iterator[None]:
    """Turns what SQLite says about the file into a `StoreError`; broken constraints stay bugs."""
    try:
        yield
    except (sqlite3.IntegrityError, sqlite3.ProgrammingError, sqlite3.InterfaceError):
        raise
    except sqlite3.OperationalError as error:
        if "locked" in str(error):
            raise StoreError(
                f"{path} is being written by another process. Wait until that run has ended, or stop it."
            ) from error
        raise StoreError(f"{path} cannot be used: {error}. Check its permissions and the free disk space.") from error
    except sqlite3.DatabaseError as error:
        raise StoreError(
            f"{path} is damaged or not a run of pes-explore: {error}. Restore it from a copy, or start a new run."
        ) from error


def pack(array: np.ndarray) -> bytes:
    """An array as the bytes of a .npy file: dtype, shape and values."""
    buffer = io.BytesIO()
    np.save(buffer, np.asarray(array), allow_pickle=False)
    return buffer.getvalue()


def unpack(blob: bytes) -> np.ndarray:
    """The array of `pack`.

    Raises:
        StoreError: when the bytes are not an array.
    """
    try:
        return np.load(io.BytesIO(blob), allow_pickle=False)
    except (ValueError, EOFError, TypeError) as error:
        raise StoreError(f"An array of the run is damaged: {error}. Restore the run from a copy.") from error


def real(value: float | None) -> float:
    """A number of the file: SQLite keeps NaN as NULL."""
    return math.nan if value is None else value
