"""How well the network knows a structure as columns of the store, both ways."""

import sqlite3

from explorer.doubt import Doubt, Verdict
from explorer.store.database import DOUBT_COLUMNS, real


def doubt_columns(doubt: Doubt | None) -> dict[str, object]:
    """Values by column, none of them for a structure of which the network does not say how well it knows it."""
    if doubt is None:
        return {}
    return {**doubt._asdict(), "verdict": str(doubt.verdict)}


def read_doubt(row: sqlite3.Row) -> Doubt | None:
    """What `doubt_columns` put into a row; None of a run before schema 8."""
    stored = dict(row)
    if not stored.get("verdict"):
        return None
    numbers = {name: real(stored[name]) for name in DOUBT_COLUMNS if name != "verdict"}
    return Doubt(**numbers, verdict=Verdict(stored["verdict"]))
