"""The minima of a run against the data that its model was trained on."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Int

from explorer.compare.matching import reorder_frames
from explorer.compare.novelty import nearest_frame_distance
from explorer.config import IdentitySettings
from explorer.dataset.dataset import MoleculeData, file_digest, load_dataset
from explorer.records.comparisons import Comparison, TrainingMinimum
from explorer.records.minimum import Minimum
from explorer.records.molecule import Molecule
from explorer.records.structure_class import StructureClass
from explorer.similarity.dedup import deduplicate
from explorer.similarity.symmetry import symmetry_of
from explorer.strategy.history import History
from explorer.topology.bonds import topology_of
from explorer.topology.torsions import backbone_torsions

MAX_FRAMES_SHOWN = 4000  # of the Ramachandran plot; more points would hide each other


@dataclass(frozen=True, eq=False)
class TrainingFrames:
    """Training structures of one molecule.

    Attributes:
        positions: Å, in the atom order of the run, shape (F, N, 3).
        conformers: name of the conformer that each frame was sampled from, shape (F,).
        stages: how it was sampled (dynamics at a temperature, relaxation, ...), shape (F,).
        source: name and digest of the training file.
    """

    positions: Float[np.ndarray, "F N 3"]
    conformers: np.ndarray
    stages: np.ndarray
    source: str


@dataclass(frozen=True, eq=False)
class RelaxedFrames:
    """Training frames after relaxation on the model's surface.

    Attributes:
        positions: Å, in the atom order of the run, shape (Q, N, 3).
        energies: eV, shape (Q,).
        classes: what each structure is.
        converged: whether it is a minimum, shape (Q,).
    """

    positions: Float[np.ndarray, "Q N 3"]
    energies: Float[np.ndarray, "Q"]
    classes: Sequence[StructureClass]
    converged: Bool[np.ndarray, "Q"]


def load_training_frames(path: Path, molecule: Molecule) -> TrainingFrames | None:
    """Frames of a molecule from a training file; None where the file holds no such molecule.

    Raises:
        InputError: when the file is missing or is no training data.
    """
    dataset = load_dataset(path)
    return same_molecule_frames(dataset, molecule, source=f"{Path(path).name} sha256 {file_digest(path)[:16]}")


def same_molecule_frames(
    dataset: dict[str, MoleculeData], molecule: Molecule, source: str = ""
) -> TrainingFrames | None:
    """Frames of the molecule with our elements, bonds and stereocentres, in our atom order."""
    for data in dataset.values():
        positions, kept = reorder_frames(molecule, data.atomic_numbers, data.bonds, data.positions)
        if len(kept):
            return TrainingFrames(positions, data.conformer[kept], data.stage[kept], source)
    return None


def select_frames(frames: TrainingFrames, n: int, seed: int) -> Int[np.ndarray, "n_selected"]:
    """At most n frames, in ascending order, spread evenly over conformers and stages.

    Every (conformer, stage) gives one frame before any gives its second.
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
    quenched: RelaxedFrames,
    settings: IdentitySettings,
) -> Comparison:
    """Which minima of the training data the run found, and how far its own are from the data.

    Args:
        molecule: of the run.
        minima: of the run, in order of id.
        frames: all training frames of the molecule.
        quenched: some of them, relaxed on the surface of the run.
        settings: when two structures are the same minimum; the same as in the run.
    """
    usable = np.array([kind.is_conformer for kind in quenched.classes], dtype=bool) & quenched.converged
    shown = select_frames(frames, MAX_FRAMES_SHOWN, seed=0)
    return Comparison(
        training_minima=_training_minima(molecule, minima, quenched, np.flatnonzero(usable), settings),
        nearest_frame_distance=nearest_frame_distance(
            molecule, np.array([m.positions for m in minima]).reshape(-1, molecule.n_atoms, 3), frames.positions
        ),
        frames_torsions=backbone_torsions(frames.positions[shown], topology_of(molecule).backbone),
        n_frames=len(frames.positions),
        n_relaxed=len(quenched.energies),
        n_failed=int(np.sum(~usable)),
        source=frames.source,
    )


def _training_minima(
    molecule: Molecule,
    minima: Sequence[Minimum],
    quenched: RelaxedFrames,
    usable: Int[np.ndarray, "n_usable"],
    settings: IdentitySettings,
) -> tuple[TrainingMinimum, ...]:
    symmetry = symmetry_of(molecule)
    history = History(symmetry, settings, minima)
    classes = [quenched.classes[i] for i in usable]
    labels = deduplicate(symmetry, quenched.energies[usable], quenched.positions[usable], classes, settings)
    representatives, counts = np.unique(labels, return_counts=True)
    distinct = []
    for id, k in enumerate(np.argsort(quenched.energies[usable][representatives], kind="stable")):
        frame = int(usable[representatives[k]])
        energy, positions = float(quenched.energies[frame]), np.asarray(quenched.positions[frame], dtype=float)
        found = history.identify(energy, positions, quenched.classes[frame])
        distinct.append(TrainingMinimum(id, energy, positions, int(counts[k]), found))
    return tuple(distinct)
