"""Recovery of a damaged run: its intact rows become a new run."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

from explorer.errors import StoreError
from explorer.records.run import LOST_STATE, RECOVERED_FROM, RECOVERED_WITHOUT
from explorer.store.checksums import TABLE, intact_rows, rewrite_checksums, tables_of
from explorer.store.damage import RESULT_TABLES, TRANSITION_STATES, Damage, refuse_damage
from explorer.store.database import APPLICATION_ID, clear_errors, connect, locate, version_of
from explorer.store.replace import claim, publish, unpublished


def recover(path: Path, out: Path) -> Damage:
    """Copy all intact rows of a damaged run to a new run.

    Where the search is intact, the new run resumes to what the old one would have become. Where a minimum is lost, the
    others get new numbers, hops from or to it are left out, and so are results that were computed from the minima.

    Args:
        path: File of the damaged run, or its folder; it is not changed.
        out: File of the new run.

    Returns:
        The damage.

    Raises:
        StoreError: If no damage is found, if nothing can be saved, or if the new run cannot be written.
    """
    path = locate(path)
    with closing(connect(path)) as old, clear_errors(path):
        old.execute("BEGIN")
        damage = Damage.of(old)
        if not damage.rows:
            raise StoreError(f"No damage is found in {path}, so that there is nothing to recover.")
        if not damage.is_recoverable:
            refuse_damage(path, damage)
        with claim(out), clear_errors(out):
            new_path = unpublished(out)
            new_path.unlink(missing_ok=True)
            try:
                with closing(sqlite3.connect(new_path, isolation_level=None)) as new:
                    new.execute("BEGIN")
                    _copy(old, new, damage)
                    _repair(new, damage)
                    _note(new, damage, path)
                    rewrite_checksums(new)
                    new.execute("COMMIT")
                publish(out)
            finally:
                new_path.unlink(missing_ok=True)
    return damage


def _copy(old: sqlite3.Connection, new: sqlite3.Connection, damage: Damage) -> None:
    """Copy the definition of the tables, and the intact rows of all tables but lost results."""
    for (statement,) in old.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL"):
        new.execute(statement)
    new.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    new.execute(f"PRAGMA user_version = {version_of(old)}")
    lost = {TABLE, *(table for name in damage.lost_results for table in RESULT_TABLES[name])}
    for table in [table for table in tables_of(old) if table not in lost]:
        rows = intact_rows(old, table)
        if rows:
            new.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(rows[0]))})", rows)


def _repair(new: sqlite3.Connection, damage: Damage) -> None:
    """Make the rows that are left a run: consecutive minima and rounds, and no reference to what is lost."""
    if TRANSITION_STATES in damage.lost_results:
        new.execute("UPDATE minimum SET attempt = NULL")
    if damage.is_resumable:
        return
    new.execute("DELETE FROM walker")
    _fill_rounds(new)
    new.execute(
        'DELETE FROM hop WHERE (start >= 0 AND start NOT IN (SELECT id FROM minimum)) OR "end" NOT IN '
        "(SELECT id FROM minimum)"
    )
    kept = [id for (id,) in new.execute("SELECT id FROM minimum ORDER BY id")]
    for number, id in enumerate(kept):  # the smaller number is free when it is given
        if number != id:
            new.execute("UPDATE minimum SET id = ? WHERE id = ?", (number, id))
            new.execute("UPDATE hop SET start = ? WHERE start = ?", (number, id))
            new.execute('UPDATE hop SET "end" = ? WHERE "end" = ?', (number, id))
    new.execute("UPDATE round SET n_minima = (SELECT COUNT(*) FROM minimum WHERE minimum.round <= round.id)")


def _fill_rounds(new: sqlite3.Connection) -> None:
    """Give lost rounds the costs of the round before, since costs add up over the rounds."""
    ((last,),) = new.execute(
        "SELECT MAX(i) FROM (SELECT id AS i FROM round UNION SELECT round FROM minimum UNION SELECT round FROM hop)"
    )
    columns = [row[1] for row in new.execute("PRAGMA table_info(round)")]
    costs = dict.fromkeys(columns, 0)
    for id in range((last or 0) + 1):
        row = new.execute("SELECT * FROM round WHERE id = ?", (id,)).fetchone()
        if row is None:
            costs["id"] = id
            new.execute(f"INSERT INTO round VALUES ({', '.join('?' * len(columns))})", list(costs.values()))
        else:
            costs = dict(zip(columns, row, strict=True))


def _note(new: sqlite3.Connection, damage: Damage, path: Path) -> None:
    """Write into the provenance where the run comes from, and what it lacks."""
    ((text,),) = new.execute("SELECT provenance FROM run")
    lost = [f"{n} of {damage.n_rows[table]} rows of {table}" for table, n in sorted(damage.n_damaged.items())]
    lost += damage.lost_results + ([] if damage.is_resumable else [LOST_STATE])
    provenance = json.loads(text) | {RECOVERED_FROM: str(path), RECOVERED_WITHOUT: ", ".join(lost)}
    new.execute("UPDATE run SET provenance = ?", (json.dumps(provenance),))
