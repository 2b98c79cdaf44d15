"""Checks of labels against their units, and remarks about what is unusual or missing."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from jaxtyping import Float

from explorer.dataset.label_units import (
    LabelUnits,
    contradiction,
    is_decisive,
    likely_units,
    suspicion,
    work_mismatch,
)
from explorer.dataset.training_molecule import TrainingMolecule
from explorer.errors import InputError

_CHECKED_FRAMES = 2000  # of each molecule; not tuned


def checked_forces(molecules: dict[str, TrainingMolecule]) -> Float[np.ndarray, "n"]:
    """Return components of the forces from which units are told.

    Args:
        molecules: Molecules by name.
    """
    return np.concatenate([data.forces[:_CHECKED_FRAMES].ravel() for data in molecules.values()])


def check_units(path: Path, molecules: dict[str, TrainingMolecule], units: LabelUnits, stated: bool) -> None:
    """Refuse units that the numbers contradict; where nobody stated them, also those that they make unlikely.

    Args:
        path: File, for the message.
        molecules: Molecules by name, in these units.
        units: Units.
        stated: Whether the file or the user stated them.

    Raises:
        InputError: If the numbers do not fit the units.
    """
    reasons = [contradiction(units, data.atomic_numbers, data.energy) for data in molecules.values()]
    forces = checked_forces(molecules)
    if not any(reasons) and not stated and is_decisive(units, forces):
        reasons = [suspicion(units, forces)]
    if reason := next(filter(None, reasons), ""):
        said = "" if stated else " The file does not tell its units."
        raise InputError(
            f"{path}: energies cannot be in {units}: {reason}.{said} {likely_units(forces)} Say --units kcal/mol, eV "
            "or hartree."
        )


def label_notes(molecules: dict[str, TrainingMolecule], units: LabelUnits, stated: bool) -> Iterator[str]:
    """Yield what was assumed, what is unusual and which labels are missing, in sentences.

    Args:
        molecules: Molecules by name, in eV and Å.
        units: Units of the file.
        stated: Whether the file or the user stated them.
    """
    if not stated:
        yield f"Units are not stated; {units} are taken, as is usual for this format, and fit the numbers."
    if reason := suspicion(LabelUnits(), checked_forces(molecules)):
        yield f"With {units}, {reason}. Check the units."
    for name, data in molecules.items():
        checked = slice(0, _CHECKED_FRAMES)
        if reason := work_mismatch(data.positions[checked], data.energy[checked], data.forces[checked]):
            yield f"{name}: {reason}."
            break
    energies = sum(int(np.isnan(data.energy).sum()) for data in molecules.values())
    missing = sum(int(np.isnan(data.forces).any(axis=(1, 2)).sum()) for data in molecules.values())
    if energies or missing:
        yield f"{energies} frames have no energy and {missing} no forces."
    if atoms := [name for name, data in molecules.items() if len(data.atomic_numbers) == 1]:
        yield f"{', '.join(atoms)} are single atoms: reference energies of elements, not conformers."
