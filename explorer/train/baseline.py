"""Atomic energies for molecules of a new composition, so that a network need not learn a constant."""

from dataclasses import replace
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from explorer.dataset.dataset import MoleculeData
from explorer.potential.hyperparameters import Hyperparameters
from explorer.train.frames import fill_buckets
from explorer.train.predict import predict


def with_shifted_atomic_energies(
    hp: Hyperparameters, params: Any, molecules: dict[str, MoleculeData]
) -> Hyperparameters:
    """Return hyperparameters whose atomic energies absorb the median error of the network on each molecule.

    Atomic energies that were fitted to few compositions are undetermined for others, by tens of eV. Forces and energy
    differences of one molecule do not depend on them.

    Args:
        hp: Hyperparameters of the network.
        params: Parameters of the network.
        molecules: Labelled frames by molecule; only the split `train` is used.
    """
    frames = {name: data.select(data.split == "train") for name, data in molecules.items()}
    frames = {name: data for name, data in frames.items() if len(data.energy)}
    predicted, labels = predict(fill_buckets(frames, hp), hp, params)
    ends = np.cumsum([len(data.energy) for data in frames.values()])
    offsets = np.array([np.median(part) for part in np.split(labels.energy - predicted.energy, ends[:-1])])
    counts = np.array([[(d.atomic_numbers == z).sum() for z in hp.trained_elements] for d in frames.values()])
    energies = np.array(hp.atomic_energies or np.zeros(len(hp.trained_elements)))
    return replace(hp, atomic_energies=tuple((energies + least_squares_shift(counts, offsets)).tolist()))


def least_squares_shift(counts: Int[np.ndarray, "M E"], offsets: Float[np.ndarray, "M"]) -> Float[np.ndarray, "E"]:
    """Return the change of atomic energies that fits the offsets of molecules best; of several, the smallest one.

    Molecules with an offset of zero keep the combinations of atomic energies that they determine.

    Args:
        counts: Number of atoms of each element in each molecule.
        offsets: Label minus prediction of each molecule, eV.

    Returns:
        Change of the energy of each element, eV.
    """
    return np.linalg.lstsq(counts.astype(float), offsets, rcond=None)[0]
