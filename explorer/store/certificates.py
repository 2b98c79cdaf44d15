"""Writing and reading of certificates and saddles in the store."""

import sqlite3
from typing import Any

import numpy as np

from explorer.records.certificates import Certificate, Saddle, SaddleEnd, StationaryPointType
from explorer.records.structure_class import StructureClass
from explorer.store.database import current_row, pack, real, unpack, version_of


def write_certificate(connection: sqlite3.Connection, certificate: Certificate) -> None:
    """Write a certificate in the open transaction. It replaces an earlier certificate and saddle of the minimum.

    Args:
        connection: Connection to the run, with an open transaction.
        certificate: Certificate to write.
    """
    id = int(certificate.minimum)
    for statement in (
        "DELETE FROM saddle_end WHERE saddle = ?",
        "DELETE FROM saddle WHERE minimum = ?",
        "DELETE FROM certificate WHERE minimum = ?",
    ):
        connection.execute(statement, (id,))
    row = (
        id,
        str(certificate.point_type),
        certificate.reason,
        float(certificate.energy),
        float(certificate.fmax),
        float(certificate.lowest_wavenumber),
        int(certificate.n_products),
        pack(certificate.wavenumbers),
    )
    connection.execute("INSERT INTO certificate VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)


def write_saddle(connection: sqlite3.Connection, saddle: Saddle) -> None:
    """Write a saddle and its two ends in the open transaction.

    Args:
        connection: Connection to the run, with an open transaction.
        saddle: Saddle to write.
    """
    row = (
        int(saddle.minimum),
        float(saddle.energy),
        pack(np.asarray(saddle.positions, float)),
        float(saddle.fmax),
        pack(saddle.direction),
        pack(saddle.wavenumbers),
    )
    connection.execute("INSERT INTO saddle VALUES (?, ?, ?, ?, ?, ?)", row)
    for side, end in enumerate(saddle.ends):
        row = (
            int(saddle.minimum),
            side,
            None if end.minimum is None else int(end.minimum),
            float(end.energy),
            pack(np.asarray(end.positions, float)),
            str(end.structure_class),
            str(end.point_type),
            end.reason,
            float(end.lowest_wavenumber),
        )
        connection.execute("INSERT INTO saddle_end VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)


def read_certificates(connection: sqlite3.Connection) -> tuple[tuple[Certificate, ...], tuple[Saddle, ...]]:
    """Read all certificates and saddles in order of id. Runs before schema 3 have none.

    Args:
        connection: Connection to the run, with rows of type `sqlite3.Row`.
    """
    if version_of(connection) < 3:
        return (), ()
    certificates = tuple(
        _certificate(current_row("certificate", row))
        for row in connection.execute("SELECT * FROM certificate ORDER BY minimum")
    )
    ends = {
        (row["saddle"], row["side"]): _end(current_row("saddle_end", row))
        for row in connection.execute("SELECT * FROM saddle_end ORDER BY side")
    }
    saddles = tuple(_saddle(row, ends) for row in connection.execute("SELECT * FROM saddle ORDER BY minimum"))
    return certificates, saddles


def _certificate(row: dict[str, Any]) -> Certificate:
    return Certificate(
        minimum=row["minimum"],
        point_type=StationaryPointType(row["point_type"]),
        reason=row["reason"],
        energy=real(row["energy"]),
        fmax=real(row["fmax"]),
        lowest_wavenumber=real(row["lowest_wavenumber"]),
        n_products=row["n_products"],
        wavenumbers=unpack(row["wavenumbers"]),
    )


def _saddle(row: sqlite3.Row, ends: dict[tuple[int, int], SaddleEnd]) -> Saddle:
    return Saddle(
        minimum=row["minimum"],
        energy=real(row["energy"]),
        positions=unpack(row["positions"]),
        fmax=real(row["fmax"]),
        direction=unpack(row["direction"]),
        wavenumbers=unpack(row["wavenumbers"]),
        ends=(ends[row["minimum"], 0], ends[row["minimum"], 1]),
    )


def _end(row: dict[str, Any]) -> SaddleEnd:
    return SaddleEnd(
        minimum=row["minimum"],
        energy=real(row["energy"]),
        positions=unpack(row["positions"]),
        structure_class=StructureClass(row["class"]),
        point_type=StationaryPointType(row["point_type"]),
        reason=row["reason"],
        lowest_wavenumber=real(row["lowest_wavenumber"]),
    )
