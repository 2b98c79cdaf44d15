"""Datasets without forces in a sixth of the size: positions and provenance, from which labels can be made again.

Positions are whole multiples of `POSITION_STEP`. Each atom is stored relative to the bonded atom before it, since these
differences are small and repeat in frames where parts of a molecule turn as a whole, and all low bytes come before all
high bytes. Arrays of all molecules are joined, because 1500 molecules with nine arrays each have 2 MB of headers.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zipfile import ZIP_LZMA, ZipFile, ZipInfo

import numpy as np
from jaxtyping import Float, Int

from explorer.files import write_atomically

# Å; a power of two, so that float32 holds its multiples up to 16384 Å exactly. Rounding changes forces of SO3LR by
# 14 meV/Å and energies by 0.04 meV per atom (medians of 400 frames); labels are made again at the rounded positions.
POSITION_STEP = 2.0**-10
POSITION_KEY = "position_bytes"  # the array that only these files have
_TEXTS = ("conformer", "stage", "split")  # fields of a few texts that occur many times


def write_compact(path: Path, molecules: Mapping[str, Mapping[str, Any]], meta: dict) -> None:
    """Write positions, energies and provenance of a dataset, without its forces.

    The same data give the same bytes.

    Args:
        path: File to write.
        molecules: Arrays of each molecule by the field names of `MoleculeData`. Positions are rounded to multiples of
            `POSITION_STEP`; energies are kept.
        meta: Provenance; stored as JSON.
    """
    every = list(molecules.values())
    steps = np.concatenate([_bonded_differences(data["positions"], data["bonds"]).ravel() for data in every])
    fits = np.abs(steps).max(initial=0) <= np.iinfo(np.int16).max
    steps = steps.astype("<i2" if fits else "<i4")
    arrays = {
        "meta": np.array(json.dumps(meta)),
        "molecules": np.array(list(molecules)),
        "n_atoms": np.array([len(data["atomic_numbers"]) for data in every], np.int32),
        "n_bonds": np.array([len(data["bonds"]) for data in every], np.int32),
        "n_frames": np.array([len(data["energy"]) for data in every], np.int32),
        "total_charge": np.array([data["total_charge"] for data in every], np.int32),
        "atomic_numbers": np.concatenate([data["atomic_numbers"] for data in every]).astype(np.int16),
        "bonds": np.concatenate([data["bonds"] for data in every]).astype(np.int16),
        POSITION_KEY: np.ascontiguousarray(steps.view(np.uint8).reshape(len(steps), -1).T),
        "energy": np.concatenate([data["energy"] for data in every]),
    }
    for field in _TEXTS:
        texts = np.concatenate([data[field] for data in every])
        arrays[f"{field}_names"], arrays[field] = np.unique(texts, return_inverse=True)
    with write_atomically(path) as temporary, ZipFile(temporary, "w") as archive:
        for name, array in arrays.items():
            member = ZipInfo(f"{name}.npy")  # without a time, unlike a plain name
            member.compress_type = ZIP_LZMA  # 15 % smaller than the deflate of np.savez_compressed
            with archive.open(member, "w", force_zip64=True) as file:
                np.lib.format.write_array(file, array, allow_pickle=False)


def arrays_of_compact(archive: Mapping[str, np.ndarray]) -> dict[str, dict[str, np.ndarray]]:
    """Return the arrays of each molecule by the field names of `MoleculeData`, without forces.

    Args:
        archive: Arrays of a file that `write_compact` wrote.

    Raises:
        ValueError: When the arrays do not belong together; IndexError likewise.
    """
    n_atoms, n_bonds, n_frames = (archive[key].astype(int) for key in ("n_atoms", "n_bonds", "n_frames"))
    names, planes, charges = (archive[key] for key in ("molecules", POSITION_KEY, "total_charge"))
    if names.dtype.kind != "U" or len(set(names.tolist())) != len(n_atoms):
        raise ValueError(f"{len(n_atoms)} names of molecules were wanted")
    steps = np.ascontiguousarray(planes.T).view(f"<i{len(planes)}").ravel()
    parts = {
        "atomic_numbers": _divided(archive["atomic_numbers"], n_atoms),
        "bonds": _divided(archive["bonds"], n_bonds),
        "steps": _divided(steps, 3 * n_atoms * n_frames),
        "energy": _divided(archive["energy"], n_frames),
        **{field: _divided(archive[f"{field}_names"][archive[field]], n_frames) for field in _TEXTS},
    }
    molecules = {}
    for k, name in enumerate(names.tolist()):
        arrays = {field: values[k] for field, values in parts.items()}
        differences = arrays.pop("steps").reshape(n_frames[k], n_atoms[k], 3)
        positions = _positions(differences, arrays["bonds"])
        molecules[name] = {**arrays, "total_charge": charges[k], "positions": positions}
    return molecules


def _divided(joined: np.ndarray, lengths: Int[np.ndarray, "M"]) -> list[np.ndarray]:
    """Return the part of each molecule of an array that joins those of all molecules."""
    if len(joined) != lengths.sum():
        raise ValueError(f"arrays of {lengths.sum()} values were wanted, received {len(joined)}")
    return np.split(joined, np.cumsum(lengths)[:-1])


def _bonded_differences(
    positions: Float[np.ndarray, "F N 3"], bonds: Int[np.ndarray, "n_bonds 2"]
) -> Int[np.ndarray, "F N 3"]:
    """Return positions relative to the bonded atom before each atom, in steps."""
    steps = np.round(np.asarray(positions, float) / POSITION_STEP).astype(np.int32)
    before = _bonded_before(steps.shape[1], bonds)
    return steps - np.where(before[:, None] < 0, 0, steps[:, before])


def _positions(
    differences: Int[np.ndarray, "F N 3"], bonds: Int[np.ndarray, "n_bonds 2"]
) -> Float[np.ndarray, "F N 3"]:
    """Return the positions to which such differences belong, Å."""
    steps = differences.astype(np.int32)
    for k, before in enumerate(_bonded_before(steps.shape[1], bonds).tolist()):
        if before >= 0:
            steps[:, k] += steps[:, before]
    return (steps * POSITION_STEP).astype(np.float32)


def _bonded_before(n_atoms: int, bonds: Int[np.ndarray, "n_bonds 2"]) -> Int[np.ndarray, "N"]:
    """Return the last of the atoms before each atom that it is bonded to; -1 for none.

    >>> _bonded_before(4, np.array([[0, 1], [3, 1], [0, 3]])).tolist()
    [-1, 0, -1, 1]
    """
    before = np.full(n_atoms, -1)
    np.maximum.at(before, bonds.max(axis=1, initial=0), bonds.min(axis=1, initial=n_atoms))
    return before
