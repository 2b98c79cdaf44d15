"""Comparison of a run with training data: frames are relaxed on the surface of the run and matched with its minima."""

from pathlib import Path

import numpy as np

from explorer.compare.training import RelaxedFrames, compare_with_training, load_training_frames, select_frames
from explorer.config import Settings
from explorer.config_file import with_overrides
from explorer.errors import InputError
from explorer.potential.load import potential_of
from explorer.records.comparisons import Comparison
from explorer.relax.relaxer import Status
from explorer.store.database import FILE_NAME
from explorer.store.read import read_run
from explorer.store.store import Store
from explorer.topology.bonds import topology_of
from explorer.topology.classify import classify_batch
from explorer.workflows.relax import Count, _quench


def compare_run(out: Path, training: Path | None, n_frames: int, progress: Count | None = None) -> Comparison | None:
    """Quench training frames on the surface of a run and store how the two compare.

    Args:
        out: folder of the run.
        training: a dataset; by default the one that the model was trained on.
        n_frames: at most so many are quenched.
        progress: called with (quenched, total).

    Returns:
        The comparison, or None where the default dataset is absent or has no such molecule.

    Raises:
        InputError: when a dataset was named that does not hold this molecule.
    """
    record = read_run(out)
    settings: Settings = with_overrides(Settings(), record.config)
    _, info = potential_of(settings, record.molecule)
    path = training or info.training_data
    frames = load_training_frames(path, record.molecule) if path else None
    if frames is None:
        if training is not None:
            raise InputError(f"{training} holds no frames of {record.molecule.name}: other bonds or stereocentres.")
        return None
    chosen = select_frames(frames, n_frames, settings.seed)
    result = _quench(record.molecule, settings, frames.positions[chosen], "auto", progress)
    positions = np.asarray(result.positions, float)
    kinds = [found.structure_class for found in classify_batch(topology_of(record.molecule), positions)]
    quenched = RelaxedFrames(positions, result.energy.astype(float), kinds, result.status == Status.CONVERGED)
    comparison = compare_with_training(record.molecule, record.minima, frames, quenched, settings.identity)
    with Store.resume(out / FILE_NAME) as store:
        store.save_comparison(comparison)
    return comparison
