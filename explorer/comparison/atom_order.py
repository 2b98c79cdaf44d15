"""Molecules of a data set that differ in the order of their atoms only."""

from dataclasses import fields, replace
from typing import Any

import numpy as np

from explorer.comparison.matching import match_bonds
from explorer.dataset.dataset import FRAME_FIELDS, MoleculeData
from explorer.records.molecule import Molecule


def in_one_order(molecules: dict[str, MoleculeData]) -> dict[str, MoleculeData]:
    """Merge molecules with the same elements, bonds and charge; each takes the atom order of the first.

    Args:
        molecules: Labelled frames by molecule.

    Returns:
        Molecules of which no two have the same bonds, under the names of the first.
    """
    merged: dict[str, list[MoleculeData]] = {}
    references: dict[str, Molecule] = {}
    for name, data in molecules.items():
        for known, reference in references.items():
            if reference.total_charge != data.total_charge or reference.n_atoms != len(data.atomic_numbers):
                continue
            order = match_bonds(reference, data.atomic_numbers, data.bonds)
            if order is not None:
                merged[known].append(_reordered(data, order))
                break
        else:
            references[name], merged[name] = data.as_molecule(name), [data]
    return {name: _joined(parts) for name, parts in merged.items()}


def _reordered(data: MoleculeData, order: np.ndarray) -> MoleculeData:
    return replace(
        data,
        atomic_numbers=data.atomic_numbers[order],
        bonds=np.sort(np.argsort(order)[data.bonds], axis=1),
        positions=data.positions[:, order],
        forces=data.forces[:, order],
    )


def _joined(parts: list[MoleculeData]) -> MoleculeData:
    if len(parts) == 1:
        return parts[0]
    names = [f.name for f in fields(parts[0]) if f.name in (*FRAME_FIELDS, "frame")]
    arrays: dict[str, Any] = {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
    return replace(parts[0], **arrays)
