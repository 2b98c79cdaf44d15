"""By how much a network is wrong about labelled frames, and what each frame and each atom of them is."""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from explorer.dataset.dataset import MoleculeData
from explorer.potential.hyperparameters import Hyperparameters
from explorer.topology.residues import residues_of
from explorer.train.frames import fill_buckets
from explorer.train.predict import frame_torques, predict


class Residuals(NamedTuple):
    """Of frames in the order of the molecules, padded to the largest of them."""

    molecule: np.ndarray  # name, shape (F,)
    stage: np.ndarray  # such as dynamics-500, shape (F,)
    n_atoms: Int[np.ndarray, "F"]
    numbers: Int[np.ndarray, "F N"]  # 0 on padding
    residue: np.ndarray  # name, empty on padding, shape (F, N)
    label: Float[np.ndarray, "F"]  # eV, without atomic energies
    energy: Float[np.ndarray, "F"]  # eV, predicted less label
    forces: Float[np.ndarray, "F N 3"]  # eV/Å, likewise
    torques: Float[np.ndarray, "F R"]  # eV/rad, about the axes of each molecule, NaN beyond these

    @property
    def predicted(self) -> Float[np.ndarray, "F"]:
        """Energy of the network, eV, without atomic energies."""
        return self.label + self.energy


def residuals_of(molecules: dict[str, MoleculeData], hp: Hyperparameters, params: Any) -> Residuals:
    """Ask a network about all frames.

    Args:
        molecules: labelled frames, at least one.
        hp: of the network.
        params: its parameters.
    """
    buckets = fill_buckets(molecules, hp)
    predicted, wanted = predict(buckets, hp, params)
    forces = predicted.forces - wanted.forces
    n_frames = [len(data.energy) for data in molecules.values()]
    residues = [np.array(residues_of(data.atomic_numbers, data.bonds)) for data in molecules.values()]
    return Residuals(
        molecule=np.repeat(list(molecules), n_frames),
        stage=np.concatenate([data.stage for data in molecules.values()]),
        n_atoms=np.repeat([len(data.atomic_numbers) for data in molecules.values()], n_frames),
        numbers=_padded([data.atomic_numbers for data in molecules.values()]).repeat(n_frames, axis=0),
        residue=_padded(residues).repeat(n_frames, axis=0),
        label=wanted.energy,
        energy=predicted.energy - wanted.energy,
        forces=forces,
        torques=frame_torques(buckets, forces),
    )


def _padded(rows: list[np.ndarray]) -> np.ndarray:
    """Rows of one array, filled up with zeros or empty strings."""
    padded = np.zeros((len(rows), max(map(len, rows))), np.result_type(*rows))
    for row, values in zip(padded, rows, strict=True):
        row[: len(values)] = values
    return padded
