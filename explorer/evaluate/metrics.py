"""Errors of a model on labelled frames: by molecule and by how the frames were made, by element and by residue."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from ase.data import chemical_symbols
from jaxtyping import Float

from explorer.dataset.dataset import MoleculeData
from explorer.evaluate.residuals import Residuals, residuals_of
from explorer.potential.hyperparameters import Hyperparameters

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
        torques_mae: meV/rad per bond that turns; None where there is none.
    """

    molecule: str
    stage: str
    n_frames: int
    energy_mae: float
    energy_rmse: float
    forces_mae: float
    forces_rmse: float
    torques_mae: float | None = None


@dataclass(frozen=True)
class AtomRow:
    """Errors over one kind of atoms.

    Attributes:
        kind: an element or a residue.
        n_atoms: in all frames.
        forces_mae, forces_rmse: meV/Å per component.
    """

    kind: str
    n_atoms: int
    forces_mae: float
    forces_rmse: float


def frame_errors(
    molecules: dict[str, MoleculeData], hp: Hyperparameters, params: Any, split: str = "test"
) -> list[ErrorRow]:
    """Errors on one split, see `by_frame`; none where it has no frames.

    Args:
        molecules: labelled frames.
        hp: of the network.
        params: of the network.
        split: `train`, `validation` or `test`.
    """
    frames = of_split(molecules, split)
    return by_frame(residuals_of(frames, hp, params)) if frames else []


def of_split(molecules: dict[str, MoleculeData], split: str) -> dict[str, MoleculeData]:
    """The frames of one split; molecules without any are left out."""
    frames = {name: data.select(data.split == split) for name, data in molecules.items()}
    return {name: data for name, data in frames.items() if len(data.energy)}


def by_frame(residuals: Residuals) -> list[ErrorRow]:
    """Errors per molecule and stage, per molecule, per stage, and over everything."""
    energy_error = residuals.energy / residuals.n_atoms
    real = residuals.numbers > 0
    rows = []
    for name in (*np.unique(residuals.molecule).tolist(), ALL):
        for stage in (*np.unique(residuals.stage).tolist(), ALL):
            group = ((residuals.molecule == name) | (name == ALL)) & ((residuals.stage == stage) | (stage == ALL))
            if group.any():
                forces = residuals.forces[group][real[group]]
                errors = (*_mae_rmse(energy_error[group]), *_mae_rmse(forces))
                about = np.abs(residuals.torques[group])
                about = 1000 * float(np.nanmean(about)) if np.isfinite(about).any() else None
                rows.append(ErrorRow(name, stage, int(group.sum()), *errors, about))
    return rows


def by_element(residuals: Residuals) -> list[AtomRow]:
    """Force errors of the atoms of each element, in ascending order of atomic numbers."""
    kinds = np.unique(residuals.numbers[residuals.numbers > 0]).tolist()
    return [_atom_row(residuals, chemical_symbols[number], residuals.numbers == number) for number in kinds]


def by_residue(residuals: Residuals) -> list[AtomRow]:
    """Force errors of the atoms of each residue, by name."""
    kinds = np.unique(residuals.residue[residuals.numbers > 0]).tolist()
    return [_atom_row(residuals, name, residuals.residue == name) for name in kinds]


def _atom_row(residuals: Residuals, kind: str, chosen: np.ndarray) -> AtomRow:
    return AtomRow(kind, int(chosen.sum()), *_mae_rmse(residuals.forces[chosen]))


def _mae_rmse(error: Float[np.ndarray, "..."]) -> tuple[float, float]:
    """In thousandths."""
    return 1000 * float(np.abs(error).mean()), 1000 * float(np.sqrt((error**2).mean()))
