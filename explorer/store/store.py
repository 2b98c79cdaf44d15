"""Store of a run: one SQLite file with one writer and one transaction per round."""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

import numpy as np

from explorer.records.certificates import Certificate, Saddle
from explorer.records.comparisons import Comparison, SaddleValidation, Validation
from explorer.records.molecule import Molecule
from explorer.records.properties import Properties
from explorer.records.run import Round
from explorer.records.trajectories import Trajectory
from explorer.records.transition_states import ConnectRound, TransitionState
from explorer.store.certificates import write_certificate, write_saddle
from explorer.store.checksums import keep_checksums
from explorer.store.database import clear_errors, connect, create, insert, locate, pack, unpack, upgrade
from explorer.store.lock import RunLock
from explorer.store.properties import write_properties
from explorer.store.replace import claim, publish, unpublished
from explorer.store.rows import hop_row, minimum_row, molecule_row
from explorer.store.saddle_validations import write_saddle_validations
from explorer.store.trajectories import write_trajectories
from explorer.store.transition_states import write_connect_round, write_wavenumbers

StoredRound = tuple[int, dict[str, np.ndarray], int, float, float, int]


class Store:
    """Writer of a run, the only one: it holds the lock of the run (`RunLock`) until it is closed.

    Between commits an empty write transaction is open. Readers always see the last committed round. A new run has its
    name from its first round on; until then an old run of this name is untouched.

    Args:
        path: File of the run.
        connection: Connection to it, or to `unpublished(path)`; `begin` and `resume` open one.
        lock: Lock to release when the store is closed; None if the caller keeps it.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection, lock: RunLock | None = None):
        self.path = path
        self._connection = connection
        self._lock = lock
        self._is_published = True

    @classmethod
    def begin(
        cls,
        path: Path,
        molecule: Molecule,
        config: dict,
        provenance: dict[str, str],
        lock: RunLock | None = None,
    ) -> Self:
        """Start a new run.

        Args:
            path: File to create; missing folders are created.
            molecule: Input molecule.
            config: Effective settings as nested plain values.
            provenance: Version, seed, digests and facts about the host, as texts by name.
            lock: Lock from `claim`, which the caller keeps; by default the store claims the run.

        Raises:
            StoreError: If there is a run and no lock is given, or if the file cannot be written.
        """
        path = locate(path)
        own = None if lock else claim(path)
        with _released_on_error(own):
            store = cls(path, create(unpublished(path)), own)
        store._is_published = False
        with store._closing_on_error(), store._transaction():
            keep_checksums(store._connection)
            store._insert("run", one=1, config=json.dumps(config), provenance=json.dumps(provenance))
            store._insert("molecule", one=1, **molecule_row(molecule))
        return store

    @classmethod
    def resume(cls, path: Path, lock: RunLock | None = None) -> Self:
        """Open an existing run for writing, and upgrade its schema if it is older.

        Args:
            path: File of the run, or the folder that contains it.
            lock: Lock of the run, which the caller keeps; by default the store takes it.

        Raises:
            StoreError: If the file is missing, not a run, newer, damaged, or being written.
        """
        path = locate(path)
        connect(path).close()  # a folder without a run needs no lock
        own = None if lock else RunLock(path)
        with _released_on_error(own):
            store = cls(path, connect(path), own)
        with store._closing_on_error(), clear_errors(path):
            store._open_transaction()
        return store

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Release the lock of the run. Committed rounds are kept; a run without any leaves no file."""
        self._connection.close()
        if not self._is_published:
            with suppress(OSError):
                unpublished(self.path).unlink()
        if self._lock is not None:
            self._lock.release()

    def commit(self, round: Round) -> None:
        """Store a round completely or not at all. A stored round survives a power failure.

        An earlier comparison with training data is deleted because it lacks the minima of this round.

        Args:
            round: The next round of the run.

        Raises:
            ValueError: If the round is not the next one.
            StoreError: If the file cannot be written.
        """
        (n_rounds,) = self._connection.execute("SELECT COUNT(*) FROM round").fetchone()
        if round.index != n_rounds:
            raise ValueError(f"round must be {n_rounds}, the next one, received {round.index}")
        (n_minima,) = self._connection.execute("SELECT COUNT(*) FROM minimum").fetchone()
        with self._transaction():
            self._insert(
                "round",
                id=round.index,
                n_evaluations=int(round.n_evaluations),
                n_minima=n_minima + len(round.minima),
                wall_seconds=float(round.wall_seconds),
                potential_seconds=float(round.potential_seconds),
                n_idle=int(round.n_idle),
            )
            for minimum in round.minima:
                self._insert("minimum", **minimum_row(minimum))
            for hop in round.hops:
                self._insert("hop", **hop_row(hop))
            self._clear("walker", "training_minimum", "comparison")
            for name, value in round.walkers.items():
                self._insert("walker", name=name, value=pack(value))
            self._connection.execute("UPDATE run SET finished = ''")
        if not self._is_published:
            self._publish()

    def finish(self, reason: str) -> None:
        """Store why the run ended. A later round deletes the reason.

        Args:
            reason: Limit that was reached, or another reason.
        """
        with self._transaction():
            self._connection.execute("UPDATE run SET finished = ?", (reason,))

    def save_provenance(self, provenance: dict[str, str]) -> None:
        """Store facts about the run in place of those that were stored.

        Args:
            provenance: Texts by name.
        """
        with self._transaction():
            self._connection.execute("UPDATE run SET provenance = ?", (json.dumps(provenance),))

    def save_comparison(self, comparison: Comparison) -> None:
        """Store the comparison with training data. It replaces an earlier one."""
        with self._transaction():
            self._clear("training_minimum", "comparison")
            self._insert(
                "comparison",
                one=1,
                nearest_frame_distance=pack(comparison.nearest_frame_distance),
                frames_torsions=pack(comparison.frames_torsions),
                n_frames=int(comparison.n_frames),
                n_relaxed=int(comparison.n_relaxed),
                n_failed=int(comparison.n_failed),
                source=comparison.source,
            )
            for minimum in comparison.training_minima:
                self._insert(
                    "training_minimum",
                    id=int(minimum.id),
                    energy=float(minimum.energy),
                    positions=pack(np.asarray(minimum.positions, dtype=float)),
                    n_frames=int(minimum.n_frames),
                    found=None if minimum.found is None else int(minimum.found),
                )

    def save_validation(self, validation: Validation) -> None:
        """Store the validation with a reference method. It replaces an earlier one."""
        arrays = ("ids", "rmsd", "stayed", "energy", "reference_energy")
        with self._transaction():
            self._clear("validation")
            blobs = {name: pack(getattr(validation, name)) for name in arrays}
            self._insert("validation", one=1, reference=validation.reference, **blobs)

    def save_certificates(self, certificates: Sequence[Certificate], saddles: Sequence[Saddle]) -> None:
        """Store certificates of minima and their saddles. Later rounds do not change them.

        Args:
            certificates: Certificates; each replaces an earlier one of the same minimum.
            saddles: Saddles among these minima.
        """
        with self._transaction():
            for certificate in certificates:
                write_certificate(self._connection, certificate)
            for saddle in saddles:
                write_saddle(self._connection, saddle)

    def commit_connections(self, round: ConnectRound) -> None:
        """Store a round of `pes-explore connect` completely or not at all.

        An earlier comparison with training data is deleted if there are new minima, which it lacks.

        Args:
            round: The next round.

        Raises:
            ValueError: If the round is not the next one.
            StoreError: If the file cannot be written.
        """
        (n_rounds,) = self._connection.execute("SELECT COUNT(*) FROM connect_round").fetchone()
        if round.index != n_rounds:
            raise ValueError(f"round must be {n_rounds}, the next one, received {round.index}")
        with self._transaction():
            for minimum in round.minima:
                self._insert("minimum", **minimum_row(minimum))
            if round.minima:
                self._clear("training_minimum", "comparison")
            write_connect_round(self._connection, round)

    def save_wavenumbers(self, states: Sequence[TransitionState]) -> None:
        """Replace the wavenumbers of stored transition states, of which only the lowest were known.

        Args:
            states: Transition states with all wavenumbers.
        """
        with self._transaction():
            for state in states:
                write_wavenumbers(self._connection, state)

    def save_saddle_validations(self, validations: Sequence[SaddleValidation]) -> None:
        """Store transition states that were refined with a reference method. They replace earlier ones."""
        with self._transaction():
            write_saddle_validations(self._connection, validations)

    def save_trajectories(self, trajectories: Sequence[Trajectory]) -> None:
        """Store trajectories of a stability test. They replace earlier ones."""
        with self._transaction():
            write_trajectories(self._connection, trajectories)

    def save_properties(self, properties: Properties) -> None:
        """Store properties of the minima. They replace earlier ones."""
        with self._transaction():
            write_properties(self._connection, properties)

    def last_round(self) -> StoredRound | None:
        """Return the state after the last round; None before the first one.

        Returns:
            Index of the round, arrays of the walkers by name, force calls, wall time (s), time of force calls (s), and
            idle force calls.
        """
        with clear_errors(self.path):
            row = self._connection.execute(
                "SELECT id, n_evaluations, wall_seconds, potential_seconds, n_idle FROM round ORDER BY id DESC LIMIT 1"
            ).fetchone()
            walkers = self._connection.execute("SELECT name, value FROM walker").fetchall()
        if row is None:
            return None
        index, *costs = row
        return index, {name: unpack(value) for name, value in walkers}, *costs

    def _publish(self) -> None:
        with clear_errors(self.path):
            self._connection.close()  # SQLite must not have a file open that is renamed
            publish(self.path)
            self._is_published = True
            self._connection = connect(self.path)
            self._open_transaction()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """Commit what is written inside the context and open the next transaction; roll back on an error."""
        with clear_errors(self.path):
            try:
                yield
                self._connection.execute("COMMIT")
                self._connection.execute("BEGIN IMMEDIATE")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                with suppress(sqlite3.Error):  # on a full disk the first error is the one to name
                    self._open_transaction()
                raise

    def _open_transaction(self) -> None:
        """Begin a transaction with the current schema and checksums, both of which a rollback may have undone."""
        self._connection.execute("BEGIN IMMEDIATE")
        upgrade(self._connection)
        keep_checksums(self._connection)

    @contextmanager
    def _closing_on_error(self) -> Iterator[None]:
        try:
            yield
        except BaseException:
            self.close()
            raise

    def _insert(self, table: str, **row: object) -> None:
        insert(self._connection, table, **row)

    def _clear(self, *tables: str) -> None:
        for table in tables:
            self._connection.execute(f"DELETE FROM {table}")


@contextmanager
def _released_on_error(lock: RunLock | None) -> Iterator[None]:
    try:
        yield
    except BaseException:
        if lock is not None:
            lock.release()
        raise
