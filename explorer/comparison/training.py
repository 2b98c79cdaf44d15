"""Comparison of the minima of a run with the training data of its model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Int

from explorer.comparison.matching import reorder_frames
from explorer.comparison.novelty import nearest_frame_distance
from explorer.config import IdentitySettings
from explorer.dataset.dataset import MoleculeData, file_digest
from explorer.dataset.training_data import read_training_data
from explorer.records.comparisons import Comparison, TrainingMinimum
from explorer.records.minimum import Minimum
from explorer.records.molecule import Molecule
from explorer.records.structure_class import StructureClass
from explorer.similarity.dedup import deduplicate
from explorer.similarity.symmetry import symmetry_of
from explorer.strategy.history import History
from explorer.topology.bonds import topology_of
from explorer.topology.torsions import backbone_torsions

_MAX_FRAMES_SHOWN = 4000  # points of the Ramachandran plot; more would overlap; not tuned
_FAR_AWAY = 1.0  # Å, of the centre of a frame from the origin; not tuned


@dataclass(frozen=True, eq=False)
class TrainingFrames:
    """Training structures of one molecule.

    Attributes:
        positions: Å, in the atom order of the run, shape (F, N, 3).
        conformers: Name of the conformer from which each frame was sampled, shape (F,).
        stages: Sampling method of each frame (dynamics at a temperature, relaxation, ...), shape (F,).
        source: Name and digest of the training file.
    """

    positions: Float[np.ndarray, "F N 3"]
    conformers: np.ndarray
    stages: np.ndarray
    source: str


@dataclass(frozen=True, eq=False)
class RelaxedFrames:
    """Training frames after relaxation with the model.

    Attributes:
        positions: Å, in the atom order of the run, shape (Q, N, 3).
        energies: eV, shape (Q,).
        classes: Class of each structure.
        converged: Whether each relaxation converged, shape (Q,).
        are_results: Whether the model knows each structure, shape (Q,).
    """

    positions: Float[np.ndarray, "Q N 3"]
    energies: Float[np.ndarray, "Q"]
    classes: Sequence[StructureClass]
    converged: Bool[np.ndarray, "Q"]
    are_results: Bool[np.ndarray, "Q"]


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
    return same_molecule_frames(dataset, molecule, source=f"{Path(path).name} sha256 {file_digest(path)[:16]}")


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
            parts.append((_near_origin(positions), data.conformer[kept], data.stage[kept]))
    if not parts:
        return None
    positions, conformers, stages = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    return TrainingFrames(positions, conformers, stages, source)


def _near_origin(positions: Float[np.ndarray, "F N 3"]) -> Float[np.ndarray, "F N 3"]:
    """Frames of trajectories drift away, where float32 loses digits; frames near the origin stay as they are."""
    centres = positions.mean(axis=1, keepdims=True)
    return positions if np.abs(centres).max(initial=0) < _FAR_AWAY else positions - centres


def select_frames(frames: TrainingFrames, n: int, seed: int) -> Int[np.ndarray, "n_selected"]:
    """Select at most n frames, spread evenly over conformers and stages.

    Every pair of conformer and stage contributes one frame before any contributes a second.

    Args:
        frames: Training frames.
        n: Largest number of frames.
        seed: Seed of the random order.

    Returns:
        Indices of the frames in ascending order.
    """
    generator = np.random.default_rng(seed)
    shuffled = generator.permutation(len(frames.positions))
    rank = np.empty(len(shuffled), dtype=int)
    n_taken: dict[tuple[str, str], int] = {}
    for frame in shuffled:
        group = (str(frames.conformers[frame]), str(frames.stages[frame]))
        rank[frame] = n_taken[group] = n_taken.get(group, -1) + 1
    return np.sort(shuffled[np.argsort(rank[shuffled], kind="stable")][:n])


def compare_with_training(
    molecule: Molecule,
    minima: Sequence[Minimum],
    frames: TrainingFrames,
    relaxed: RelaxedFrames,
    settings: IdentitySettings,
) -> Comparison:
    """Compare the minima of a run with the training data.

    Args:
        molecule: Molecule of the run.
        minima: Minima of the run, in order of id.
        frames: All training frames of the molecule.
        relaxed: Some of these frames, relaxed with the model of the run.
        settings: Identity settings of the run.

    Returns:
        Minima of the training data that the run found or missed, and distances of its minima from the data.
    """
    usable = np.array([one.is_conformer for one in relaxed.classes], dtype=bool)
    usable &= relaxed.converged & relaxed.are_results
    shown = select_frames(frames, _MAX_FRAMES_SHOWN, seed=0)
    return Comparison(
        training_minima=_training_minima(molecule, minima, relaxed, np.flatnonzero(usable), settings),
        nearest_frame_distance=nearest_frame_distance(
            molecule, np.array([m.positions for m in minima]).reshape(-1, molecule.n_atoms, 3), frames.positions
        ),
        frames_torsions=backbone_torsions(frames.positions[shown], topology_of(molecule).backbone),
        n_frames=len(frames.positions),
        n_relaxed=len(relaxed.energies),
        n_failed=int(np.sum(~usable)),
        source=frames.source,
    )


def _training_minima(
    molecule: Molecule,
    minima: Sequence[Minimum],
    relaxed: RelaxedFrames,
    usable: Int[np.ndarray, "n_usable"],
    settings: IdentitySettings,
) -> tuple[TrainingMinimum, ...]:
    symmetry = symmetry_of(molecule)
    history = History(symmetry, settings, minima)
    classes = [relaxed.classes[i] for i in usable]
    labels = deduplicate(symmetry, relaxed.energies[usable], relaxed.positions[usable], classes, settings)
    representatives, counts = np.unique(labels, return_counts=True)
    distinct = []
    for id, k in enumerate(np.argsort(relaxed.energies[usable][representatives], kind="stable")):
        frame = int(usable[representatives[k]])
        energy, positions = float(relaxed.energies[frame]), np.asarray(relaxed.positions[frame], dtype=float)
        found = history.identify(energy, positions, relaxed.classes[frame])
        distinct.append(
            TrainingMinimum(id=id, energy=energy, positions=positions, n_frames=int(counts[k]), found=found)
        )
    return tuple(distinct)
