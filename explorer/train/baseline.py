"""Atomic energies for molecules of a new composition, so that a network need not learn a constant."""

from dataclasses import replace
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from explorer.dataset.dataset import MoleculeData
from explorer.potential.hyperparameters import Hyperparameters
from explorer.train.frames import fill_buckets
from explorer.train.predict import predict


def rebased(hp: Hyperparameters, params: Any, molecules: dict[str, MoleculeData]) -> Hyperparameters:
    """The hyperparameters with atomic energies that take up what the network is off by on each molecule as a whole.

    Atomic energies that were fitted to few compositions are undetermined for others, by tens of eV. Forces and energy
    differences of one molecule do not depend on them.

    Args:
        hp: of the network.
        params: of the network.
        molecules: labelled frames; those of the split `train` count.
    """
    frames = {name: data.select(data.split == "train") for name, data in molecules.items()}
    frames = {name: data for name, data in frames.items() if len(data.energy)}
    predicted, wanted = predict(fill_buckets(frames, hp), hp, params)
    ends = np.cumsum([len(data.energy) for data in frames.values()])
    offsets = np.array([np.median(part) for part in np.split(wanted.energy - predicted.energy, ends[:-1])])
    counts = np.array([[(d.atomic_numbers == z).sum() for z in hp.trained_elements] for d in frames.values()])
    energies = np.array(hp.atomic_energies or np.zeros(len(hp.trained_elements)))
    return replace(hp, atomic_energies=tuple((energies + shift(counts, offsets)).tolist()))


def shift(counts: Int[np.ndarray, "M E"], offsets: Float[np.ndarray, "M"]) -> Float[np.ndarray, "E"]:
    """The smallest change of atomic energies, eV, that fits offsets of molecules (eV) best.

    Molecules without an offset hold the combinations of energies that they determine where they are.

    Args:
        counts: atoms of each element in each molecule.
        offsets: label minus prediction of each molecule.
    """
    return np.linalg.lstsq(counts.astype(float), offsets, rcond=None)[0]
