"""Labelled frames of one molecule of a file of training data, their split and their units."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from explorer.dataset.dataset import MoleculeData
from explorer.dataset.label_units import LabelUnits
from explorer.io.perceive import bonded_pairs

_N_BLOCKS = 48  # consecutive frames of a trajectory that stay in one split; not tuned


@dataclass(frozen=True, eq=False, kw_only=True)
class TrainingMolecule(MoleculeData):
    """Labelled frames of one molecule of a file. Missing energies and forces are NaN.

    Attributes:
        multiplicity: 2 S + 1.
        frame: Number of each frame in the file, from 0, shape (F,).
    """

    multiplicity: int = 1
    frame: Int[np.ndarray, "F"]


def time_blocks(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return conformer and split of frames: blocks of time, of which one in twelve each is for validation and test.

    Neighbouring frames of a trajectory are almost the same, so that a random division would test on training data.

    Args:
        n: Number of frames, in the order of time.
    """
    block = np.arange(n) * min(n, _N_BLOCKS) // max(n, 1)
    split = np.select([block % 12 == 5, block % 12 == 11], ["validation", "test"], "train")
    return np.array([f"block-{number:02d}" for number in block], dtype="U8"), split


def in_ev_and_angstrom(data: TrainingMolecule, units: LabelUnits) -> TrainingMolecule:
    """Convert frames from the units of their file.

    Args:
        data: Frames in the units of the file.
        units: These units.
    """
    arrays = {name: getattr(data, name) for name in data.__dataclass_fields__}
    for name, factor in (("positions", units.in_angstrom), ("energy", units.in_ev), ("forces", units.force)):
        arrays[name] = arrays[name] * factor
    if units.in_angstrom != 1 and len(data.energy):
        arrays["bonds"] = np.asarray(bonded_pairs(data.atomic_numbers, arrays["positions"][0]), int).reshape(-1, 2)
    return TrainingMolecule(**arrays)
