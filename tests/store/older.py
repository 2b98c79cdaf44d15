"""Runs as versions before this one wrote them."""

import sqlite3
from pathlib import Path

DOUBT = ("energy_spread", "force_spread", "distance", "expected_error", "trust_level")
CAME_WITH = {  # columns and tables by the version of the schema that brought them
    9: ["DROP TABLE trajectory"],
    8: [f"ALTER TABLE {table} DROP COLUMN {name}" for table in ("minimum", "hop") for name in reversed(DOUBT)],
    7: ["ALTER TABLE hop DROP COLUMN start_torsions"],
    6: ["ALTER TABLE round DROP COLUMN n_idle"],
    5: ["ALTER TABLE hop DROP COLUMN move"],
    4: ["DROP TABLE property"],
    3: [f"DROP TABLE {name}" for name in ("saddle_end", "saddle", "certificate")],
    2: ["ALTER TABLE hop DROP COLUMN escape_class"],
}


def as_of_schema(version: int, path: Path) -> None:
    """Take from the file of a run all that came after a version of the schema."""
    connection = sqlite3.connect(path)
    for statement in (s for number, statements in CAME_WITH.items() if number > version for s in statements):
        connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {version}")
    connection.commit()
    connection.close()
