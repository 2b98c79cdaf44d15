"""Files of one labelling job each: labelled frames, and a header with the reasons of failures."""

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from explorer.files import write_atomically


class SampledFrame(NamedTuple):
    """One labelled geometry."""

    positions: Float[np.ndarray, "N 3"]  # Å
    energy: float  # eV
    forces: Float[np.ndarray, "N 3"]  # eV/Å
    stage: str  # how it was made: "relaxation", "minimum", "dynamics-<T>", or the stage of a proposal
    conformer: str = ""  # rounded backbone torsions, the same for starts that relax into the same basin


def save_part(path: Path, atomic_numbers: Int[np.ndarray, "N"], frames: list[SampledFrame], header: dict) -> None:
    """Write the frames of one job, completely or not at all.

    Args:
        path: The npz file.
        atomic_numbers: Atomic numbers of the molecule.
        frames: Labelled frames.
        header: Values that are stored with the frames as JSON; its list `failures` is needed when parts are joined.
    """
    shape = (-1, len(atomic_numbers), 3)
    with write_atomically(path) as temporary:
        np.savez(
            temporary,
            header=json.dumps(header),
            atomic_numbers=atomic_numbers.astype(np.int16),
            positions=np.array([f.positions for f in frames], dtype=np.float32).reshape(shape),
            energy=np.array([f.energy for f in frames]),
            forces=np.array([f.forces for f in frames], dtype=np.float32).reshape(shape),
            conformer=np.array([f.conformer for f in frames], dtype=str),
            stage=np.array([f.stage for f in frames], dtype=str),
        )


def read_part(path: Path) -> tuple[dict, dict[str, np.ndarray]]:
    """Return the header and the arrays that `save_part` wrote.

    Args:
        path: The npz file.
    """
    with np.load(path, allow_pickle=False) as part:
        return json.loads(str(part["header"])), {name: part[name] for name in part.files if name != "header"}
