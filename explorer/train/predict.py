"""Predictions of a network for the frames of buckets, in the order of the molecules."""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from explorer.devices import over_rows, replicated_sharding
from explorer.potential.hyperparameters import Hyperparameters
from explorer.potential.potential import energy_and_forces
from explorer.potential.so3krates import mixture
from explorer.train.frames import Bucket, FrameBatch
from explorer.train.torques import torques

_PREDICTED_FRAMES_PER_CALL = 32  # not tuned
_torques = jax.jit(jax.vmap(torques))


class Predictions(NamedTuple):
    """Energies and forces of frames; forces are zero on padding."""

    energy: Float[np.ndarray, "F"]  # eV, without atomic energies
    forces: Float[np.ndarray, "F N 3"]  # eV/Å


def predict(buckets: list[Bucket], hp: Hyperparameters, params: Any) -> tuple[Predictions, Predictions]:
    """Return the predictions and the labels of all frames.

    Args:
        buckets: Frames from `fill_buckets`.
        hp: Hyperparameters of the network.
        params: Parameters of the network.

    Returns:
        Predictions and labels, padded to the largest shape.
    """
    n_frames = sum(map(len, buckets))
    n_atoms = max((bucket.frames.labels.forces.shape[1] for bucket in buckets), default=0)
    predicted, labels = (Predictions(np.zeros(n_frames), np.zeros((n_frames, n_atoms, 3))) for _ in range(2))
    params = jax.device_put(params, replicated_sharding(_PREDICTED_FRAMES_PER_CALL))
    for bucket in buckets:
        for frames, index in bucket.batches(_PREDICTED_FRAMES_PER_CALL):
            energy, forces = _predict(hp, params, frames)
            real = slice(0, len(index))
            predicted.energy[index] = np.asarray(energy)[real]
            predicted.forces[index, : forces.shape[1]] = np.asarray(forces)[real]
        labels.energy[bucket.index] = bucket.frames.labels.energy
        labels.forces[bucket.index, : bucket.frames.labels.forces.shape[1]] = bucket.frames.labels.forces
    return predicted, labels


def frame_torques(buckets: list[Bucket], forces: Float[np.ndarray, "F N 3"]) -> Float[np.ndarray, "F R"]:
    """Return the torques of forces on all frames about the torsion axes of each frame.

    Args:
        buckets: Frames from `fill_buckets`.
        forces: Forces or force errors, eV/Å.

    Returns:
        Torques in eV/rad, NaN on padding.
    """
    n_axes = max((bucket.frames.axes.ends.shape[1] for bucket in buckets), default=0)
    result = np.full((len(forces), n_axes), np.nan)
    for bucket in buckets:
        positions, axes = bucket.frames.system.positions, bucket.frames.axes
        values = _torques(positions, forces[bucket.index, : positions.shape[1]], axes)
        result[bucket.index, : values.shape[1]] = np.where(axes.is_real, values, np.nan)
    return result


@partial(jax.jit, static_argnums=0)
def _predict(hp: Hyperparameters, params: Any, frames: FrameBatch) -> tuple[Float[Array, "B"], Float[Array, "B N 3"]]:
    weights = jnp.full(hp.n_members, 1 / hp.n_members, jnp.float32)

    def of_frame(params: Any, frame: FrameBatch):
        return energy_and_forces(lambda system: mixture(hp, params, system, frame.pairs, weights), frame.system)

    return over_rows(of_frame, (params,), frames)
