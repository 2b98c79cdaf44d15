"""Errors of a model on labelled frames by molecule, stage, element and residue."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from ase.data import chemical_symbols
from jaxtyping import Bool, Float

from explorer.dataset.dataset import MoleculeData
from explorer.evaluate.residuals import Residuals, residuals_of
from explorer.potential.hyperparameters import Hyperparameters

ALL = "all"  # stands for the molecule or the stage in rows over all molecules or stages


@dataclass(frozen=True, kw_only=True)
class ErrorRow:
    """Errors over one group of frames. The field names are keys of `errors.json`.

    Attributes:
        molecule: Name of the molecule, or `all`.
        stage: How the frames were made, such as `dynamics-500`, or `all`.
        n_frames: Number of frames.
        energy_mae: Mean absolute error of energies, meV per atom.
        energy_rmse: Root-mean-square error of energies, meV per atom.
        forces_mae: Mean absolute error of force components, meV/Å.
        forces_rmse: Root-mean-square error of force components, meV/Å.
        torques_mae: Mean absolute error of torques about rotatable bonds, meV/rad; None without such bonds.
    """

    molecule: str
    stage: str
    n_frames: int
    energy_mae: float
    energy_rmse: float
    forces_mae: float
    forces_rmse: float
    torques_mae: float | None = None


@dataclass(frozen=True, kw_only=True)
class AtomRow:
    """Force errors over the atoms of one element or residue. The field names are keys of `errors.json`.

    Attributes:
        kind: Symbol of the element or name of the residue.
        n_atoms: Number of atoms in all frames.
        forces_mae: Mean absolute error of force components, meV/Å.
        forces_rmse: Root-mean-square error of force components, meV/Å.
    """

    kind: str
    n_atoms: int
    forces_mae: float
    forces_rmse: float


def frame_errors(
    molecules: dict[str, MoleculeData], hp: Hyperparameters, params: Any, split: str = "test"
) -> list[ErrorRow]:
    """Return the errors on one split as `errors_by_group` does; an empty list where it has no frames.

    Args:
        molecules: Labelled frames by molecule.
        hp: Hyperparameters of the network.
        params: Parameters of the network.
        split: `train`, `validation` or `test`.
    """
    frames = of_split(molecules, split)
    return errors_by_group(residuals_of(frames, hp, params)) if frames else []


def of_split(molecules: dict[str, MoleculeData], split: str) -> dict[str, MoleculeData]:
    """Return the frames of one split; molecules without any are left out.

    Args:
        molecules: Labelled frames by molecule.
        split: `train`, `validation` or `test`.
    """
    frames = {name: data.select(data.split == split) for name, data in molecules.items()}
    return {name: data for name, data in frames.items() if len(data.energy)}


def errors_by_group(residuals: Residuals) -> list[ErrorRow]:
    """Return the errors for each molecule and stage, each molecule, each stage, and all frames."""
    rows = []
    for molecule in (*np.unique(residuals.molecule).tolist(), ALL):
        for stage in (*np.unique(residuals.stage).tolist(), ALL):
            in_molecule = (residuals.molecule == molecule) | (molecule == ALL)
            in_stage = (residuals.stage == stage) | (stage == ALL)
            if (in_molecule & in_stage).any():
                rows.append(_error_row(residuals, molecule, stage, in_molecule & in_stage))
    return rows


def errors_by_element(residuals: Residuals) -> list[AtomRow]:
    """Return the force errors of the atoms of each element, in ascending order of atomic numbers."""
    elements = np.unique(residuals.numbers[residuals.numbers > 0]).tolist()
    return [_atom_row(residuals, chemical_symbols[number], residuals.numbers == number) for number in elements]


def errors_by_residue(residuals: Residuals) -> list[AtomRow]:
    """Return the force errors of the atoms of each residue, in the order of their names."""
    residues = np.unique(residuals.residue[residuals.numbers > 0]).tolist()
    return [_atom_row(residuals, name, residuals.residue == name) for name in residues]


def _error_row(residuals: Residuals, molecule: str, stage: str, group: Bool[np.ndarray, "F"]) -> ErrorRow:
    energy_mae, energy_rmse = _mae_rmse(residuals.energy[group] / residuals.n_atoms[group])
    forces_mae, forces_rmse = _mae_rmse(residuals.forces[group][residuals.numbers[group] > 0])
    torques = np.abs(residuals.torques[group])
    return ErrorRow(
        molecule=molecule,
        stage=stage,
        n_frames=int(group.sum()),
        energy_mae=energy_mae,
        energy_rmse=energy_rmse,
        forces_mae=forces_mae,
        forces_rmse=forces_rmse,
        torques_mae=1000 * float(np.nanmean(torques)) if np.isfinite(torques).any() else None,
    )


def _atom_row(residuals: Residuals, name: str, group: Bool[np.ndarray, "F N"]) -> AtomRow:
    forces_mae, forces_rmse = _mae_rmse(residuals.forces[group])
    return AtomRow(kind=name, n_atoms=int(group.sum()), forces_mae=forces_mae, forces_rmse=forces_rmse)


def _mae_rmse(error: Float[np.ndarray, "..."]) -> tuple[float, float]:
    """Return the mean absolute and the root-mean-square error in milli-units of the errors, such as meV for eV."""
    return 1000 * float(np.abs(error).mean()), 1000 * float(np.sqrt((error**2).mean()))
