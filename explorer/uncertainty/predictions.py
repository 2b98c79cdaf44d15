"""What a network betrays about labelled frames, beside how wrong it is about them."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from explorer.dataset.dataset import MoleculeData
from explorer.devices import everywhere, over_rows
from explorer.potential.hyperparameters import Hyperparameters
from explorer.potential.so3krates import So3krates, apply
from explorer.train.frames import Rows, fill_buckets
from explorer.uncertainty.observation import Observation, observe
from explorer.uncertainty.support import Support

PER_MOLECULE = 24  # training frames of each molecule that the support is chosen from
CHUNK = 16  # frames at a time


class CommitteePredictions(NamedTuple):
    """Frames in the order of the molecules."""

    molecule: np.ndarray  # name, shape (F,)
    label: Float[np.ndarray, "F"]  # eV, without atomic energies
    energies: Float[np.ndarray, "F M"]  # eV, of the members
    force_error: Float[np.ndarray, "F"]  # eV/Å, see `force_error`
    force_spread: Float[np.ndarray, "F"]  # eV/Å; NaN without a committee
    distance: Float[np.ndarray, "F"]  # of the atom farthest from the training data, in standard deviations

    def select(self, mask: Bool[np.ndarray, "F"]) -> "CommitteePredictions":
        """The frames where the mask holds."""
        return CommitteePredictions(*(column[mask] for column in self))


def committee_predictions(
    frames: dict[str, MoleculeData],
    hp: Hyperparameters,
    params: Any,
    support: Support,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> CommitteePredictions:
    """Ask all members of a network about frames.

    Args:
        frames: labelled ones.
        hp: of the network.
        params: its parameters.
        support: where its training data are.
        progress: called with (frames done, frames in all).
    """
    n_frames = [len(data.energy) for data in frames.values()]
    total, done = sum(n_frames), 0
    judged = CommitteePredictions(
        np.repeat(list(frames), n_frames),
        np.zeros(total),
        np.zeros((total, hp.n_members)),
        *(np.zeros(total) for _ in range(3)),
    )
    params = jax.device_put(params, everywhere(CHUNK))
    for bucket in fill_buckets(frames, hp):
        for rows, index in bucket.chunks(CHUNK):
            n = len(index)
            seen = jax.tree.map(lambda leaf, n=n: np.asarray(leaf, float)[:n], _observe(hp, params, rows))
            mask, numbers = np.asarray(rows.system.atom_mask)[:n], np.asarray(rows.system.atomic_numbers)[:n]
            judged.label[index] = rows.labels.energy[:n]
            judged.energies[index] = seen.energies
            judged.force_error[index] = force_error(seen.forces, np.asarray(rows.labels.forces)[:n], mask)
            judged.force_spread[index] = seen.force_spread
            judged.distance[index] = _farthest(support, numbers, mask, seen.features)
            done += n
            progress(done, total)
    return judged


def find_support(
    molecules: dict[str, MoleculeData],
    hp: Hyperparameters,
    params: Any,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Support:
    """Atoms that stand for the training data, chosen from some frames of the split `train`.

    Args:
        molecules: labelled frames.
        hp: of the network.
        params: its parameters.
        progress: called with (frames done, frames in all).
    """
    params = jax.device_put(params, everywhere(CHUNK))
    numbers, features = [], []
    buckets, done = fill_buckets({name: _some(data) for name, data in molecules.items()}, hp), 0
    for bucket in buckets:
        for rows, index in bucket.chunks(CHUNK):
            seen = np.asarray(_features(hp, params, rows))[: len(index)]
            mask = np.asarray(rows.system.atom_mask)[: len(index)]
            numbers.append(np.asarray(rows.system.atomic_numbers)[: len(index)][mask])
            features.append(seen[mask])
            done += len(index)
            progress(done, sum(map(len, buckets)))
    return Support.of(np.concatenate(numbers), np.concatenate(features))


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
    def of_row(params: Any, row: Rows) -> Observation:
        return observe(lambda system: apply(So3krates(hp), params, system, row.pairs), row.system)

    return over_rows(of_row, (params,), rows)


@partial(jax.jit, static_argnums=0)
def _features(hp: Hyperparameters, params: Any, rows: Rows) -> Float[Array, "B N F"]:
    """Without the gradients that `observe` takes."""

    def of_row(params: Any, row: Rows) -> Float[Array, "N F"]:
        return apply(So3krates(hp), params, row.system, row.pairs).features

    return over_rows(of_row, (params,), rows)


def _farthest(
    support: Support,
    numbers: Int[np.ndarray, "B N"],
    mask: Bool[np.ndarray, "B N"],
    features: Float[np.ndarray, "B N F"],
) -> Float[np.ndarray, "B"]:
    """Distance of the atom of each structure that is farthest from the training data."""
    rows = zip(numbers, mask, features, strict=True)
    return np.array([support.distances(z[real], x[None, real])[0].max() for z, real, x in rows])
