"""Writing and reading of the properties of minima in the store."""

import sqlite3
from dataclasses import fields

from explorer.records.properties import Properties
from explorer.store.database import pack, unpack, version_of

_PROPERTY_NAMES = tuple(field.name for field in fields(Properties))


def write_properties(connection: sqlite3.Connection, properties: Properties) -> None:
    """Write properties in the open transaction. They replace earlier ones.

    Args:
        connection: Connection to the run, with an open transaction.
        properties: Properties to write.
    """
    connection.execute("DELETE FROM property")
    rows = [(name, pack(getattr(properties, name))) for name in _PROPERTY_NAMES]
    connection.executemany("INSERT INTO property VALUES (?, ?)", rows)


def read_properties(connection: sqlite3.Connection) -> Properties | None:
    """Read the properties; None if there are none, as in runs before schema 4.

    Args:
        connection: Connection to the run, with rows of type `sqlite3.Row`.
    """
    if version_of(connection) < 4:
        return None
    arrays = {row["name"]: unpack(row["value"]) for row in connection.execute("SELECT * FROM property")}
    return Properties(**arrays) if arrays else None
