"""The labels of the chosen structures of a round as data of one molecule."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from explorer.active_learning.neighbourhood import label_neighbourhood, read_part
from explorer.active_learning.progress import LearningProgress
from explorer.dataset.collect import MAX_ENERGY, MAX_FORCE
from explorer.dataset.dataset import MoleculeData
from explorer.dataset.processes import in_processes
from explorer.errors import InputError
from explorer.records.molecule import Molecule
from explorer.similarity.symmetry import Symmetry
from explorer.similarity.within_rmsd import within_rmsd


class SelectedStructures(NamedTuple):
    """Structures of a run that the reference is asked about."""

    names: Int[np.ndarray, "n"]  # of the minima of the run
    positions: Float[np.ndarray, "n N 3"]  # Å
    errors: Float[np.ndarray, "n"]  # expected of a force, eV/Å; NaN where the model does not know its limits
    splits: np.ndarray  # shape (n,)


def label_selected(
    molecule: Molecule,
    chosen: SelectedStructures,
    reference: str,
    parts: Path,
    seed: tuple[int, int],
    n_processes: int,
    watch: LearningProgress,
) -> None:
    """Label around every chosen structure, one file for each, skipping those that exist.

    Args:
        molecule: any conformer.
        chosen: the structures.
        reference: name of the method.
        parts: folder of the files.
        seed: of the displacements.
        n_processes: at a time.
        watch: told how many are done.
    """
    parts.mkdir(parents=True, exist_ok=True)
    todo = [k for k in range(len(chosen.names)) if not part_path(parts, k).exists()]
    calls = [(part_path(parts, k), molecule, reference, chosen.positions[k], (*seed, k)) for k in todo]
    report, n_done = watch.counting("structures labelled"), len(chosen.names) - len(todo)
    in_processes(label_neighbourhood, calls, n_processes, lambda done, _: report(n_done + done, len(chosen.names)))


def part_path(parts: Path, k: int) -> Path:
    """File of one chosen structure."""
    return parts / f"{k:05d}.npz"


def collect_labels(
    molecule: Molecule,
    chosen: SelectedStructures,
    parts: Path,
    round: int,
    symmetry: Symmetry,
    kept_out: Float[np.ndarray, "m N 3"],
    mirror: bool,
) -> tuple[MoleculeData, list[str]]:
    """Join the files of a round; frames that are too hot, or are conformers that are kept out, are left out.

    Args:
        molecule: any conformer.
        chosen: the structures.
        parts: folder of the files.
        round: number of the round, part of the names of the conformers.
        symmetry: of the molecule.
        kept_out: conformers that no frame may be, Å.
        mirror: whether their mirror images are kept out too.

    Returns:
        The data, and the reasons of what failed.

    Raises:
        InputError: when nothing could be labelled.
    """
    failures: list[str] = []
    arrays: dict[str, list[np.ndarray]] = {k: [] for k in ("positions", "energy", "forces", "conformer", "stage")}
    splits: list[str] = []
    for k, name in enumerate(chosen.names):
        header, part = read_part(part_path(parts, k))
        failures += [f"round {round}, minimum {name}: {why}" for why in header["failures"]]
        cold = np.linalg.norm(part["forces"], axis=-1).max(-1, initial=0) < MAX_FORCE
        kept = cold & ~within_rmsd(symmetry, part["positions"].astype(float), kept_out, mirror)
        part["conformer"] = np.full(len(cold), f"{molecule.name}:round-{round}-minimum-{name}")
        for key, values in arrays.items():
            values.append(part[key][kept])
        splits += [str(chosen.splits[k])] * int(kept.sum())
    if not splits:
        raise InputError(f"None of the chosen structures could be labelled. The first reason: {[*failures, 'none'][0]}")
    data = MoleculeData(
        molecule.atomic_numbers.astype(np.int16),
        molecule.bonds.astype(np.int16),
        molecule.total_charge,
        **{key: np.concatenate(values) for key, values in arrays.items()},
        split=np.array(splits),
    )
    return data.select(data.energy - data.energy.min() < MAX_ENERGY * molecule.n_atoms), failures
