"""Writing and reading of transition states that were refined with a reference method."""

import sqlite3
from collections.abc import Sequence

from explorer.records.comparisons import SaddleValidation
from explorer.store.database import insert, real, version_of


def write_saddle_validations(connection: sqlite3.Connection, validations: Sequence[SaddleValidation]) -> None:
    """Write validations in place of all earlier ones in the open transaction.

    Args:
        connection: Connection to the run, with an open transaction.
        validations: Validations to write.
    """
    connection.execute("DELETE FROM saddle_validation")
    for one in validations:
        insert(
            connection,
            "saddle_validation",
            saddle=int(one.saddle),
            reference=one.reference,
            reason=one.reason,
            energy=float(one.energy),
            first_energy=float(one.end_energies[0]),
            second_energy=float(one.end_energies[1]),
            rmsd=float(one.rmsd),
        )


def read_saddle_validations(connection: sqlite3.Connection) -> tuple[SaddleValidation, ...]:
    """Read all validations in order of the transition states. Runs before schema 14 have none.

    Args:
        connection: Connection to the run, with rows of type `sqlite3.Row`.
    """
    if version_of(connection) < 14:
        return ()
    return tuple(
        SaddleValidation(
            saddle=row["saddle"],
            reference=row["reference"],
            reason=row["reason"],
            energy=real(row["energy"]),
            end_energies=(real(row["first_energy"]), real(row["second_energy"])),
            rmsd=real(row["rmsd"]),
        )
        for row in connection.execute("SELECT * FROM saddle_validation ORDER BY saddle")
    )
