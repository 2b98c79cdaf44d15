"""Checksums of the rows of a run. They tell damaged rows from those that were written.

SQLite notices damaged pages, but no changed number or byte within a row. Every row of every table therefore has a
checksum, in a table of its own. While a run is open for writing, triggers of the connection keep the checksums in step
with whatever is written. The triggers are not stored, so that other programs can open the file. A new table needs
nothing but its `CREATE TABLE`.
"""

import sqlite3
from collections.abc import Iterable
from contextlib import suppress
from hashlib import blake2b
from typing import NamedTuple

TABLE = "checksum"
FIRST_SCHEMA = 13  # version of the schema that introduced checksums
_FUNCTION = "row_checksum"
_N_BYTES = 8  # a damaged row passes once in 2^64
_SCHEMA_ROW = ("", "schema")  # name and row of the checksum of the schema


class DamagedRow(NamedTuple):
    """A row that is not as it was written, or that cannot be verified.

    Attributes:
        table: Name of the table; empty for the schema.
        row: Primary key of the row, as SQL literals with commas between them.
    """

    table: str
    row: str


def tolerant_text(content: bytes) -> str:
    """Return a text of SQLite. Bytes that are not UTF-8, as in a damaged text, are kept as surrogates."""
    return content.decode(errors="surrogateescape")


def checksum(*values: str | bytes | float | None) -> bytes:
    """Return the checksum of the values of a row.

    Args:
        values: Values as SQLite returns them.
    """
    digest = blake2b(digest_size=_N_BYTES)
    for value in values:
        if isinstance(value, str):
            content = value.encode(errors="surrogateescape")
        elif isinstance(value, float):
            content = repr(value + 0.0).encode()  # SQLite stores -0.0 as 0.0
        else:
            content = value if isinstance(value, bytes) else repr(value).encode()
        digest.update(f"{type(value).__name__} {len(content)} ".encode() + content)
    return digest.digest()


def keep_checksums(connection: sqlite3.Connection) -> None:
    """Let a connection store the checksum of every row that it writes from now on.

    Args:
        connection: Connection to a run of the current schema, for writing.
    """
    connection.create_function(_FUNCTION, -1, checksum, deterministic=True)
    for table in tables_of(connection):
        values = ", ".join(f"new.{name}" for name in _columns(connection, table))
        new, old = (_row(connection, table, prefix) for prefix in ("new.", "old."))
        add = f"INSERT OR REPLACE INTO {TABLE} VALUES ('{table}', {new}, {_FUNCTION}({values}));"
        remove = f"DELETE FROM {TABLE} WHERE name = '{table}' AND row = {old};"
        for event, action in (("INSERT", add), ("UPDATE", remove + add), ("DELETE", remove)):
            trigger = f"TRIGGER IF NOT EXISTS {table}_{event} AFTER {event} ON main.{table}"
            connection.execute(f"CREATE TEMP {trigger} BEGIN {action} END")


def rewrite_checksums(connection: sqlite3.Connection) -> None:
    """Store the checksums of all rows and of the schema as they are now, in the open transaction.

    Args:
        connection: Connection to a run that was just created or upgraded.
    """
    connection.execute(f"DELETE FROM {TABLE}")
    for table in tables_of(connection):
        rows = [(table, row, checksum(*values)) for row, values in _rows(connection, table).items()]
        connection.executemany(f"INSERT INTO {TABLE} VALUES (?, ?, ?)", rows)
    connection.execute(f"INSERT INTO {TABLE} VALUES (?, ?, ?)", (*_SCHEMA_ROW, _schema_checksum(connection)))


def damaged_rows(connection: sqlite3.Connection) -> list[DamagedRow]:
    """Return the rows that differ from their checksums, are missing, or have no checksum.

    Args:
        connection: Connection to a run; those before schema 13 have no checksums, and no damage is found there.

    Raises:
        sqlite3.DatabaseError: If SQLite cannot read the definition of the tables.
    """
    if not _has_checksums(connection):
        return []
    if _stored(connection, _SCHEMA_ROW[0]).get(_SCHEMA_ROW[1]) != _schema_checksum(connection):
        return [DamagedRow(*_SCHEMA_ROW)]  # the columns are not known
    damaged = []
    for table in tables_of(connection):
        stored = _stored(connection, table)
        present = {row: checksum(*values) for row, values in _readable(connection, table, stored).items()}
        damaged += [DamagedRow(table, row) for row in present | stored if present.get(row) != stored.get(row)]
    return damaged


