"""Errors of a model on labelled frames, by molecule and by how the frames were made."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from explorer.potential.hyperparameters import Hyperparameters
from explorer.potential.pairs import count_pairs
from explorer.potential.so3krates import so3krates
from explorer.system import from_arrays
from explorer.train.dataset import MoleculeData
from explorer.train.fit import evaluate_frames

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
    residuals = [r for name, data in molecules.items() for r in _residuals(name, data, hp, params, split)]
    names = sorted({name for name, *_ in residuals})
    stages = sorted({stage for _, stage, *_ in residuals})
    rows = []
    for name in (*names, ALL):
        for stage in (*stages, ALL):
            group = [r for r in residuals if name in (ALL, r[0]) and stage in (ALL, r[1])]
            if group:
                energy, forces = (np.concatenate([r[k] for r in group]) for k in (2, 3))
                rows.append(ErrorRow(name, stage, len(energy), *_mae_rmse(energy), *_mae_rmse(forces)))
    return rows


def _residuals(
    name: str, data: MoleculeData, hp: Hyperparameters, params: Any, split: str
) -> Iterator[tuple[str, str, np.ndarray, np.ndarray]]:
    """Molecule, stage, errors of the energy (eV per atom) and of the force components (eV/Å)."""
    data = data.select(data.split == split)
    if not len(data.energy):
        return
    counts = [(data.atomic_numbers == z).sum() for z in hp.trained_elements]
    shift = float(np.dot(counts, hp.atomic_energies)) if hp.atomic_energies else 0.0
    template = from_arrays(data.atomic_numbers, data.positions[0], float(data.total_charge))
    potential = so3krates(hp, params, count_pairs(data.positions, hp.cutoff))
    energy, forces = evaluate_frames(potential, template, np.asarray(data.positions, np.float32))
    energy_error = (energy - (data.energy - shift)) / len(data.atomic_numbers)
    for stage in np.unique(data.stage):
        mask = data.stage == stage
        yield name, str(stage), energy_error[mask], (forces - data.forces)[mask].ravel()


def _mae_rmse(error: np.ndarray) -> tuple[float, float]:
    """In thousandths."""
    return 1000 * float(np.abs(error).mean()), 1000 * float(np.sqrt((error**2).mean()))
