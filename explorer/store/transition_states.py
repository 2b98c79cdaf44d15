"""Writing and reading of transition states and of the attempts to find them."""

import sqlite3
from typing import Any

import numpy as np

from explorer.records.structure_class import StructureClass
from explorer.records.transition_states import (
    AttemptKind,
    AttemptOutcome,
    ConnectRound,
    PairReason,
    SaddleAttempt,
    TransitionState,
    TransitionStateEnd,
)
from explorer.store.database import current_row, insert, pack, real, unpack, version_of
from explorer.store.rows import read_uncertainty, uncertainty_columns

Contents = tuple[tuple[TransitionState, ...], tuple[SaddleAttempt, ...], float]


def write_connect_round(connection: sqlite3.Connection, round: ConnectRound) -> None:
    """Write a round of `pes-explore connect` in the open transaction, without its minima.

    Args:
        connection: Connection to the run, with an open transaction.
        round: Round to write; its minima are in the store already.
    """
    insert(connection, "connect_round", id=int(round.index), wall_seconds=float(round.wall_seconds))
    for state in round.transition_states:
        insert(
            connection,
            "transition_state",
            id=int(state.id),
            energy=float(state.energy),
            positions=pack(np.asarray(state.positions, float)),
            fmax=float(state.fmax),
            direction=pack(np.asarray(state.direction, float)),
            wavenumbers=pack(np.asarray(state.wavenumbers, float)),
            **{"class": str(state.structure_class)},
            n_evaluations=int(state.n_evaluations),
            round=int(state.round),
            remark=state.remark,
            **uncertainty_columns(state.uncertainty),
        )
        for side, end in enumerate(state.ends):
            length = None if end.path_length is None else float(end.path_length)
            insert(
                connection,
                "transition_state_end",
                transition_state=int(state.id),
                side=side,
                minimum=int(end.minimum),
                path_length=length,
            )
    for attempt in round.attempts:
        insert(
            connection,
            "saddle_attempt",
            id=int(attempt.id),
            round=int(attempt.round),
            kind=str(attempt.kind),
            reason_for=str(attempt.reason_for),
            start=int(attempt.start),
            end=None if attempt.end is None else int(attempt.end),
            try_number=int(attempt.try_number),
            outcome=str(attempt.outcome),
            reason=attempt.reason,
            saddle=None if attempt.saddle is None else int(attempt.saddle),
            n_evaluations=int(attempt.n_evaluations),
            n_products=int(attempt.n_products),
        )


def write_wavenumbers(connection: sqlite3.Connection, state: TransitionState) -> None:
    """Replace the wavenumbers of a stored transition state in the open transaction.

    Args:
        connection: Connection to the run, with an open transaction.
        state: The transition state with all of its wavenumbers.
    """
    row = (pack(np.asarray(state.wavenumbers, float)), int(state.id))
    connection.execute("UPDATE transition_state SET wavenumbers = ? WHERE id = ?", row)


def read_transition_states(connection: sqlite3.Connection) -> Contents:
    """Read all transition states, attempts, and the wall time of all rounds (s). Runs before schema 12 have none.

    Args:
        connection: Connection to the run, with rows of type `sqlite3.Row`.
    """
    if version_of(connection) < 12:
        return (), (), 0.0
    ends = {
        (row["transition_state"], row["side"]): TransitionStateEnd(
            minimum=row["minimum"], path_length=row["path_length"]
        )
        for row in connection.execute("SELECT * FROM transition_state_end")
    }
    states = tuple(
        _transition_state(current_row("transition_state", row), ends)
        for row in connection.execute("SELECT * FROM transition_state ORDER BY id")
    )
    attempts = tuple(_attempt(row) for row in connection.execute("SELECT * FROM saddle_attempt ORDER BY id"))
    last = connection.execute("SELECT wall_seconds FROM connect_round ORDER BY id DESC LIMIT 1").fetchone()
    return states, attempts, 0.0 if last is None else real(last["wall_seconds"])


def _transition_state(row: dict[str, Any], ends: dict[tuple[int, int], TransitionStateEnd]) -> TransitionState:
    return TransitionState(
        id=row["id"],
        energy=real(row["energy"]),
        positions=unpack(row["positions"]),
        fmax=real(row["fmax"]),
        direction=unpack(row["direction"]),
        wavenumbers=unpack(row["wavenumbers"]),
        structure_class=StructureClass(row["class"]),
        ends=(ends[row["id"], 0], ends[row["id"], 1]),
        n_evaluations=row["n_evaluations"],
        round=row["round"],
        remark=row["remark"],
        uncertainty=read_uncertainty(row),
    )


def _attempt(row: sqlite3.Row) -> SaddleAttempt:
    return SaddleAttempt(
        id=row["id"],
        round=row["round"],
        kind=AttemptKind(row["kind"]),
        reason_for=PairReason(row["reason_for"]),
        start=row["start"],
        end=row["end"],
        try_number=row["try_number"],
        outcome=AttemptOutcome(row["outcome"]),
        reason=row["reason"],
        saddle=row["saddle"],
        n_evaluations=row["n_evaluations"],
        n_products=row["n_products"],
    )
