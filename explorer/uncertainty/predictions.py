"""Committee predictions, errors and distances for labelled frames."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from explorer.dataset.dataset import MoleculeData
from explorer.devices import over_rows, replicated_sharding
from explorer.potential.network_committee import CommitteeFunctions
from explorer.potential.so3krates import NetworkFunctions
from explorer.train.frames import FrameBatch, fill_buckets
from explorer.uncertainty.observation import Observation, observe
from explorer.uncertainty.support import Support

_SUPPORT_FRAMES_PER_MOLECULE = 24  # training frames from which the support is selected; not tuned
_OBSERVED_FRAMES_PER_CALL = 16  # not tuned


class CommitteePredictions(NamedTuple):
    """Predictions for labelled frames, in the order of the molecules."""

    molecule: np.ndarray  # name, shape (F,)
    label: Float[np.ndarray, "F"]  # eV, without atomic energies
    energies: Float[np.ndarray, "F M"]  # eV, of each member
    force_error: Float[np.ndarray, "F"]  # eV/Å, see `force_error`
    force_spread: Float[np.ndarray, "F"]  # eV/Å; NaN without a committee
    distance: Float[np.ndarray, "F"]  # of the atom farthest from the training data, in standard deviations

    def select(self, mask: Bool[np.ndarray, "F"]) -> "CommitteePredictions":
        """Return the frames where the mask is true."""
        return CommitteePredictions(*(column[mask] for column in self))


def committee_predictions(
    molecules: dict[str, MoleculeData],
    network: NetworkFunctions | CommitteeFunctions,
    params: Any,
    support: Support,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> CommitteePredictions:
    """Compute energies, errors, spreads and distances for labelled frames.

    Args:
        molecules: Labelled frames by molecule.
        network: Functions of a network, or of a committee of networks.
        params: Its parameters.
        support: Support of its training data.
        progress: Called with the numbers of finished and of all frames.
    """
    n_frames = [len(data.energy) for data in molecules.values()]
    total, done = sum(n_frames), 0
    result = CommitteePredictions(
        molecule=np.repeat(list(molecules), n_frames),
        label=np.zeros(total),
        energies=np.zeros((total, network.n_members)),
        force_error=np.zeros(total),
        force_spread=np.zeros(total),
        distance=np.zeros(total),
    )
    params = jax.device_put(params, replicated_sharding(_OBSERVED_FRAMES_PER_CALL))
    for bucket in fill_buckets(molecules, network.hp):
        for frames, index in bucket.batches(_OBSERVED_FRAMES_PER_CALL):
            n = len(index)
            observed = jax.tree.map(lambda leaf, n=n: np.asarray(leaf, float)[:n], _observe(network, params, frames))
            mask, numbers = np.asarray(frames.system.atom_mask)[:n], np.asarray(frames.system.atomic_numbers)[:n]
            result.label[index] = frames.labels.energy[:n]
            result.energies[index] = observed.energies
            result.force_error[index] = force_error(observed.forces, np.asarray(frames.labels.forces)[:n], mask)
            result.force_spread[index] = observed.force_spread
            result.distance[index] = _largest_distance(support, numbers, mask, observed.features)
            done += n
            progress(done, total)
    return result


def find_support(
    molecules: dict[str, MoleculeData],
    network: NetworkFunctions | CommitteeFunctions,
    params: Any,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Support:
    """Select atoms that represent the training data, from some frames of the split `train` of each molecule.

    Args:
        molecules: Labelled frames by molecule.
        network: Functions of a network, or of a committee of networks.
        params: Its parameters.
        progress: Called with the numbers of finished and of all frames.
    """
    params = jax.device_put(params, replicated_sharding(_OBSERVED_FRAMES_PER_CALL))
    numbers, features = [], []
    buckets, done = fill_buckets({name: _sample_frames(data) for name, data in molecules.items()}, network.hp), 0
    for bucket in buckets:
        for frames, index in bucket.batches(_OBSERVED_FRAMES_PER_CALL):
            n = len(index)
            mask = np.asarray(frames.system.atom_mask)[:n]
            numbers.append(np.asarray(frames.system.atomic_numbers)[:n][mask])
            features.append(np.asarray(_features(network, params, frames))[:n][mask])
            done += n
            progress(done, sum(map(len, buckets)))
    return Support.of(np.concatenate(numbers), np.concatenate(features))


def force_error(
    predicted: Float[np.ndarray, "B N 3"], labels: Float[np.ndarray, "B N 3"], mask: Bool[np.ndarray, "B N"]
) -> Float[np.ndarray, "B"]:
    """Return the root mean square error of a force vector, √(1/N Σ_i |ΔF_i|²), of each structure, eV/Å.

    Args:
        predicted: Predicted forces, eV/Å.
        labels: True forces, eV/Å.
        mask: Whether each atom is not padding.
    """
    squared = np.sum((predicted - labels) ** 2, axis=-1)
    return np.sqrt(np.sum(squared * mask, axis=1) / mask.sum(axis=1))


def _sample_frames(data: MoleculeData) -> MoleculeData:
    """Training frames of a molecule at equal intervals."""
    train = np.flatnonzero(data.split == "train")
    n = min(_SUPPORT_FRAMES_PER_MOLECULE, len(train))
    selected = train[np.linspace(0, len(train) - 1, n).astype(int)] if n else train
    return data.select(np.isin(np.arange(len(data.energy)), selected))


@partial(jax.jit, static_argnums=0)
def _observe(network: NetworkFunctions | CommitteeFunctions, params: Any, frames: FrameBatch) -> Observation:
    def of_frame(params: Any, frame: FrameBatch) -> Observation:
        return observe(lambda system: network.components(params, system, frame.pairs), frame.system)

    return over_rows(of_frame, (params,), frames)


@partial(jax.jit, static_argnums=0)
def _features(network: NetworkFunctions | CommitteeFunctions, params: Any, frames: FrameBatch) -> Float[Array, "B N F"]:
    """Features without the gradients that `observe` computes."""

    def of_frame(params: Any, frame: FrameBatch) -> Float[Array, "N F"]:
        features = network.components(params, frame.system, frame.pairs).features
        assert features is not None  # networks have them, analytic potentials have not
        return features

    return over_rows(of_frame, (params,), frames)


def _largest_distance(
    support: Support,
    numbers: Int[np.ndarray, "B N"],
    mask: Bool[np.ndarray, "B N"],
    features: Float[np.ndarray, "B N F"],
) -> Float[np.ndarray, "B"]:
    """Distance of the atom of each structure that is farthest from the training data."""
    structures = zip(numbers, mask, features, strict=True)
    return np.array([support.distances(z[real], x[None, real])[0].max() for z, real, x in structures])
