"""An assessor from labelled frames: training frames show where the data are, held-out ones what errors to expect."""

from functools import partial
from typing import Any

import jax
import numpy as np
from jaxtyping import Bool, Float, Int

from explorer.errors import ConfigError
from explorer.potential.hyperparameters import Hyperparameters
from explorer.potential.so3krates import So3krates, apply
from explorer.train.dataset import MoleculeData
from explorer.train.frames import Rows, fill_buckets
from explorer.uncertainty.assess import Assessor
from explorer.uncertainty.calibration import calibrate
from explorer.uncertainty.observation import Observation, observe
from explorer.uncertainty.support import Support

PER_MOLECULE = 24  # training frames of each molecule that the support is chosen from
CHUNK = 16  # frames at a time
FEWEST = 20  # frames to calibrate from


def make_assessor(
    molecules: dict[str, MoleculeData], hp: Hyperparameters, params: Any, heldout: dict[str, MoleculeData]
) -> Assessor:
    """Choose the support from training frames and calibrate on others.

    Args:
        molecules: labelled frames; those of the split `train` are used.
        hp: of the network.
        params: its parameters.
        heldout: labelled frames that the network was not trained on, all of which are used.

    Raises:
        ConfigError: when there are too few held-out frames.
    """
    n_frames = sum(len(data.energy) for data in heldout.values())
    if n_frames < FEWEST:
        raise ConfigError(f"At least {FEWEST} held-out frames were wanted to calibrate with, received {n_frames}.")
    numbers, features = [], []
    for bucket in fill_buckets({name: _some(data) for name, data in molecules.items()}, hp):
        for rows, index in bucket.chunks(CHUNK):
            seen, real = _observe(hp, params, rows), len(index)
            mask = np.asarray(rows.system.atom_mask)[:real]
            numbers.append(np.asarray(rows.system.atomic_numbers)[:real][mask])
            features.append(np.asarray(seen.features)[:real][mask])
    support = Support.of(np.concatenate(numbers), np.concatenate(features))
    errors, spreads, distances = [], [], []
    for bucket in fill_buckets(heldout, hp):
        for rows, index in bucket.chunks(CHUNK):
            real = len(index)
            seen = jax.tree.map(lambda leaf, n=real: np.asarray(leaf, float)[:n], _observe(hp, params, rows))
            mask, number = (np.asarray(x)[:real] for x in (rows.system.atom_mask, rows.system.atomic_numbers))
            errors.append(force_error(seen.forces, np.asarray(rows.labels.forces)[:real], mask))
            spreads.append(seen.force_spread)
            distances.append(_farthest(support, number, mask, seen.features))
    return Assessor(support, calibrate(*map(np.concatenate, (errors, spreads, distances))))


def force_error(
    predicted: Float[np.ndarray, "B N 3"], wanted: Float[np.ndarray, "B N 3"], mask: Bool[np.ndarray, "B N"]
) -> Float[np.ndarray, "B"]:
    """√(1/N Σ_i |ΔF_i|²) of each structure, eV/Å, over its real atoms."""
    squared = np.sum((predicted - wanted) ** 2, axis=-1)
    return np.sqrt(np.sum(squared * mask, axis=1) / mask.sum(axis=1))


def _some(data: MoleculeData) -> MoleculeData:
    """Training frames of a molecule, evenly spread over all."""
    train = np.flatnonzero(data.split == "train")
    chosen = train[np.linspace(0, len(train) - 1, min(PER_MOLECULE, len(train))).astype(int)] if len(train) else train
    return data.select(np.isin(np.arange(len(data.energy)), chosen))


@partial(jax.jit, static_argnums=0)
def _observe(hp: Hyperparameters, params: Any, rows: Rows) -> Observation:
    def of_row(row: Rows) -> Observation:
        return observe(lambda system: apply(So3krates(hp), params, system, row.pairs), row.system)

    return jax.lax.map(of_row, rows)


def _farthest(
    support: Support,
    numbers: Int[np.ndarray, "B N"],
    mask: Bool[np.ndarray, "B N"],
    features: Float[np.ndarray, "B N F"],
) -> Float[np.ndarray, "B"]:
    """Distance of the atom of each structure that is farthest from the training data."""
    rows = zip(numbers, mask, features, strict=True)
    return np.array([support.distances(z[real], x[None, real])[0].max() for z, real, x in rows])
