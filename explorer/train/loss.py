"""The loss of a frame, and the mean of its gradient over a batch."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from explorer.potential.hyperparameters import Hyperparameters
from explorer.potential.potential import energy_and_forces
from explorer.potential.so3krates import mixture
from explorer.train.frames import Rows
from explorer.train.torques import torques

ENERGY_DELTA = 0.5  # eV; larger errors count by their size, not by its square
TORQUE_DELTA = 0.05  # eV/rad, likewise


class LossSettings(NamedTuple):
    """What the loss weighs how.

    Attributes:
        energy_weight: w, 1/Å² relative to the forces.
        torque_weight: v, rad²/Å² relative to the forces.
        force_delta: δ, eV/Å; larger errors of forces count by their size, not by its square.
    """

    energy_weight: float
    torque_weight: float
    force_delta: float


class FrameErrors(NamedTuple):
    """Mean absolute errors of a frame, or of a batch."""

    energy: Float[Array, ""]  # eV per atom
    forces: Float[Array, ""]  # eV/Å per component
    torques: Float[Array, ""]  # eV/rad per axis


def huber(x: Float[Array, "..."], delta: float) -> Float[Array, "..."]:
    """Smooth transition from x² / 2 to δ |x|: δ² (√(1 + (x/δ)²) - 1)."""
    return delta**2 * (jnp.sqrt(1 + (x / delta) ** 2) - 1)


def loss_fn(
    params: Any, hp: Hyperparameters, row: Rows, weights: Float[Array, "M"], settings: LossSettings
) -> tuple[Float[Array, ""], FrameErrors]:
    """Robust loss of one frame: <huber(ΔF, δ)> + w huber(ΔE, 0.5) / N + v Σ huber(ΔQ, 0.05) / N.

    Torques Q about bonds are a hundredth of the squared error of forces, so that forces alone do not teach them; but
    the places of minima and their energies are a matter of them.

    Args:
        params: of the network, the variable of the gradient.
        hp: of the network.
        row: one frame.
        weights: of the members of the committee that answer for it.
        settings: w, v and δ.
    """
    energy, forces = energy_and_forces(lambda system: mixture(hp, params, system, row.pairs, weights), row.system)
    n_atoms = jnp.sum(row.system.atom_mask)
    off_energy, off_forces = energy - row.labels.energy, forces - row.labels.forces  # zero on padding
    off_torques = torques(row.system.positions, off_forces, row.axes)
    of_forces, of_energy = huber(off_forces, settings.force_delta), huber(off_energy, ENERGY_DELTA)
    of_torques = huber(off_torques, TORQUE_DELTA).sum()
    loss = (of_forces.sum() / 3 + settings.energy_weight * of_energy + settings.torque_weight * of_torques) / n_atoms
    n_axes = jnp.maximum(1, jnp.sum(row.axes.turn))
    return loss, FrameErrors(
        jnp.abs(off_energy) / n_atoms, jnp.abs(off_forces).sum() / (3 * n_atoms), jnp.abs(off_torques).sum() / n_axes
    )


def batch_gradient(
    params: Any, hp: Hyperparameters, rows: Rows, weights: Float[Array, "B M"], settings: LossSettings
) -> tuple[Any, FrameErrors]:
    """Mean gradient and errors of a batch.

    On a CPU frame after frame, each gradient added to the sum before the next one: what a frame needs stays in the
    cache of a core. That takes a third of the time of a gradient through all frames at once.
    """
    gradient_fn: Callable = jax.grad(loss_fn, has_aux=True)

    def of_frame(params: Any, row: Rows, weights: Array):
        return gradient_fn(params, hp, row, weights, settings)

    def in_turn(params: Any, rows: Rows, weights: Array):
        def add(total: Any, frame: tuple[Rows, Array]):
            gradient, errors = of_frame(params, *frame)
            return jax.tree.map(jnp.add, total, gradient), errors

        total, errors = jax.lax.scan(add, jax.tree.map(jnp.zeros_like, params), (rows, weights))
        return jax.tree.map(lambda g: g / len(weights), total), errors

    def at_once(params: Any, rows: Rows, weights: Array):
        gradients, errors = jax.vmap(of_frame, (None, 0, 0))(params, rows, weights)
        return jax.tree.map(lambda g: g.mean(axis=0), gradients), errors

    gradient, errors = jax.lax.platform_dependent(params, rows, weights, cpu=in_turn, default=at_once)
    return gradient, jax.tree.map(jnp.mean, errors)
