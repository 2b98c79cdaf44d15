"""What a network says about the frames of buckets, in the order of the molecules."""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from explorer.devices import everywhere, over_rows
from explorer.potential.hyperparameters import Hyperparameters
from explorer.potential.potential import energy_and_forces
from explorer.potential.so3krates import mixture
from explorer.train.frames import Bucket, Rows
from explorer.train.torques import torques

CHUNK = 32  # frames at a time
_torques = jax.jit(jax.vmap(torques))


class Predictions(NamedTuple):
    """Energies (eV, without atomic energies) and forces (eV/Å) of frames; forces are zero beyond a frame's atoms."""

    energy: Float[np.ndarray, "F"]
    forces: Float[np.ndarray, "F N 3"]


def predict(buckets: list[Bucket], hp: Hyperparameters, params: Any) -> tuple[Predictions, Predictions]:
    """Predictions and labels of all frames.

    Args:
        buckets: from `fill_buckets`.
        hp: of the network.
        params: its parameters.
    """
    n_frames = sum(map(len, buckets))
    n_atoms = max((bucket.rows.labels.forces.shape[1] for bucket in buckets), default=0)
    predicted, wanted = (Predictions(np.zeros(n_frames), np.zeros((n_frames, n_atoms, 3))) for _ in range(2))
    params = jax.device_put(params, everywhere(CHUNK))
    for bucket in buckets:
        for rows, index in bucket.chunks(CHUNK):
            energy, forces = _predict(hp, params, rows)
            of_frames = slice(0, len(index))
            predicted.energy[index] = np.asarray(energy)[of_frames]
            predicted.forces[index, : forces.shape[1]] = np.asarray(forces)[of_frames]
        wanted.energy[bucket.index] = bucket.rows.labels.energy
        wanted.forces[bucket.index, : bucket.rows.labels.forces.shape[1]] = bucket.rows.labels.forces
    return predicted, wanted


def frame_torques(buckets: list[Bucket], forces: Float[np.ndarray, "F N 3"]) -> Float[np.ndarray, "F R"]:
    """Torques (eV/rad) of forces on all frames about the axes of each, NaN beyond these.

    Args:
        buckets: from `fill_buckets`.
        forces: eV/Å, such as what the predicted ones are off.
    """
    n_axes = max((bucket.rows.axes.ends.shape[1] for bucket in buckets), default=0)
    found = np.full((len(forces), n_axes), np.nan)
    for bucket in buckets:
        positions, axes = bucket.rows.system.positions, bucket.rows.axes
        values = _torques(positions, forces[bucket.index, : positions.shape[1]], axes)
        found[bucket.index, : values.shape[1]] = np.where(axes.turn, values, np.nan)
    return found


@partial(jax.jit, static_argnums=0)
def _predict(hp: Hyperparameters, params: Any, rows: Rows) -> tuple[Float[Array, "B"], Float[Array, "B N 3"]]:
    weights = jnp.full(hp.n_members, 1 / hp.n_members, jnp.float32)

    def of_frame(params: Any, row: Rows):
        return energy_and_forces(lambda system: mixture(hp, params, system, row.pairs, weights), row.system)

    return over_rows(of_frame, (params,), rows)
