"""Comparison of a run with training data: frames are relaxed on the surface of the run and matched with its minima."""

import hashlib
from contextlib import suppress
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from jaxtyping import Float

from explorer.comparison.training import RelaxedFrames, compare_with_training, load_training_frames, select_frames
from explorer.errors import InputError
from explorer.files import write_atomically
from explorer.hopping.relax_frames import relax_by_walkers
from explorer.records.comparisons import Comparison
from explorer.relaxation.relaxer import RelaxResult, Status
from explorer.resources import cache_folder
from explorer.topology.bonds import topology_of
from explorer.topology.classify import classify_batch
from explorer.workflows.criteria import assess_relaxed, hole_criteria
from explorer.workflows.relax import ReportCount
from explorer.workflows.session import Session


def compare_run(
    session: Session,
    training: Path | None,
    n_frames: int,
    progress: ReportCount | None = None,
    units: str | None = None,
) -> Comparison | None:
    """Relax training frames on the surface of a run, match them with its minima, and store the comparison.

    Args:
        session: The run.
        training: Training data; None for those that the model was trained on.
        n_frames: Number of frames to relax at most.
        progress: Called with (relaxed, total).
        units: Unit of the energies of the training data, where their file does not tell.

    Returns:
        The comparison, or None where the model's own data are absent or do not contain the molecule.

    Raises:
        InputError: When data were named that do not contain the molecule.
    """
    molecule, settings = session.record.molecule, session.settings
    path = training or session.model.training_data
    frames = load_training_frames(path, molecule, units) if path else None
    if frames is None:
        if training is not None:
            raise InputError(f"{training} has no frames of {molecule.name}: other bonds or stereocentres.")
        return None
    chosen = select_frames(frames, n_frames, settings.seed)
    result = _relaxed(session, frames.positions[chosen], progress)
    positions = np.asarray(result.positions, float)
    classes = [one.structure_class for one in classify_batch(topology_of(molecule), positions)]
    energies, converged = result.energy.astype(float), result.status == Status.CONVERGED
    # without trust levels, since estimates for all frames cost more than their relaxation
    criteria = hole_criteria(session.model, molecule)
    assessed = assess_relaxed(criteria, molecule.bonds, positions, energies, converged)
    are_results = np.array([not one.exclusion for one in assessed], dtype=bool)
    relaxed = RelaxedFrames(positions, energies, classes, converged, are_results)
    comparison = compare_with_training(molecule, session.record.minima, frames, relaxed, settings.identity)
    with session.writing() as store:
        store.save_comparison(comparison)
    session.update(comparison=comparison)
    return comparison


def _relaxed(session: Session, positions: Float[np.ndarray, "n N 3"], progress: ReportCount | None) -> RelaxResult:
    """Relax training frames, or read them from the cache where this model has relaxed them before."""
    molecule, settings = session.record.molecule, session.settings
    digest = hashlib.sha256(f"{session.model.digest} {settings.precision} {settings.exact} {settings.relax}".encode())
    for array in (molecule.bonds, molecule.positions, positions):
        digest.update(np.ascontiguousarray(array).tobytes())
    path = cache_folder() / "relaxed-frames" / f"{digest.hexdigest()[:32]}.npz"
    if session.model.folder and path.is_file():
        with suppress(OSError, ValueError, KeyError, EOFError, BadZipFile), np.load(path) as stored:
            return RelaxResult(*(stored[name] for name in RelaxResult._fields))
    result = relax_by_walkers(session.potential(), molecule, settings, positions, progress)
    if session.model.folder:  # of other potentials the digest does not tell everything
        # a cache that cannot be written is no reason to fail
        with suppress(OSError), write_atomically(path) as temporary:
            np.savez(temporary, **result._asdict())
    return result
