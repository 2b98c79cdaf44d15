"""Labels of the selected structures of a round, as data of one molecule."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from explorer.active_learning.neighbourhood import label_neighbourhood
from explorer.active_learning.progress import LearningProgress
from explorer.dataset.dataset import MoleculeData
from explorer.dataset.parts import read_part
from explorer.dataset.processes import run_in_processes
from explorer.dataset.recipe import MAX_LABEL_ENERGY, MAX_LABEL_FORCE
from explorer.errors import InputError
from explorer.records.molecule import Molecule
from explorer.similarity.symmetry import Symmetry
from explorer.similarity.within_rmsd import within_rmsd


class SelectedStructures(NamedTuple):
    """Structures of a run that are labelled. The field names are the keys of `chosen.npz`."""

    names: Int[np.ndarray, "n"]  # ids of the minima of the run
    positions: Float[np.ndarray, "n N 3"]  # Å
    errors: Float[np.ndarray, "n"]  # expected force error, eV/Å; NaN where the model does not provide it
    splits: np.ndarray  # split of each structure: train, validation or test; shape (n,)


def label_selected(
    molecule: Molecule,
    selected: SelectedStructures,
    reference: str,
    parts: Path,
    seed: tuple[int, int],
    n_processes: int,
    progress: LearningProgress,
) -> None:
    """Label the neighbourhood of every selected structure, one file for each; existing files are kept.

    Args:
        molecule: Molecule; its positions are not used.
        selected: Selected structures.
        reference: Name of the reference method.
        parts: Folder of the files.
        seed: Seed of the displacements.
        n_processes: Number of parallel processes of the reference method.
        progress: Called with the numbers of finished and of all structures.
    """
    parts.mkdir(parents=True, exist_ok=True)
    n = len(selected.names)
    todo = [k for k in range(n) if not structure_file(parts, k).exists()]
    calls = [(structure_file(parts, k), molecule, reference, selected.positions[k], (*seed, k)) for k in todo]
    report, n_done = progress.counter("structures labelled"), n - len(todo)
    run_in_processes(label_neighbourhood, calls, n_processes, lambda done, _: report(n_done + done, n))


def structure_file(parts: Path, k: int) -> Path:
    """Return the file of one selected structure.

    Args:
        parts: Folder of the files.
        k: Index of the structure.
    """
    return parts / f"{k:05d}.npz"


def collect_labels(
    molecule: Molecule,
    selected: SelectedStructures,
    parts: Path,
    round: int,
    symmetry: Symmetry,
    held_out: Float[np.ndarray, "m N 3"],
    mirror: bool,
) -> tuple[MoleculeData, list[str]]:
    """Join the files of a round; leave out frames with large forces or energies, and held-out conformers.

    Args:
        molecule: Molecule; its positions are not used.
        selected: Selected structures.
        parts: Folder of the files.
        round: Number of the round; it is part of the names of the conformers.
        symmetry: Symmetry of the molecule.
        held_out: Positions of the held-out conformers, Å.
        mirror: Whether mirror images of these are held out too.

    Returns:
        The data, and the reasons of failures.

    Raises:
        InputError: When nothing could be labelled.
    """
    failures: list[str] = []
    arrays: dict[str, list[np.ndarray]] = {k: [] for k in ("positions", "energy", "forces", "conformer", "stage")}
    splits: list[str] = []
    for k, name in enumerate(selected.names):
        header, part = read_part(structure_file(parts, k))
        failures += [f"round {round}, minimum {name}: {reason}" for reason in header["failures"]]
        has_small_forces = np.linalg.norm(part["forces"], axis=-1).max(-1, initial=0) < MAX_LABEL_FORCE
        kept = has_small_forces & ~within_rmsd(symmetry, part["positions"].astype(float), held_out, mirror)
        part["conformer"] = np.full(len(kept), f"{molecule.name}:round-{round}-minimum-{name}")
        for key, values in arrays.items():
            values.append(part[key][kept])
        splits += [str(selected.splits[k])] * int(kept.sum())
    if not splits:
        reason = [*failures, "none"][0]
        raise InputError(f"None of the selected structures could be labelled. The first reason: {reason}")
    data = MoleculeData(
        atomic_numbers=molecule.atomic_numbers.astype(np.int16),
        bonds=molecule.bonds.astype(np.int16),
        total_charge=molecule.total_charge,
        **{key: np.concatenate(values) for key, values in arrays.items()},
        split=np.array(splits),
    )
    return data.select(data.energy - data.energy.min() < MAX_LABEL_ENERGY * molecule.n_atoms), failures
