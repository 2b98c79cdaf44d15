"""Comparison of the minima of a run with the training data of its model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from explorer.comparison.matching import reorder_frames
from explorer.comparison.novelty import conformation_torsions, nearest_frame_distance
from explorer.comparison.training_minima import TrainingMinima
from explorer.dataset.dataset import MoleculeData, file_digest, is_own_dataset, load_meta
from explorer.dataset.farthest_points import farthest_points, inverse_distances
from explorer.dataset.training_data import read_training_data
from explorer.records.comparisons import Comparison
from explorer.records.minimum import Minimum
from explorer.records.molecule import Molecule
from explorer.topology.bonds import topology_of
from explorer.topology.torsions import backbone_torsions, dihedrals

_MAX_FRAMES_SHOWN = 4000  # points of the Ramachandran plot; more would overlap; not tuned
_FAR_AWAY = 1.0  # Å, of the centre of a frame from the origin; not tuned


@dataclass(frozen=True, eq=False)
class TrainingFrames:
    """Training structures of one molecule.

    Attributes:
        positions: Å, in the atom order of the run, shape (F, N, 3).
        source: Name and digest of the training file.
    """

    positions: Float[np.ndarray, "F N 3"]
    source: str


def load_training_frames(path: Path, molecule: Molecule, units: str | None = None) -> TrainingFrames | None:
    """Load the frames of a molecule from training data of any format.

    Args:
        path: Training data.
        molecule: Molecule of the run.
        units: Unit of their energies, as for `read_training_data`.

    Returns:
        Frames, or None if the file does not contain the molecule.

    Raises:
        InputError: If the file is missing or cannot be read, or its units are unknown.
    """
    dataset = read_training_data(path, units)
    return same_molecule_frames(dataset, molecule, _name_and_digest(path))


def _name_and_digest(path: Path) -> str:
    """Return name and digest of a file, and of the file with forces where it was made from one."""
    text = f"{path.name} sha256 {file_digest(path)[:16]}"
    whole = load_meta(path).get("whole", "") if path.suffix == ".npz" and is_own_dataset(path) else ""
    name, _, digest = whole.rpartition(" ")
    return f"{text}, made of {name} sha256 {digest[:16]}" if whole else text


def same_molecule_frames(
    dataset: Mapping[str, MoleculeData], molecule: Molecule, source: str = ""
) -> TrainingFrames | None:
    """Return the frames with the elements, bonds and stereocentres of a molecule, in its atom order.

    Args:
        dataset: Training data by name of the molecule.
        molecule: Molecule of the run.
        source: Name and digest of the training file.

    Returns:
        Frames, or None if the dataset does not contain the molecule.
    """
    parts = []
    for data in dataset.values():
        if len(data.atomic_numbers) != molecule.n_atoms:
            continue
        positions, kept = reorder_frames(molecule, data.atomic_numbers, data.bonds, data.positions)
        if len(kept):
            parts.append(_near_origin(positions))
    return TrainingFrames(np.concatenate(parts), source) if parts else None


def _near_origin(positions: Float[np.ndarray, "F N 3"]) -> Float[np.ndarray, "F N 3"]:
    """Return the frames, centred if any has drifted far from the origin, where float32 loses digits."""
    centres = positions.mean(axis=1, keepdims=True)
    return positions if np.abs(centres).max(initial=0) < _FAR_AWAY else positions - centres


def select_frames(
    molecule: Molecule, frames: TrainingFrames, n: int | None, seed: int
) -> Int[np.ndarray, "n_selected"]:
    """Select frames that differ most in their torsions, by farthest-point sampling.

    Each frame is the farthest from all frames before it, so that the first of them cover the data at any length. A
    molecule without torsions is compared by its inverse distances.

    Args:
        molecule: Molecule of the run.
        frames: Training frames.
        n: Largest number of frames; None for all, in their order.
        seed: Seed of the first frame.

    Returns:
        Indices of the frames in the order of selection.
    """
    if n is None or n >= len(frames.positions):
        return np.arange(len(frames.positions))
    quadruples, periods = conformation_torsions(topology_of(molecule))
    if len(quadruples):
        angles = np.deg2rad(360.0 * dihedrals(frames.positions, quadruples) / periods)
        features = np.nan_to_num(np.concatenate([np.cos(angles), np.sin(angles)], axis=1)).astype(np.float32)
    else:
        features = inverse_distances(molecule.atomic_numbers, molecule.bonds, frames.positions)
    return farthest_points(features, n, np.random.default_rng(seed))


def compare_with_training(
    molecule: Molecule, minima: Sequence[Minimum], frames: TrainingFrames, relaxed: TrainingMinima
) -> Comparison:
    """Compare the minima of a run with the training data.

    Args:
        molecule: Molecule of the run.
        minima: Minima of the run, in order of id.
        frames: All training frames of the molecule.
        relaxed: Minima that some of these frames relax to on the surface of the run.

    Returns:
        Minima of the training data that the run found or missed, and distances of its minima from the data.
    """
    shown = frames.positions[:: max(1, -(-len(frames.positions) // _MAX_FRAMES_SHOWN))]
    return Comparison(
        training_minima=relaxed.minima,
        nearest_frame_distance=nearest_frame_distance(
            molecule, np.array([m.positions for m in minima]).reshape(-1, molecule.n_atoms, 3), frames.positions
        ),
        frames_torsions=backbone_torsions(shown, topology_of(molecule).backbone),
        n_frames=len(frames.positions),
        n_relaxed=relaxed.n_frames,
        n_failed=sum(relaxed.not_counted.values()),
        source=frames.source,
    )
