"""Labelled frames of npz files in the layouts of sGDML, MD17, MD22, revised MD17, mlff, PhysNet and SpookyNet."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np

from explorer.dataset.dataset import npz_damage
from explorer.dataset.frame_source import FrameBlock, FrameSource, block_of
from explorer.dataset.label_units import LabelUnits
from explorer.errors import ExplorerError, InputError
from explorer.potential.unpickle import read_object_array
from explorer.wording import in_one_line

Arrays = Mapping[str, np.ndarray]
_UNFIT = (ValueError, IndexError, KeyError, TypeError, OverflowError)  # errors of numpy for arrays of other content


def read_npz(path: Path) -> FrameSource:
    """Open an npz file of one of the known layouts.

    Raises:
        InputError: If it is damaged or has another layout.
    """
    arrays = _arrays(path)
    for keys, layout, blocks, usual in _LAYOUTS:
        if keys <= arrays.keys():
            try:
                stated = _stated(arrays)
                return FrameSource(layout=layout, blocks=_checked(blocks(arrays), path), stated=stated, usual=usual)
            except _UNFIT as error:
                raise InputError(f"{path}: the arrays do not belong together ({in_one_line(error)}).") from None
    raise InputError(
        f"{path} has {', '.join(sorted(arrays)) or 'no arrays'}; a data set was wanted with R, z, E, F (sGDML, MD17), "
        "positions, atomic_numbers, energy and forces (mlff), coords, nuclear_charges, energies and forces (revised "
        "MD17), or written by pes-explore label."
    )


def _arrays(path: Path) -> dict[str, np.ndarray]:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive, ZipFile(path) as members:
            arrays = {}
            for name in archive.files:
                try:
                    arrays[name] = archive[name]
                except ValueError as error:
                    if "allow_pickle" not in str(error):
                        raise
                    # arrays of arrays; nothing but arrays is admitted
                    arrays[name] = read_object_array(members.read(f"{name}.npy"), f"{path}: {name}")
            return arrays
    except ExplorerError as error:
        raise InputError(str(error)) from None
    except Exception as error:  # a damaged archive raises exceptions of zipfile, zlib, struct, ast and NumPy
        raise InputError(f"{path} is not a readable npz file ({npz_damage(error)}). Get it again.") from None


def _checked(blocks: Iterator[FrameBlock], path: Path) -> Iterator[FrameBlock]:
    try:
        yield from blocks
    except _UNFIT as error:
        raise InputError(f"{path}: the arrays do not belong together ({in_one_line(error)}).") from None


def _stated(arrays: Arrays) -> LabelUnits | None:
    """Units in `e_unit` and `r_unit`, as sGDML writes them."""
    if "e_unit" not in arrays:
        return None
    energy, length = (_text(arrays[key]) if key in arrays else "angstrom" for key in ("e_unit", "r_unit"))
    return LabelUnits.parse(f"{energy},{length}")


def _text(value: np.ndarray) -> str:
    scalar = np.asarray(value).reshape(-1)[0]
    return scalar.decode() if isinstance(scalar, bytes) else str(scalar)


def _one_molecule(arrays: Arrays) -> Iterator[FrameBlock]:
    numbers = np.asarray(arrays["z"])
    if numbers.ndim == 2 and (numbers != numbers[0]).any():
        yield from _padded(numbers, arrays)
        return
    yield block_of(numbers.reshape(-1, numbers.shape[-1])[0], arrays["R"], arrays["E"], arrays.get("F"))


def _padded_v0(arrays: Arrays) -> Iterator[FrameBlock]:
    yield from _padded(np.asarray(arrays["z"]), arrays)


def _physnet(arrays: Arrays) -> Iterator[FrameBlock]:
    yield from _padded(np.asarray(arrays["Z"]), arrays)


def _revised(arrays: Arrays) -> Iterator[FrameBlock]:
    yield block_of(arrays["nuclear_charges"], arrays["coords"], arrays["energies"], arrays.get("forces"))


def _mlff_v1(arrays: Arrays) -> Iterator[FrameBlock]:
    renamed = {"R": "positions", "E": "energy", "F": "forces", "Q": "total_charge"}
    theirs = {ours: arrays[name] for ours, name in renamed.items() if name in arrays}
    if "multiplicity" in arrays:
        theirs["S"] = np.asarray(arrays["multiplicity"])
    elif "num_unpaired_electrons" in arrays:
        theirs["S"] = np.asarray(arrays["num_unpaired_electrons"]) + 1
    yield from _padded(np.asarray(arrays["atomic_numbers"]), theirs)


def _padded(numbers: np.ndarray, arrays: Arrays) -> Iterator[FrameBlock]:
    """Frames with atoms of their own, padded with atomic number 0; runs of the same molecule are one block."""
    n_frames = len(arrays["R"])
    if numbers.dtype != object and numbers.ndim == 1:
        numbers = np.broadcast_to(numbers, (n_frames, len(numbers)))
    energy, forces = np.asarray(arrays["E"]).reshape(n_frames), arrays.get("F")
    charges, spins = (np.asarray(arrays[key]).reshape(-1) if key in arrays else None for key in ("Q", "S"))
    keys = [(_key(numbers[k]), _at(charges, k), _at(spins, k)) for k in range(n_frames)]
    starts = [k for k in range(n_frames) if not k or keys[k] != keys[k - 1]]
    for start, stop in zip(starts, [*starts[1:], n_frames], strict=True):
        real = np.asarray(numbers[start], int) > 0
        frames = range(start, stop)
        yield block_of(
            np.asarray(numbers[start], int)[real],
            np.stack([np.asarray(arrays["R"][k], float)[real] for k in frames]),
            energy[start:stop].astype(float),
            None if forces is None else np.stack([np.asarray(forces[k], float)[real] for k in frames]),
            total_charge=keys[start][1],
            multiplicity=keys[start][2],
        )


def _key(numbers: Any) -> bytes:
    return np.asarray(numbers, np.int16).tobytes()


def _at(values: np.ndarray | None, k: int) -> int | None:
    return None if values is None else round(float(values[k]))


_EV = LabelUnits()
# keys of a layout, its name, its reader, and its units by convention
_LAYOUTS: tuple[tuple[set[str], str, Callable[[Arrays], Iterator[FrameBlock]], LabelUnits | None], ...] = (
    ({"R", "z", "E", "node_mask"}, "npz of mlff 0.x", _padded_v0, _EV),
    ({"R", "z", "E"}, "npz of sGDML, MD17 or MD22", _one_molecule, None),
    ({"R", "Z", "E"}, "npz of PhysNet", _physnet, _EV),
    ({"coords", "nuclear_charges", "energies"}, "npz of revised MD17", _revised, None),
    ({"positions", "atomic_numbers", "energy"}, "npz of mlff 1.0", _mlff_v1, _EV),
)
