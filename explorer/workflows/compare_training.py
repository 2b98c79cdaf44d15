"""Comparison of a run with training data: frames are relaxed on the surface of the run and matched with its minima."""

from pathlib import Path

import numpy as np

from explorer.comparison.training import RelaxedFrames, compare_with_training, load_training_frames, select_frames
from explorer.errors import InputError
from explorer.records.comparisons import Comparison
from explorer.relaxation.relaxer import Status
from explorer.topology.bonds import topology_of
from explorer.topology.classify import classify_batch
from explorer.workflows.relax import ReportCount, relax_positions
from explorer.workflows.session import Session


def compare_run(
    session: Session, training: Path | None, n_frames: int, progress: ReportCount | None = None
) -> Comparison | None:
    """Relax training frames on the surface of a run, match them with its minima, and store the comparison.

    Args:
        session: The run.
        training: Training data; None for those that the model was trained on.
        n_frames: Number of frames to relax at most.
        progress: Called with (relaxed, total).

    Returns:
        The comparison, or None where the model's own data are absent or do not contain the molecule.

    Raises:
        InputError: When data were named that do not contain the molecule.
    """
    molecule, settings = session.record.molecule, session.settings
    path = training or session.model.training_data
    frames = load_training_frames(path, molecule) if path else None
    if frames is None:
        if training is not None:
            raise InputError(f"{training} has no frames of {molecule.name}: other bonds or stereocentres.")
        return None
    chosen = select_frames(frames, n_frames, settings.seed)
    result = relax_positions(session.potential(), molecule, settings, frames.positions[chosen], progress=progress)
    positions = np.asarray(result.positions, float)
    classes = [one.structure_class for one in classify_batch(topology_of(molecule), positions)]
    relaxed = RelaxedFrames(positions, result.energy.astype(float), classes, result.status == Status.CONVERGED)
    comparison = compare_with_training(molecule, session.record.minima, frames, relaxed, settings.identity)
    with session.writing() as store:
        store.save_comparison(comparison)
    session.update(comparison=comparison)
    return comparison
