"""Training data of any format in the layout of this project, so that training can be resumed and compared with."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np

from explorer.comparison.atom_order import in_one_order
from explorer.dataset.dataset import MoleculeData, file_digest, is_own_dataset, load_meta, require_forces, save_dataset
from explorer.dataset.training_data import TrainingData, read_training_data
from explorer.dataset.training_molecule import time_blocks
from explorer.errors import InputError
from explorer.files import write_atomically
from explorer.resources import data_folder

_MIN_FRAMES = 12  # so that there are frames for validation and test


def as_own_dataset(
    path: Path,
    target: Path,
    units: str | None = None,
    energy_key: str | None = None,
    forces_key: str | None = None,
) -> tuple[Path, tuple[str, ...]]:
    """Return a dataset in the layout of this project; data in another format are converted into a file.

    Frames without energy or forces, single atoms and radicals are left out. The same molecule in several atom orders
    becomes one.

    Args:
        path: Training data of any format.
        target: File to write for data in another format; it is kept where it came from the same data.
        units: As for `read_training_data`.
        energy_key: As for `read_training_data`.
        forces_key: As for `read_training_data`.

    Returns:
        The path of the dataset, and what was chosen, assumed or left out.

    Raises:
        InputError: If the data cannot be read, have no forces or have too few frames.
    """
    if path.suffix == ".npz" and is_own_dataset(path):
        require_forces(path)
        return path, ()
    if not path.is_file():
        raise InputError(f"No training data at {path}. Make some with pes-explore label.")
    options = [units, energy_key, forces_key]
    source = f"{path.name} {file_digest(path)} {json.dumps(options)}"
    if target.is_file() and is_own_dataset(target) and load_meta(target).get("source") == source:
        return target, (f"{path.name} was converted before: {target}.",)
    data = read_training_data(path, *options)
    molecules, left_out = _usable(data)
    n_frames = {name: len(one.energy) for name, one in molecules.items()}
    if sum(n_frames.values()) < _MIN_FRAMES:
        raise InputError(
            f"{path} has {sum(n_frames.values())} frames with energy and forces; at least {_MIN_FRAMES} were wanted. "
            + " ".join((*data.notes, *left_out))
        )
    conformers = {name: len(np.unique(one.conformer)) for name, one in molecules.items()}
    notes = (*data.notes, *left_out)
    meta = {"reference": "", "source": source, "frames": n_frames, "conformers": conformers, "notes": notes}
    save_dataset(target, molecules, meta)
    return target, notes


def keep_with_model(data: Path, folder: Path) -> Path:
    """Put a dataset into the folder of a model, so that runs with the model are compared with it.

    Args:
        data: Dataset in the layout of this project. Shipped data stay where they are.
        folder: Folder of the model; it is created.

    Returns:
        The dataset to train on.
    """
    target = folder / data.name
    if data.resolve() in (target.resolve(), (data_folder() / "training" / data.name).resolve()):
        return data
    folder.mkdir(parents=True, exist_ok=True)
    if not target.is_file() or file_digest(target) != file_digest(data):
        with write_atomically(target) as temporary:
            shutil.copyfile(data, temporary)
    return target


def _usable(data: TrainingData) -> tuple[dict[str, MoleculeData], list[str]]:
    """Frames that a network can be trained on, and what was left out."""
    kept: dict[str, MoleculeData] = {}
    left_out = []
    n_unlabelled = 0
    for name, one in data.items():
        if len(one.atomic_numbers) == 1 or one.multiplicity != 1:
            what = "a single atom" if len(one.atomic_numbers) == 1 else f"of multiplicity {one.multiplicity}"
            left_out.append(f"{name} is {what} and is not trained on.")
            continue
        labelled = np.isfinite(one.energy) & np.isfinite(one.forces).all(axis=(1, 2))
        n_unlabelled += int(np.sum(~labelled))
        if labelled.any():
            kept[name] = one.select(labelled)
    if n_unlabelled:
        left_out.append(f"{n_unlabelled} frames without energy or forces are not trained on.")
    return {name: _prepared(one) for name, one in in_one_order(kept).items()}, left_out


def _prepared(one: MoleculeData) -> MoleculeData:
    """Fields of the layout, with centred positions and splits of all frames together."""
    fields = {name: getattr(one, name) for name in MoleculeData.__dataclass_fields__}
    conformer, split = time_blocks(len(one.energy))
    centred = one.positions - one.positions.mean(axis=1, keepdims=True)
    return replace(MoleculeData(**fields), positions=centred, conformer=conformer, split=split)
