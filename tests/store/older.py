"""Runs as written by older versions."""

import sqlite3
from pathlib import Path

UNCERTAINTY = ("energy_spread", "force_spread", "distance", "expected_error", "trust_level")
ADDED_IN = {  # removal of the columns and tables that each version of the schema added
    14: ["DROP TABLE saddle_validation"],
    13: ["DROP TABLE checksum"],
    12: [
        "ALTER TABLE minimum DROP COLUMN attempt",
        *(
            f"DROP TABLE {name}"
            for name in ("saddle_attempt", "transition_state_end", "transition_state", "connect_round")
        ),
    ],
    11: [
        "ALTER TABLE minimum DROP COLUMN exclusion",
        *(f"ALTER TABLE molecule DROP COLUMN {name}" for name in ("remarks", "isotopes")),
    ],
    9: ["DROP TABLE trajectory"],
    8: [f"ALTER TABLE {table} DROP COLUMN {name}" for table in ("minimum", "hop") for name in reversed(UNCERTAINTY)],
    7: ["ALTER TABLE hop DROP COLUMN start_torsions"],
    6: ["ALTER TABLE round DROP COLUMN n_idle"],
    5: ["ALTER TABLE hop DROP COLUMN move"],
    4: ["DROP TABLE property"],
    3: [f"DROP TABLE {name}" for name in ("saddle_end", "saddle", "certificate")],
    2: ["ALTER TABLE hop DROP COLUMN escape_class"],
}


def as_of_schema(version: int, path: Path) -> None:
    """Remove from the file of a run everything that was added after a version of the schema.

    SQLite edits the text of the schema: DROP COLUMN fails after a column whose comment contains a comma.
    """
    connection = sqlite3.connect(path)
    for statement in (s for number, statements in ADDED_IN.items() if number > version for s in statements):
        connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {version}")
    connection.commit()
    connection.close()
