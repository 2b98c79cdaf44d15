"""Damaged and intact parts of the file of a run, and the message about both."""

import sqlite3
from collections import Counter
from pathlib import Path
from typing import NamedTuple, Self

from explorer.errors import StoreError
from explorer.store.checksums import DamagedRow, damaged_rows, n_stored_rows, tables_of
from explorer.wording import in_one_line

NEEDED_TABLES = ("", "run", "molecule")  # without the schema, the settings or the molecule nothing has a meaning
SEARCH_TABLES = ("round", "minimum", "hop", "walker")
TRANSITION_STATES, REFINED = "transition states", "transition states refined with a reference method"
RESULT_TABLES = {  # what was computed from the minima after the search
    "comparison with training data": ("comparison", "training_minimum"),
    "validation": ("validation",),
    "certificates": ("certificate", "saddle", "saddle_end"),
    "charges and dipole moments": ("property",),
    "trajectories": ("trajectory",),
    TRANSITION_STATES: ("connect_round", "transition_state", "transition_state_end", "saddle_attempt"),
    REFINED: ("saddle_validation",),
}
_MAX_LISTED = 5  # damaged rows in a message; not tuned


class Damage(NamedTuple):
    """Damage of a run.

    Attributes:
        rows: Damaged rows.
        n_rows: Number of rows by table, damaged or not.
    """

    rows: tuple[DamagedRow, ...]
    n_rows: dict[str, int]

    @classmethod
    def of(cls, connection: sqlite3.Connection) -> Self:
        """Return the damage of a run; before schema 13 none is found.

        Args:
            connection: Connection to the run.

        Raises:
            sqlite3.DatabaseError: If SQLite cannot read the definition of the tables.
        """
        rows = tuple(damaged_rows(connection))
        return cls(rows, {table: n_stored_rows(connection, table) for table in tables_of(connection)} if rows else {})

    @property
    def n_damaged(self) -> Counter[str]:
        """Number of damaged rows by table."""
        return Counter(row.table for row in self.rows)

    @property
    def is_recoverable(self) -> bool:
        """Whether anything can be saved."""
        return not any(self.n_damaged[table] for table in NEEDED_TABLES)

    @property
    def is_resumable(self) -> bool:
        """Whether the search is intact, so that what is saved can be continued."""
        return not any(self.n_damaged[table] for table in SEARCH_TABLES)

    @property
    def lost_results(self) -> list[str]:
        """Names of results that are lost: those with a damaged row, and all of them where a minimum is damaged."""
        damaged, has_all_minima = self.n_damaged, not self.n_damaged["minimum"]
        lost = [
            name
            for name, tables in RESULT_TABLES.items()
            if any(damaged[table] or (self.n_rows.get(table) and not has_all_minima) for table in tables)
        ]
        if TRANSITION_STATES in lost and REFINED not in lost and self.n_rows.get("saddle_validation"):
            lost.append(REFINED)  # they are rows about transition states
        return lost

    def saved(self) -> str:
        """Return what can be saved, such as `12 of 13 minima and 80 of 80 hops, but no search to resume`."""
        counts = {table: self.n_rows.get(table, 0) for table in ("minimum", "hop")}
        intact = {table: n - min(n, self.n_damaged[table]) for table, n in counts.items()}
        text = f"{intact['minimum']} of {counts['minimum']} minima and {intact['hop']} of {counts['hop']} hops"
        text += ", and the search can be resumed" if self.is_resumable else ", but the search cannot be resumed"
        return text + (f"; without {', '.join(self.lost_results)}" if self.lost_results else "")

    def described(self) -> str:
        """Return the damaged rows as a text, such as `minimum 3, hop 17 and 2 more`."""
        names = [
            in_one_line(f"{one.table} {one.row}") if one.table else "the definition of the tables" for one in self.rows
        ]
        more = len(names) - _MAX_LISTED
        return ", ".join(names[:_MAX_LISTED]) + (f" and {more} more" if more > 0 else "")


def refuse_damage(path: Path, damage: Damage) -> None:
    """Refuse to use a run that is damaged.

    Args:
        path: File of the run.
        damage: Its damage, if any.

    Raises:
        StoreError: If there is some; the message says what can be saved, and how.
    """
    if not damage.rows:
        return
    text = f"{path} is damaged: {damage.described()} {'differs' if len(damage.rows) == 1 else 'differ'} from what "
    text += "was written. Restore it from a backup, or "
    if damage.is_recoverable:
        text += f"save what is intact with `pes-explore recover {path.parent} --out DIR`: {damage.saved()}."
    else:
        text += "start a new run; without settings and molecule nothing can be saved."
    raise StoreError(text)
