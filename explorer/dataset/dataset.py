"""Datasets: labelled frames of several molecules in one compressed file, split by conformer."""

import hashlib
import json
from dataclasses import dataclass, fields, replace
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from jaxtyping import Bool, Float, Int

from explorer.errors import InputError
from explorer.files import write_atomically

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
        forces: Forces, eV/Å, shape (F, N, 3).
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


def save_dataset(path: Path, molecules: dict[str, MoleculeData], meta: dict) -> None:
    """Write a dataset as one compressed npz file.

    Args:
        path: File to write.
        molecules: Labelled frames by molecule.
        meta: Provenance, such as the reference method and the failures; stored as JSON.
    """
    arrays = {f"{name}/{f.name}": getattr(data, f.name) for name, data in molecules.items() for f in fields(data)}
    with write_atomically(path) as temporary:
        np.savez_compressed(temporary, meta=json.dumps(meta), **arrays)


def load_dataset(path: Path) -> dict[str, MoleculeData]:
    """Read the labelled frames of each molecule from a file that `save_dataset` wrote.

    Args:
        path: The npz file.

    Returns:
        Labelled frames by name of the molecule.

    Raises:
        InputError: When the file is missing or is not a dataset.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            names = sorted({key.split("/")[0] for key in archive.files if "/" in key})
            return {n: MoleculeData(**{f.name: archive[f"{n}/{f.name}"] for f in fields(MoleculeData)}) for n in names}
    except FileNotFoundError:
        raise InputError(f"No training data at {path}. Make some with pes-explore label.") from None
    except (ValueError, KeyError, OSError) as error:
        raise InputError(
            f"{path} is not a dataset ({error}). Give a file that pes-explore label has written."
        ) from None


def is_own_dataset(path: Path) -> bool:
    """Return whether an npz file has the layout of `save_dataset`."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            return "meta" in archive.files and any(key.endswith("/energy") for key in archive.files)
    except (ValueError, OSError, EOFError, BadZipFile):
        return False


def load_meta(path: Path) -> dict:
    """Read the provenance that is stored with a dataset.

    Args:
        path: The npz file.
    """
    with np.load(path, allow_pickle=False) as archive:
        return json.loads(str(archive["meta"]))


def file_digest(path: Path) -> str:
    """Return the sha256 digest of a file as hexadecimal text."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()
