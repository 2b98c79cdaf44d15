"""Errors of a network on each labelled frame, with the molecule, stage, elements and residues of the frame."""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from explorer.dataset.dataset import MoleculeData
from explorer.potential.hyperparameters import Hyperparameters
from explorer.topology.residues import residues_of
from explorer.train.frames import fill_buckets
from explorer.train.predict import frame_torques, predict


class Residuals(NamedTuple):
    """Errors of frames, prediction minus label, in the order of the molecules and padded to the largest molecule."""

    molecule: np.ndarray  # name, shape (F,)
    stage: np.ndarray  # how the frame was made, such as dynamics-500, shape (F,)
    n_atoms: Int[np.ndarray, "F"]
    numbers: Int[np.ndarray, "F N"]  # atomic numbers, 0 on padding
    residue: np.ndarray  # name, empty on padding, shape (F, N)
    label: Float[np.ndarray, "F"]  # eV, without atomic energies
    energy: Float[np.ndarray, "F"]  # eV
    forces: Float[np.ndarray, "F N 3"]  # eV/Å
    torques: Float[np.ndarray, "F R"]  # eV/rad, about the torsion axes of the molecule, NaN on padding

    @property
    def predicted(self) -> Float[np.ndarray, "F"]:
        """Predicted energy, eV, without atomic energies."""
        return self.label + self.energy


def residuals_of(molecules: dict[str, MoleculeData], hp: Hyperparameters, params: Any) -> Residuals:
    """Compute the errors of a network on all frames.

    Args:
        molecules: Labelled frames by molecule; at least one molecule.
        hp: Hyperparameters of the network.
        params: Parameters of the network.
    """
    buckets = fill_buckets(molecules, hp)
    predicted, labels = predict(buckets, hp, params)
    forces = predicted.forces - labels.forces
    n_frames = [len(data.energy) for data in molecules.values()]
    residues = [np.array(residues_of(data.atomic_numbers, data.bonds)) for data in molecules.values()]
    return Residuals(
        molecule=np.repeat(list(molecules), n_frames),
        stage=np.concatenate([data.stage for data in molecules.values()]),
        n_atoms=np.repeat([len(data.atomic_numbers) for data in molecules.values()], n_frames),
        numbers=_padded([data.atomic_numbers for data in molecules.values()]).repeat(n_frames, axis=0),
        residue=_padded(residues).repeat(n_frames, axis=0),
        label=labels.energy,
        energy=predicted.energy - labels.energy,
        forces=forces,
        torques=frame_torques(buckets, forces),
    )


def _padded(arrays: list[np.ndarray]) -> np.ndarray:
    """Stack arrays, padded with zeros or empty strings."""
    padded = np.zeros((len(arrays), max(map(len, arrays))), np.result_type(*arrays))
    for row, values in zip(padded, arrays, strict=True):
        row[: len(values)] = values
    return padded
