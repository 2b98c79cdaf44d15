"""Writing and reading of stability-test trajectories in the store."""

import sqlite3
from collections.abc import Sequence
from dataclasses import astuple

from explorer.records.trajectories import ThermodynamicEnsemble, Trajectory
from explorer.store.database import real, version_of


def write_trajectories(connection: sqlite3.Connection, trajectories: Sequence[Trajectory]) -> None:
    """Write trajectories in the open transaction. They replace earlier ones.

    Args:
        connection: Connection to the run, with an open transaction.
        trajectories: Trajectories to write.
    """
    connection.execute("DELETE FROM trajectory")
    rows = [(id, str(one.ensemble), *astuple(one)[1:]) for id, one in enumerate(trajectories)]
    connection.executemany(f"INSERT INTO trajectory VALUES ({', '.join('?' * 11)})", rows)


def read_trajectories(connection: sqlite3.Connection) -> tuple[Trajectory, ...]:
    """Read all trajectories in order. Runs before schema 9 have none.

    Args:
        connection: Connection to the run, with rows of type `sqlite3.Row`.
    """
    if version_of(connection) < 9:
        return ()
    return tuple(_trajectory(row) for row in connection.execute("SELECT * FROM trajectory ORDER BY id"))


def _trajectory(row: sqlite3.Row) -> Trajectory:
    return Trajectory(
        ensemble=ThermodynamicEnsemble(row["ensemble"]),
        temperature=row["temperature"],
        seed=row["seed"],
        minimum=row["minimum"],
        picoseconds=row["picoseconds"],
        failure=row["failure"],
        reason=row["reason"],
        mean_temperature=real(row["mean_temperature"]),
        drift=real(row["drift"]),
        fluctuation=real(row["fluctuation"]),
    )
