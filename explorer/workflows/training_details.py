"""Distances of the minima of a run from training frames, and regions of torsions without frames."""

from typing import Any

import numpy as np
from jaxtyping import Float
from scipy.spatial.distance import cdist

from explorer.analysis.run_analysis import RunAnalysis
from explorer.analysis.training_comparison import training_comparison
from explorer.comparison.novelty import nearest_frames
from explorer.comparison.torsion_regions import regions_without_frames
from explorer.files import without_nan
from explorer.potential.prediction import predict_all
from explorer.similarity.alignment import heavy_rmsd
from explorer.similarity.symmetry import symmetry_of
from explorer.system import system_of
from explorer.topology.symmetry_classes import symmetry_classes
from explorer.uncertainty.support import feature_scale
from explorer.workflows.compare_training import TrainingRelaxation
from explorer.workflows.session import Session

_SUPERPOSED_FRAMES = 16  # nearest frames by torsions that each minimum is superposed with; not tuned
_FEATURE_FRAMES = 2048  # frames whose features are computed at most; not tuned


def detailed_comparison(session: Session, relaxation: TrainingRelaxation) -> dict[str, Any]:
    """Return the comparison of a run with training data, with distances and regions, as plain values for JSON.

    Every found minimum has its distance to the nearest frame: `torsion_distance` (root mean square difference,
    degrees, over all frames), `rmsd` (Å, heavy atoms, over the 16 frames nearest in torsions) and `feature_distance`
    (in standard deviations of the features of the network, over the relaxed frames and at most 2048 of them; None for
    a potential that is no network).

    Args:
        session: The run, with the comparison stored.
        relaxation: The comparison that was just made.
    """
    molecule, minima = session.record.molecule, session.record.minima
    values = training_comparison(RunAnalysis(session.record))
    found = [*values["found_and_known"], *values["found_and_new"]]
    ids = [entry["id"] for entry in found]
    positions = np.array([minima[id].positions for id in ids]).reshape(-1, molecule.n_atoms, 3)
    rmsd = _nearest_rmsd(session, positions, relaxation.frames.positions)
    selected = relaxation.frames.positions[relaxation.selected[:_FEATURE_FRAMES]]
    features = _feature_distance(session, positions, selected)
    for k, entry in enumerate(found):
        entry["rmsd"] = float(rmsd[k])
        entry["feature_distance"] = None if features is None else float(features[k])
    regions = [
        {"torsions": one.torsions, "centre": one.centre, "minima": [ids[k] for k in one.minima]}
        for one in regions_without_frames(molecule, positions, relaxation.frames.positions)
    ]
    values["not_counted"] = dict(relaxation.relaxed.not_counted)
    values["regions_without_frames"] = regions
    return without_nan(values)


def _nearest_rmsd(
    session: Session, positions: Float[np.ndarray, "n N 3"], frames: Float[np.ndarray, "F N 3"]
) -> Float[np.ndarray, "n"]:
    symmetry = symmetry_of(session.record.molecule)
    near, _ = nearest_frames(session.record.molecule, positions, frames, _SUPERPOSED_FRAMES)
    return np.array(
        [
            min((heavy_rmsd(symmetry, one, frames[k]) for k in indices), default=np.nan)
            for one, indices in zip(positions, near.tolist(), strict=True)
        ]
    )


def _feature_distance(
    session: Session, positions: Float[np.ndarray, "n N 3"], frames: Float[np.ndarray, "F N 3"]
) -> Float[np.ndarray, "n"] | None:
    """Return √(mean ((x - y) / s)²) to the nearest frame y, for features x that are averaged over equivalent atoms."""
    potential = session.potential("float64")
    if potential.components_fn is None or not len(positions):
        return None
    molecule = session.record.molecule
    system = system_of(molecule, np.dtype("float64"))
    predicted, potential = predict_all(potential, system, frames)
    if predicted.parts is None or predicted.parts.features is None:
        return None
    of_minima, _ = predict_all(potential, system, positions)
    classes = symmetry_classes(molecule.atomic_numbers, molecule.bonds)
    x, y = (_of_classes(np.asarray(one.parts.features), classes) for one in (of_minima, predicted) if one.parts)
    scale = feature_scale(y)
    return cdist(x / scale, y / scale).min(axis=1) / np.sqrt(x.shape[1])


def _of_classes(features: Float[np.ndarray, "n N F"], classes: np.ndarray) -> Float[np.ndarray, "n CF"]:
    """Return the mean features of each class of equivalent atoms, side by side."""
    means = [features[:, classes == one].mean(axis=1) for one in np.unique(classes)]
    return np.concatenate(means, axis=1)
