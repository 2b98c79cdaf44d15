"""Errors of a model on labelled frames, by molecule and by how the frames were made."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from explorer.potential.hyperparameters import Hyperparameters
from explorer.train.dataset import MoleculeData
from explorer.train.frames import fill_buckets
from explorer.train.predict import predict

ALL = "all"


@dataclass(frozen=True)
class ErrorRow:
    """Errors over one group of frames.

    Attributes:
        molecule: name, or `all`.
        stage: such as `dynamics-500`, or `all`.
        n_frames: in the group.
        energy_mae, energy_rmse: meV per atom.
        forces_mae, forces_rmse: meV/Å per component.
    """

    molecule: str
    stage: str
    n_frames: int
    energy_mae: float
    energy_rmse: float
    forces_mae: float
    forces_rmse: float


def measure(
    molecules: dict[str, MoleculeData], hp: Hyperparameters, params: Any, split: str = "test"
) -> list[ErrorRow]:
    """Errors on one split: per molecule and stage, per molecule, per stage, and over everything.

    Args:
        molecules: labelled frames.
        hp: of the network.
        params: of the network.
        split: `train`, `validation` or `test`.
    """
    frames = {name: data.select(data.split == split) for name, data in molecules.items()}
    frames = {name: data for name, data in frames.items() if len(data.energy)}
    if not frames:
        return []
    predicted, wanted = predict(fill_buckets(frames, hp), hp, params)
    n_atoms = np.concatenate([np.full(len(d.energy), len(d.atomic_numbers)) for d in frames.values()])
    of_molecule = np.concatenate([np.full(len(d.energy), name) for name, d in frames.items()])
    of_stage = np.concatenate([d.stage for d in frames.values()])
    energy_error = (predicted.energy - wanted.energy) / n_atoms
    force_error = predicted.forces - wanted.forces
    real = np.arange(force_error.shape[1]) < n_atoms[:, None]
    rows = []
    for name in (*sorted(frames), ALL):
        for stage in (*np.unique(of_stage).tolist(), ALL):
            group = ((of_molecule == name) | (name == ALL)) & ((of_stage == stage) | (stage == ALL))
            if group.any():
                energy, forces = energy_error[group], force_error[group][real[group]]
                rows.append(ErrorRow(name, stage, int(group.sum()), *_mae_rmse(energy), *_mae_rmse(forces)))
    return rows


def _mae_rmse(error: np.ndarray) -> tuple[float, float]:
    """In thousandths."""
    return 1000 * float(np.abs(error).mean()), 1000 * float(np.sqrt((error**2).mean()))
