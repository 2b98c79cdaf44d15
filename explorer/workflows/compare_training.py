"""Comparison of a run with training data: frames are relaxed on the surface of the run and matched with its minima."""

import hashlib
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple
from zipfile import BadZipFile

import numpy as np
from jaxtyping import Float, Int

from explorer.comparison.training import (
    TrainingFrames,
    compare_with_training,
    load_training_frames,
    select_frames,
)
from explorer.comparison.training_minima import RelaxedFrames, TrainingMinima
from explorer.errors import InputError
from explorer.files import write_atomically
from explorer.hopping.relax_frames import relax_by_walkers
from explorer.records.comparisons import Comparison
from explorer.records.minimum import Minimum
from explorer.records.molecule import Molecule
from explorer.relaxation.relaxer import STATUS_TEXT, RelaxResult, Status
from explorer.resources import cache_folder
from explorer.topology.bonds import topology_of
from explorer.topology.classify import classify_batch
from explorer.uncertainty.criteria import ResultCriteria
from explorer.workflows.criteria import assess_relaxed, hole_criteria
from explorer.workflows.relax import ReportCount
from explorer.workflows.session import Session

# Frames that are relaxed and stored together. An interruption loses at most this many; the walkers idle at the end of
# each batch. Not tuned.
_BATCH = 512


class TrainingRelaxation(NamedTuple):
    """Training frames of a run, and what they relax to.

    Attributes:
        frames: All training frames of the molecule.
        selected: Indices of the frames that were relaxed.
        relaxed: Minima that these frames lead to.
        comparison: The comparison, as it is stored.
    """

    frames: TrainingFrames
    selected: Int[np.ndarray, "n_selected"]
    relaxed: TrainingMinima
    comparison: Comparison


def begin_to_read(training: Path, molecule: Molecule) -> Future[TrainingFrames | None]:
    """Begin to read the training frames of a molecule in another thread.

    Args:
        training: Training data.
        molecule: Molecule of the run.

    Returns:
        The frames to be. An error of the reader is raised where they are asked for.
    """
    with_one_thread = ThreadPoolExecutor(1, thread_name_prefix="training-frames")
    reading = with_one_thread.submit(load_training_frames, training, molecule)
    with_one_thread.shutdown(wait=False)
    return reading


def compare_run(
    session: Session,
    training: Path | None,
    n_frames: int | None,
    progress: ReportCount | None = None,
    units: str | None = None,
) -> TrainingRelaxation | None:
    """Relax training frames on the surface of a run, match them with its minima, and store the comparison.

    Frames are relaxed in batches. What a network did with each batch is kept in the cache, so that an interrupted call
    continues where it stopped.

    Args:
        session: The run.
        training: Training data; None for those that the model was trained on.
        n_frames: Number of frames to relax at most, chosen to differ most; None for all.
        progress: Called with (relaxed, total).
        units: Unit of the energies of the training data, where their file does not tell.

    Returns:
        The comparison, or None where the model's own data are absent or do not contain the molecule.

    Raises:
        InputError: When data were named that do not contain the molecule, or the run was made with another model.
    """
    session.require_same_model()
    molecule, settings = session.record.molecule, session.settings
    path = training or session.model.training_data
    if training is None and session.training_frames is not None:
        frames = session.training_frames.result()
    else:
        frames = load_training_frames(path, molecule, units) if path else None
    if frames is None:
        if training is not None:
            raise InputError(f"{training} has no frames of {molecule.name}: other bonds or stereocentres.")
        return None
    selected = select_frames(molecule, frames, n_frames, settings.seed)
    relaxed = TrainingMinima(molecule, session.record.minima, settings.identity)
    # without trust levels, since estimates for all frames cost more than their relaxation
    criteria = hole_criteria(session.model, molecule)
    for start in range(0, len(selected), _BATCH):
        batch = frames.positions[selected[start : start + _BATCH]]
        result = _relaxed(session, batch, relaxed.known, _shifted(progress, start, len(selected)))
        relaxed.add(_with_classes(session, result, criteria))
    comparison = compare_with_training(molecule, session.record.minima, frames, relaxed)
    with session.writing() as store:
        store.save_comparison(comparison)
    session.update(comparison=comparison)
    return TrainingRelaxation(frames, selected, relaxed, comparison)


def _shifted(progress: ReportCount | None, start: int, total: int) -> Callable[[int, int], None]:
    """Return a report of the progress of one batch that counts the batches before it."""
    return lambda done, of_batch: progress(start + done, total) if progress is not None else None


def _with_classes(session: Session, result: RelaxResult, criteria: ResultCriteria | None) -> RelaxedFrames:
    """Return relaxed frames with their structure classes, and whether the model knows them."""
    molecule, positions = session.record.molecule, np.asarray(result.positions, float)
    energies, converged = result.energy.astype(float), result.status == Status.CONVERGED
    assessed = assess_relaxed(criteria, molecule.bonds, positions, energies, converged)
    return RelaxedFrames(
        positions=positions,
        energies=energies,
        classes=[one.structure_class for one in classify_batch(topology_of(molecule), positions)],
        failures=["" if good else STATUS_TEXT[status] for good, status in zip(converged, result.status, strict=True)],
        exclusions=[one.exclusion for one in assessed],
    )


def _relaxed(
    session: Session,
    positions: Float[np.ndarray, "n N 3"],
    known: tuple[Minimum, ...],
    progress: Callable[[int, int], None],
) -> RelaxResult:
    """Relax a batch of training frames, or read it from the cache where this model has relaxed it before."""
    molecule, settings = session.record.molecule, session.settings
    digest = hashlib.sha256(f"{session.model.digest} {settings.precision} {settings.exact} {settings.relax}".encode())
    for array in (molecule.bonds, molecule.positions, positions):
        digest.update(np.ascontiguousarray(array).tobytes())
    path = cache_folder() / "relaxed-frames" / f"{digest.hexdigest()[:32]}.npz"
    if session.model.folder and path.is_file():
        with suppress(OSError, ValueError, KeyError, EOFError, BadZipFile), np.load(path) as stored:
            result = RelaxResult(*(stored[name] for name in RelaxResult._fields))
            progress(len(positions), len(positions))
            return result
    result = relax_by_walkers(session.potential(), molecule, settings, positions, progress, known)
    if session.model.folder:  # of other potentials the digest does not tell everything
        # a cache that cannot be written is no reason to fail
        with suppress(OSError), write_atomically(path) as temporary:
            np.savez(temporary, **result._asdict())
    return result
