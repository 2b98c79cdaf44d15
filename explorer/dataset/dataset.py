"""Training data: labelled frames of several molecules in one compressed file, split by conformer."""

import hashlib
import json
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from explorer.errors import InputError

SPLITS = {"train": 0.84, "validation": 0.08, "test": 0.08}


@dataclass(frozen=True, eq=False)
class MoleculeData:
    """Labelled frames of one molecule.

    Attributes:
        atomic_numbers: shape (N,).
        bonds: index pairs, shape (n_bonds, 2).
        total_charge: e.
        positions: Å, centred, shape (F, N, 3).
        energy: eV, shape (F,).
        forces: eV/Å, shape (F, N, 3).
        conformer: name of the conformer that a frame started from, shape (F,).
        stage: how a frame was made, such as `dynamics-500`, shape (F,).
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

    def select(self, mask: np.ndarray) -> "MoleculeData":
        """The frames where the mask holds."""
        frame_fields = ("positions", "energy", "forces", "conformer", "stage", "split")
        return MoleculeData(
            self.atomic_numbers, self.bonds, self.total_charge, *(getattr(self, f)[mask] for f in frame_fields)
        )


def split_of(conformer: str, seed: int = 0) -> str:
    """The split of a conformer: a hash of its name, so that it does not depend on the other data."""
    digest = hashlib.sha256(f"{seed}:{conformer}".encode()).digest()
    fraction = int.from_bytes(digest[:8], "big") / 2**64
    for name, share in SPLITS.items():
        fraction -= share
        if fraction < 0:
            return name
    return "test"


def save_dataset(path: Path, molecules: dict[str, MoleculeData], meta: dict) -> None:
    """Write one compressed npz; `meta` (provenance, failures) goes in as JSON."""
    arrays = {f"{name}/{f.name}": getattr(data, f.name) for name, data in molecules.items() for f in fields(data)}
    temporary = path.with_suffix(".tmp.npz")
    np.savez_compressed(temporary, meta=json.dumps(meta), **arrays)
    temporary.rename(path)


def load_dataset(path: Path) -> dict[str, MoleculeData]:
    """Read what `save_dataset` wrote.

    Raises:
        InputError: when the file is missing or is not a dataset.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            names = sorted({key.split("/")[0] for key in archive.files if "/" in key})
            return {n: MoleculeData(**{f.name: archive[f"{n}/{f.name}"] for f in fields(MoleculeData)}) for n in names}
    except FileNotFoundError:
        raise InputError(f"No training data at {path}. Make some with pes-explore label.") from None
    except (ValueError, KeyError, OSError) as error:
        raise InputError(f"{path} is not training data written by pes-explore label ({error}).") from None


def load_meta(path: Path) -> dict:
    """The provenance that was stored with a dataset."""
    with np.load(path, allow_pickle=False) as archive:
        return json.loads(str(archive["meta"]))


def file_digest(path: Path) -> str:
    """sha256 of a file."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()
