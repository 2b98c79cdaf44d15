"""Labelled frames of ASE trajectories and databases, and of databases of SchNetPack."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.calculators.calculator import PropertyNotImplementedError
from ase.db import connect
from ase.io import iread

from explorer.dataset.frame_source import FrameBlock, FrameSource, block_of
from explorer.dataset.label_units import LabelUnits
from explorer.errors import InputError
from explorer.wording import in_one_line


def read_traj(path: Path) -> FrameSource:
    """Open an ASE trajectory.

    Raises:
        InputError: If it cannot be read.
    """
    return FrameSource(layout="ASE trajectory", blocks=_trajectory(path), usual=LabelUnits())


@contextmanager
def _damage_told(path: Path, kind: str) -> Iterator[None]:
    try:
        yield
    except InputError:
        raise
    except Exception as error:  # ASE and sqlite3 raise errors of many kinds for damaged files
        raise InputError(f"{path} is no readable {kind} ({type(error).__name__}: {in_one_line(error)}).") from None


def _trajectory(path: Path) -> Iterator[FrameBlock]:
    with _damage_told(path, "ASE trajectory"):
        for atoms in iread(str(path), format="traj"):
            yield _block(atoms)


def _block(atoms: Atoms) -> FrameBlock:
    charge, multiplicity = (atoms.info.get(key) for key in ("charge", "multiplicity"))
    return block_of(
        atoms.numbers,
        atoms.positions[None],
        _label(atoms, "energy"),
        _label(atoms, "forces"),
        total_charge=None if charge is None else round(float(charge)),
        multiplicity=None if multiplicity is None else int(multiplicity),
    )


def _label(atoms: Atoms, name: str) -> np.ndarray | None:
    """Label of a frame, without the constraints of the trajectory."""
    if atoms.calc is None:
        return None
    try:
        value = atoms.calc.get_property(name, atoms, allow_calculation=False)
    except PropertyNotImplementedError:
        return None
    return None if value is None else np.asarray(value, float)[None]


def read_db(path: Path) -> FrameSource:
    """Open an ASE database; labels are those of calculators, or the data of rows as SchNetPack stores them.

    Raises:
        InputError: If it cannot be read, or its units are unknown.
    """
    with _damage_told(path, "ASE database"):
        with path.open("rb") as file:
            if not file.read(16).startswith(b"SQLite format 3"):
                raise InputError(f"{path} is no SQLite database of ASE.")
        database = connect(str(path), type="db")
        metadata = database.metadata
    units = metadata.get("_property_unit_dict")
    if units is None:
        return FrameSource(layout="ASE database", blocks=_rows(database, path), usual=LabelUnits())
    stated = LabelUnits.parse(f"{units.get('energy', 'eV')},{metadata.get('_distance_unit', 'Ang')}")
    return FrameSource(layout="database of SchNetPack", blocks=_rows(database, path), stated=stated)


def _rows(database: Any, path: Path) -> Iterator[FrameBlock]:
    with _damage_told(path, "ASE database"):
        for row in database.select():
            energy, forces = (row.get(key, row.data.get(key)) for key in ("energy", "forces"))
            charge = row.data.get("total_charge", row.data.get("charge"))
            yield block_of(
                row.numbers,
                row.positions[None],
                None if energy is None else np.asarray(energy, float).reshape(1),
                None if forces is None else np.asarray(forces, float)[None],
                total_charge=None if charge is None else round(float(np.asarray(charge).reshape(-1)[0])),
            )