def intact_rows(connection: sqlite3.Connection, table: str) -> list[tuple]:
    """Return the values of the rows of a table that are as they were written, in the order of the file.

    Args:
        connection: Connection to a run with checksums, whose schema is intact.
        table: Name of the table.
    """
    stored = _stored(connection, table)
    rows = _readable(connection, table, stored)
    return [values for row, values in rows.items() if checksum(*values) == stored.get(row)]


def n_stored_rows(connection: sqlite3.Connection, table: str) -> int:
    """Return the number of rows of a table that have a checksum, damaged or not."""
    return len(_stored(connection, table))


def _has_checksums(connection: sqlite3.Connection) -> bool:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    has_table = connection.execute("SELECT 1 FROM main.sqlite_master WHERE name = ?", (TABLE,)).fetchone() is not None
    if version >= FIRST_SCHEMA and not has_table:
        raise sqlite3.DatabaseError("the table of checksums is missing")
    return has_table


def _stored(connection: sqlite3.Connection, table: str) -> dict[str, bytes]:
    """Return the stored checksums of a table by row, up to the first page that cannot be read."""
    stored = {}
    with suppress(sqlite3.DatabaseError):  # rows without a checksum count as damaged
        for row, value in connection.execute(f"SELECT row, value FROM {TABLE} WHERE name = ?", (table,)):
            stored[row] = value
    return stored


def _readable(connection: sqlite3.Connection, table: str, expected: Iterable[str]) -> dict[str, tuple]:
    """Return the values of the rows of a table, damaged or not, but for those that SQLite cannot read."""
    try:
        return _rows(connection, table)
    except sqlite3.DatabaseError:  # an unreadable page hides all rows that follow it
        return _rows_one_by_one(connection, table, expected)


def _rows(connection: sqlite3.Connection, table: str, where: str = "TRUE") -> dict[str, tuple]:
    """Return the values of the rows of a table by row."""
    columns = ", ".join(_columns(connection, table))
    rows = connection.execute(f"SELECT {_row(connection, table)}, {columns} FROM main.{table} WHERE {where}")
    return {row: tuple(values) for row, *values in rows}


def _rows_one_by_one(connection: sqlite3.Connection, table: str, expected: Iterable[str]) -> dict[str, tuple]:
    key = ", ".join(_key(connection, table))
    found = {}
    for row in expected:
        with suppress(sqlite3.DatabaseError, UnicodeEncodeError):  # the key may be damaged as well
            found |= _rows(connection, table, f"({key}) = ({row})")
    return found


def tables_of(connection: sqlite3.Connection) -> list[str]:
    """Return the names of the tables that have checksums."""
    names = connection.execute("SELECT name FROM main.sqlite_master WHERE type = 'table' ORDER BY name")
    return [name for (name,) in names if name != TABLE and not name.startswith("sqlite_")]


def _columns(connection: sqlite3.Connection, table: str) -> list[str]:
    return [f'"{row[1]}"' for row in connection.execute(f"PRAGMA main.table_info({table})")]


def _key(connection: sqlite3.Connection, table: str) -> list[str]:
    """Return the columns of the primary key, in its order."""
    columns = sorted((row[5], row[1]) for row in connection.execute(f"PRAGMA main.table_info({table})") if row[5])
    return [f'"{name}"' for _, name in columns]


def _row(connection: sqlite3.Connection, table: str, prefix: str = "") -> str:
    """Return the SQL expression that identifies a row by its primary key."""
    return " || ',' || ".join(f"quote({prefix}{name})" for name in _key(connection, table))


def _schema_checksum(connection: sqlite3.Connection) -> bytes:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    definitions = connection.execute("SELECT type, name, tbl_name, sql FROM main.sqlite_master ORDER BY type, name")
    return checksum(version, *(text for definition in definitions for text in definition))
