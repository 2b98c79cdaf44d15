"""Datasets: labelled frames of several molecules in one compressed file, split by conformer."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from zipfile import ZipFile

import numpy as np
from jaxtyping import Bool, Float, Int

from explorer.dataset.checks import check_arrays
from explorer.dataset.compact import POSITION_KEY, arrays_of_compact, write_compact
from explorer.errors import InputError
from explorer.files import write_atomically
from explorer.records.molecule import Molecule
from explorer.wording import in_one_line

SPLIT_SHARES = {"train": 0.84, "validation": 0.08, "test": 0.08}  # shares of the conformers; not tuned
FRAME_FIELDS = ("positions", "energy", "forces", "conformer", "stage", "split")  # arrays with an axis of frames


@dataclass(frozen=True, eq=False, kw_only=True)
class MoleculeData:
    """Labelled frames of one molecule. The field names are keys of the files of datasets.

    Attributes:
        atomic_numbers: Atomic numbers, shape (N,).
        bonds: Index pairs, shape (n_bonds, 2).
        total_charge: Total charge, e.
        positions: Centred positions, Å, shape (F, N, 3).
        energy: Energies, eV, shape (F,).
        forces: Forces, eV/Å, shape (F, N, 3); NaN where a file has none.
        conformer: Name of the conformer that each frame started from, shape (F,).
        stage: How each frame was made, such as `dynamics-500`, shape (F,).
        split: `train`, `validation` or `test`, the same for all frames of a conformer, shape (F,).
    """

    atomic_numbers: Int[np.ndarray, "N"]
    bonds: Int[np.ndarray, "n_bonds 2"]
    total_charge: int
    positions: Float[np.ndarray, "F N 3"]
    energy: Float[np.ndarray, "F"]
    forces: Float[np.ndarray, "F N 3"]
    conformer: np.ndarray
    stage: np.ndarray
    split: np.ndarray

    def select(self, mask: Bool[np.ndarray, "F"]) -> "MoleculeData":
        """Return the frames where a mask is true.

        Args:
            mask: Whether to keep each frame.
        """
        return replace(self, **{name: getattr(self, name)[mask] for name in FRAME_FIELDS})

    def as_molecule(self, name: str) -> Molecule:
        """Return a molecule with the first frame as its positions, and with single bonds.

        Args:
            name: Name of the molecule.
        """
        return Molecule(
            name=name,
            atomic_numbers=self.atomic_numbers,
            positions=self.positions[0],
            bonds=self.bonds,
            bond_orders=np.ones(len(self.bonds)),
            formal_charges=np.zeros(len(self.atomic_numbers), int),
            total_charge=self.total_charge,
        )


def join_frames(parts: Sequence[MoleculeData]) -> MoleculeData:
    """Return frames of one molecule as one set.

    Args:
        parts: Sets of frames, in this order.
    """
    return replace(parts[0], **{name: np.concatenate([getattr(part, name) for part in parts]) for name in FRAME_FIELDS})


def split_of(conformer: str, seed: int = 0) -> str:
    """Return the split of a conformer from a hash of its name, so that it is independent of the other data.

    Args:
        conformer: Name of the conformer.
        seed: Seed of the hash; another seed gives another division.
    """
    digest = hashlib.sha256(f"{seed}:{conformer}".encode()).digest()
    fraction = int.from_bytes(digest[:8], "big") / 2**64
    for name, share in SPLIT_SHARES.items():
        fraction -= share
        if fraction < 0:
            return name
    return "test"


def save_dataset(path: Path, molecules: dict[str, MoleculeData], meta: dict, with_forces: bool = True) -> None:
    """Write a dataset as one compressed npz file.

    Args:
        path: File to write.
        molecules: Labelled frames by molecule.
        meta: Provenance, such as the reference method and the failures; stored as JSON.
        with_forces: Whether to write everything; otherwise the compact form of `write_compact`.
    """
    if not with_forces:
        write_compact(path, {name: vars(data) for name, data in molecules.items()}, meta)
        return
    arrays = {f"{name}/{f.name}": getattr(data, f.name) for name, data in molecules.items() for f in fields(data)}
    with write_atomically(path) as temporary:
        np.savez_compressed(temporary, meta=json.dumps(meta), **arrays)


def load_dataset(path: Path, with_forces: bool = True) -> dict[str, MoleculeData]:
    """Read the labelled frames of each molecule from a file that `save_dataset` wrote.

    Args:
        path: The npz file.
        with_forces: Whether forces are needed; otherwise they are NaN where the file has none.

    Returns:
        Labelled frames by name of the molecule.

    Raises:
        InputError: When the file is missing, is not a dataset, has arrays of wrong shapes or values, or lacks forces
            that are needed.
    """
    if with_forces:
        require_forces(path)
    molecules = {}
    for name, arrays in _arrays_of(path).items():
        check_arrays(arrays, name, Path(path).name)
        forces = arrays.get("forces", np.broadcast_to(np.float32(np.nan), arrays["positions"].shape))
        molecules[name] = MoleculeData(**{**arrays, "forces": forces, "total_charge": int(arrays["total_charge"])})
    return molecules


def require_forces(path: Path) -> None:
    """Refuse a dataset in the compact form, which has no forces.

    Args:
        path: File of any kind.

    Raises:
        InputError: When it is such a dataset; the message tells how forces are made.
    """
    if "meta" in (keys := _keys_of(path)) and POSITION_KEY in keys:
        reference = load_meta(path).get("reference") or "R"
        raise InputError(
            f"{path} has no forces. Make them with pes-explore label {path} --reference {reference} "
            "--out FULL.npz, and use FULL.npz."
        )


def _arrays_of(path: Path) -> dict[str, dict[str, np.ndarray]]:
    """Return the arrays of each molecule by field."""
    names = [f.name for f in fields(MoleculeData)]
    try:
        with Path(path).open("rb") as file, np.load(file, allow_pickle=False) as archive:
            if POSITION_KEY in archive.files:
                arrays = arrays_of_compact(archive)
            else:
                molecules = sorted({key.rpartition("/")[0] for key in archive.files if "/" in key})
                arrays = {one: {name: np.asarray(archive[f"{one}/{name}"]) for name in names} for one in molecules}
    except FileNotFoundError:
        raise InputError(f"No training data at {path}. Make some with pes-explore label.") from None
    except Exception as error:  # a damaged archive raises exceptions of zipfile, zlib, struct, ast and NumPy
        raise InputError(
            f"{path} is not a dataset: {npz_damage(error)}. Give a file that pes-explore label has written."
        ) from None
    if not arrays:
        raise InputError(f"{path} has no molecules. Give a file that pes-explore label has written.")
    return arrays


def npz_damage(error: Exception) -> str:
    """Return what is wrong with an npz file, without NumPy's advice to run the code of pickles.

    Args:
        error: Error of the reader.
    """
    return "it has pickled objects or is no npz file" if "pickle" in str(error) else in_one_line(error)


def is_own_dataset(path: Path) -> bool:
    """Return whether an npz file has the layout of `save_dataset`, with or without forces."""
    keys = _keys_of(path)
    return "meta" in keys and any(key.endswith("/energy") or key == POSITION_KEY for key in keys)


def _keys_of(path: Path) -> list[str]:
    """Return the names of the arrays of an npz file; none for any other file."""
    try:
        with ZipFile(path) as archive:
            return [name.removesuffix(".npy") for name in archive.namelist()]
    except Exception:  # of zipfile, for damage of many kinds
        return []


def load_meta(path: Path) -> dict:
    """Read the provenance that is stored with a dataset.

    Args:
        path: The npz file, which `load_dataset` has read.

    Raises:
        InputError: When it has none.
    """
    try:
        with Path(path).open("rb") as file, np.load(file, allow_pickle=False) as archive:
            meta = json.loads(str(archive["meta"]))
    except Exception as error:  # of zipfile, zlib, NumPy and json
        raise InputError(
            f"{path} has no provenance ({npz_damage(error)}). Give a file that pes-explore label has written."
        ) from None
    if not isinstance(meta, dict):
        raise InputError(f"{path} has no provenance. Give a file that pes-explore label has written.")
    return meta


def save_without_forces(path: Path, out: Path) -> None:
    """Write a dataset in the compact form, which remembers the name and the digest of the whole file.

    Args:
        path: Dataset with forces.
        out: File to write; it may be the same one.

    Raises:
        InputError: When the file is no dataset, or has no forces already.
    """
    molecules, meta = load_dataset(path), load_meta(path)
    save_dataset(out, molecules, meta | {"whole": f"{Path(path).name} {file_digest(path)}"}, with_forces=False)


def file_digest(path: Path) -> str:
    """Return the sha256 digest of a file as hexadecimal text."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()
