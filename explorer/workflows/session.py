"""An open run: its record, settings and potential, each read or loaded once and shared by all steps of a command.

JAX is imported only when the potential is asked for, so that commands without forces start at once.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from explorer.config import Settings
from explorer.config_file import stored_settings
from explorer.errors import InputError
from explorer.records.run import RunRecord
from explorer.store.database import RUN_FILE_NAME, connect, locate
from explorer.store.lock import RunLock
from explorer.store.read import read_run
from explorer.store.store import Store

if TYPE_CHECKING:
    from concurrent.futures import Future

    from explorer.comparison.training import TrainingFrames
    from explorer.potential.load import ModelInfo
    from explorer.potential.potential import Potential


class Session:
    """A run in a folder, open for one command.

    Args:
        folder: Folder of the run.
        record: The run as it is stored there.
        loaded: Potential of the run in float64 and its model, where they are loaded already.
        lock: Lock of the run, if it is open for writing; the session releases it.

    Attributes:
        folder: Folder of the run.
        record: The run as it is stored; `update` keeps it in step with what is written.
        training_frames: Frames of the molecule in the training data of the model, where they are being read already.
    """

    def __init__(
        self,
        folder: Path,
        record: RunRecord,
        loaded: "tuple[Potential, ModelInfo] | None" = None,
        lock: RunLock | None = None,
    ):
        self.folder, self.record, self._lock = folder, record, lock
        self.training_frames: Future[TrainingFrames | None] | None = None
        if loaded is not None:
            self._loaded = loaded

    @classmethod
    def open(cls, run: Path, writing: bool = False) -> Self:
        """Open a stored run.

        Args:
            run: Folder of the run, or its `run.sqlite`.
            writing: Whether results will be written. No other process can then write the run until the session is
                closed, and the run is read when that is certain.

        Raises:
            StoreError: When there is no run, it cannot be read, or another process writes it.
        """
        folder = run.parent if run.suffix == ".sqlite" and not run.is_dir() else run
        if not writing:
            return cls(folder, read_run(run))
        file = locate(run)
        connect(file).close()  # a folder without a run needs no lock
        lock = RunLock(file)
        try:
            return cls(folder, read_run(run), lock=lock)
        except BaseException:
            lock.release()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let other processes write the run."""
        if self._lock is not None:
            self._lock.release()

    @cached_property
    def settings(self) -> Settings:
        """Settings of the run."""
        return stored_settings(self.record.config)

    @cached_property
    def _loaded(self) -> "tuple[Potential, ModelInfo]":
        from explorer.potential.load import potential_of

        return potential_of(replace(self.settings, precision="float64"), self.record.molecule)

    @property
    def model(self) -> "ModelInfo":
        """The model behind the potential."""
        return self._loaded[1]

    def potential(self, precision: str = "") -> "Potential":
        """The potential of the run.

        Args:
            precision: `float32` or `float64`; empty for that of the run.
        """
        from explorer.potential.load import in_precision

        return in_precision(self._loaded[0], precision or self.settings.precision)

    def require_same_model(self) -> None:
        """Check that the name of the potential still stands for the model that made the run.

        Raises:
            InputError: When it stands for another model.
        """
        require_same_model(self.record, self.model.digest)

    @contextmanager
    def writing(self) -> Iterator[Store]:
        """Open the store of the run for writing, until the end of the block."""
        with Store.resume(self.folder / RUN_FILE_NAME, self._lock) as store:
            yield store

    def update(self, **parts: Any) -> None:
        """Replace parts of the record, after they were written to the store.

        Args:
            parts: Attributes of `RunRecord`.
        """
        self.record = replace(self.record, **parts)


def require_same_model(record: RunRecord, digest: str) -> None:
    """Check that a model is the one that made a run.

    Args:
        record: The run.
        digest: Digest of the model that its name stands for now.

    Raises:
        InputError: When the run was made with another model.
    """
    before = record.provenance.get("potential_digest", "")
    if before != digest:
        raise InputError(
            f"The run was made with model {record.provenance.get('potential')} ({before}), but that name now stands "
            f"for {digest}. The run can be reported and exported. To continue it, restore the old checkpoint folder or "
            "installation. To use the present model, start a new run, or relax minima.extxyz with pes-explore relax."
        )
