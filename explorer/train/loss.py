"""Loss of a frame, and the mean of its gradient over a batch."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from explorer.potential.hyperparameters import Hyperparameters
from explorer.potential.potential import energy_and_forces
from explorer.potential.so3krates import mixture
from explorer.train.frames import FrameBatch
from explorer.train.torques import torques

ENERGY_DELTA = 0.5  # eV, δ of the energy in the loss; not tuned
TORQUE_DELTA = 0.05  # eV/rad, δ of the torques in the loss; not tuned


class LossSettings(NamedTuple):
    """Weights of the terms of the loss.

    Attributes:
        energy_weight: Weight w of the energy relative to the forces, 1/Å².
        torque_weight: Weight v of the torques relative to the forces, rad²/Å².
        force_delta: Force error δ above which the loss grows linearly and not quadratically, eV/Å.
        force_limit: Largest force L of a frame of full weight, eV/Å.
    """

    energy_weight: float
    torque_weight: float
    force_delta: float
    force_limit: float = float("inf")


class FrameErrors(NamedTuple):
    """Mean absolute errors of a frame or of a batch."""

    energy: Float[Array, ""]  # eV per atom
    forces: Float[Array, ""]  # eV/Å per component
    torques: Float[Array, ""]  # eV/rad per axis


def huber(x: Float[Array, "..."], delta: float) -> Float[Array, "..."]:
    """Return the pseudo-Huber loss δ² (√(1 + (x/δ)²) - 1): about x² / 2 for |x| ≪ δ, and about δ |x| for |x| ≫ δ.

    Args:
        x: Errors.
        delta: δ, in the unit of the errors.
    """
    return delta**2 * (jnp.sqrt(1 + (x / delta) ** 2) - 1)


def frame_weight(forces: Float[np.ndarray | Array, "N 3"], limit: float) -> Float[Array, ""]:
    """Return the weight of a frame in the loss, min(1, L / max |F|).

    Args:
        forces: Forces F of the labels, eV/Å.
        limit: L, eV/Å.
    """
    return jnp.minimum(1.0, limit / jnp.maximum(jnp.sqrt(jnp.max(jnp.sum(jnp.square(forces), axis=-1))), 1e-6))


def frame_loss(
    params: Any, hp: Hyperparameters, frame: FrameBatch, weights: Float[Array, "M"], settings: LossSettings
) -> tuple[Float[Array, ""], FrameErrors]:
    """Return the robust loss of one frame, u [<huber(ΔF, δ)> + w huber(ΔE, 0.5) / N + v Σ huber(ΔQ, 0.05) / N].

    The weight u = min(1, L / max |F|) keeps what a frame of a clash contributes within that of a frame with the forces
    L: its errors are a share of its forces. Without such frames, a network has holes where atoms come too close.

    Errors of torques Q about bonds make up a hundredth of the squared error of the forces, so that a loss of forces
    alone hardly reduces them. The positions and energies of minima depend on these torques.

    Args:
        params: Parameters of the network, the variable of the gradient.
        hp: Hyperparameters of the network.
        frame: One frame.
        weights: Weights of the members of the committee in the prediction.
        settings: w, v, δ and L.

    Returns:
        The loss, and the mean absolute errors of the frame.
    """
    energy, forces = energy_and_forces(lambda system: mixture(hp, params, system, frame.pairs, weights), frame.system)
    n_atoms = jnp.sum(frame.system.atom_mask)
    energy_error, force_errors = energy - frame.labels.energy, forces - frame.labels.forces  # zero on padding
    torque_errors = torques(frame.system.positions, force_errors, frame.axes)
    force_loss, energy_loss = huber(force_errors, settings.force_delta), huber(energy_error, ENERGY_DELTA)
    torque_loss = huber(torque_errors, TORQUE_DELTA).sum()
    weighted = settings.energy_weight * energy_loss, settings.torque_weight * torque_loss
    loss = (force_loss.sum() / 3 + weighted[0] + weighted[1]) / n_atoms
    loss *= frame_weight(frame.labels.forces, settings.force_limit)
    n_axes = jnp.maximum(1, jnp.sum(frame.axes.is_real))
    return loss, FrameErrors(
        energy=jnp.abs(energy_error) / n_atoms,
        forces=jnp.abs(force_errors).sum() / (3 * n_atoms),
        torques=jnp.abs(torque_errors).sum() / n_axes,
    )


def batch_gradient(
    params: Any, hp: Hyperparameters, frames: FrameBatch, weights: Float[Array, "B M"], settings: LossSettings
) -> tuple[Any, FrameErrors]:
    """Return the mean gradient and the mean errors of a batch.

    On a CPU, frames are handled one after the other and each gradient is added to the sum before the next one, so that
    the data of a frame stay in the cache of a core. This takes a third of the time of one gradient through all frames.

    Args:
        params: Parameters of the network.
        hp: Hyperparameters of the network.
        frames: Frames of the batch.
        weights: For each frame, the weights of the members of the committee.
        settings: Weights of the loss.
    """
    gradient_fn: Callable = jax.grad(frame_loss, has_aux=True)

    def of_frame(params: Any, frame: FrameBatch, weights: Array):
        return gradient_fn(params, hp, frame, weights, settings)

    def add(total: Any, one: tuple[FrameBatch, Array]):
        gradient, errors = of_frame(params, *one)
        return jax.tree.map(jnp.add, total, gradient), errors

    if jax.default_backend() == "cpu":
        total, errors = jax.lax.scan(add, jax.tree.map(jnp.zeros_like, params), (frames, weights))
        gradient = jax.tree.map(lambda g: g / len(weights), total)
    else:
        gradients, errors = jax.vmap(of_frame, (None, 0, 0))(params, frames, weights)
        gradient = jax.tree.map(lambda g: g.mean(axis=0), gradients)
    return gradient, jax.tree.map(jnp.mean, errors)
