"""Properties of minima as rows of the store, both ways."""

import sqlite3
from dataclasses import fields

from explorer.records.properties import Properties
from explorer.store.database import pack, unpack, version_of

NAMES = tuple(field.name for field in fields(Properties))


def write_properties(connection: sqlite3.Connection, properties: Properties) -> None:
    """Puts properties into the open transaction, in place of earlier ones."""
    connection.execute("DELETE FROM property")
    rows = [(name, pack(getattr(properties, name))) for name in NAMES]
    connection.executemany("INSERT INTO property VALUES (?, ?)", rows)


def read_properties(connection: sqlite3.Connection) -> Properties | None:
    """What was written; None where nothing was, as in a run before schema 4."""
    if version_of(connection) < 4:
        return None
    arrays = {row["name"]: unpack(row["value"]) for row in connection.execute("SELECT * FROM property")}
    return Properties(**arrays) if arrays else None
