"""Calibration of the uncertainty of any network or committee on labelled frames."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from explorer.dataset.dataset import MoleculeData, load_dataset
from explorer.errors import InputError
from explorer.potential.load import read_networks
from explorer.potential.network_committee import CommitteeFunctions
from explorer.potential.so3krates import NetworkFunctions
from explorer.train.import_data import as_own_dataset
from explorer.uncertainty.assessor import save_assessor
from explorer.uncertainty.calibration import Calibration
from explorer.uncertainty.fit import fit_assessor

_Molecules = dict[str, MoleculeData]


class CalibratedModel(NamedTuple):
    """Result of `calibrate_model`.

    Attributes:
        folder: Folder of the files of the calibration.
        calibration: Law of expected errors.
        n_members: Number of members of the committee; 1 for a single network.
        notes: What was chosen, assumed or left out, in sentences.
    """

    folder: Path
    calibration: Calibration
    n_members: int
    notes: tuple[str, ...]


def calibrate_model(
    name: str,
    data: Path,
    training: Path | None = None,
    units: str | None = None,
    progress: Callable[[str, int, int], None] = lambda what, done, total: None,
) -> CalibratedModel:
    """Fit the uncertainty of a model to labelled frames, and write it where runs with the model look for it.

    The files of a network lie in its folder, those of a committee of several networks in the user's folder of models,
    by the digest of the committee.

    Args:
        name: Model, or several with commas between them that form a committee.
        data: Labelled frames that the model was not trained on.
        training: Training data of the model, from which the distance of structures is measured. By default every other
            block of consecutive frames of `data`, which then does not calibrate.
        units: Unit of energy of these data, where their files do not tell.
        progress: Called with (name of the items, done, total).

    Raises:
        InputError: When data cannot be read or have elements that the model does not know.
        ConfigError: When there are too few frames, or the model is no network.
    """
    networks = read_networks(name)
    frames, notes = _read(data, units)
    if training is None:
        support, held_out = _halves(frames)
        notes += ("Half of the blocks of frames stand for the training data; the other half calibrates.",)
    else:
        support, more = _read(training, units)
        held_out, notes = frames, notes + more
    unknown = {int(z) for one in (*support.values(), *held_out.values()) for z in one.atomic_numbers}
    unknown -= set(networks.hyperparameters.trained_elements or unknown)
    if unknown:
        raise InputError(f"{data} has atoms of atomic numbers {sorted(unknown)}, which {name} was not trained on.")
    functions = tuple(NetworkFunctions(hp) for hp, _ in networks.members)
    of_model, params = CommitteeFunctions(functions), tuple(params for _, params in networks.members)
    assessor, _ = fit_assessor(support, of_model, params, held_out, progress)
    networks.folder.mkdir(parents=True, exist_ok=True)
    save_assessor(networks.folder, assessor)
    return CalibratedModel(networks.folder, assessor.calibration, of_model.n_members, notes)


def _read(path: Path, units: str | None) -> tuple[_Molecules, tuple[str, ...]]:
    with tempfile.TemporaryDirectory() as scratch:
        converted, notes = as_own_dataset(path, Path(scratch) / "data.npz", units)
        return load_dataset(converted), notes


def _halves(molecules: _Molecules) -> tuple[_Molecules, _Molecules]:
    """Return frames as training data and held-out frames, by every other conformer or block of frames."""
    support, held_out = {}, {}
    for name, data in molecules.items():
        _, block = np.unique(data.conformer, return_inverse=True)
        odd = block % 2 == 1
        held_out[name] = data.select(odd)
        rest = data.select(~odd)
        support[name] = MoleculeData(**{**vars(rest), "split": np.full(len(rest.energy), "train")})
    return support, {name: data for name, data in held_out.items() if len(data.energy)}
