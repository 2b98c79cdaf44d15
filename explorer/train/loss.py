"""The loss of a batch of frames of one molecule: energies and forces."""

from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from explorer.potential.potential import Evaluation, Potential, evaluate_batch
from explorer.system import System


class Labels(NamedTuple):
    """Reference values of a batch, on the host or on the device."""

    energy: Float[np.ndarray | Array, "B"]  # eV, atomic energies subtracted
    forces: Float[np.ndarray | Array, "B N 3"]  # eV/Å


class Errors(NamedTuple):
    """Mean absolute errors of a batch."""

    energy: Float[Array, ""]  # eV per atom
    forces: Float[Array, ""]  # eV/Å per component


def huber(x: Float[Array, "..."], delta: float) -> Float[Array, "..."]:
    """Smooth transition from x² / 2 to δ |x|: δ² (√(1 + (x/δ)²) - 1)."""
    return delta**2 * (jnp.sqrt(1 + (x / delta) ** 2) - 1)


def loss_fn(
    params: Any, potential: Potential, systems: System, labels: Labels, energy_weight: float
) -> tuple[Float[Array, ""], Errors]:
    """Robust force and energy loss: <huber(ΔF, 0.1)> + w <huber(ΔE, 0.5)> / N.

    Args:
        params: of the potential, the variable of the gradient.
        potential: its own parameters are not used.
        systems: a batch of one molecule.
        labels: reference energies (eV) and forces (eV/Å).
        energy_weight: w, 1/Å² relative to the forces.
    """
    predicted = evaluate_batch(potential.replace(params=params), systems)
    n_atoms = systems.positions.shape[1]
    force_loss = huber(predicted.forces - labels.forces, 0.1).mean()
    energy_loss = huber(predicted.energy - labels.energy, 0.5).mean() / n_atoms
    return force_loss + energy_weight * energy_loss, errors_of(predicted, labels)


def errors_of(predicted: Evaluation, labels: Labels) -> Errors:
    """Mean absolute errors of energies per atom and of force components."""
    n_atoms = labels.forces.shape[1]
    return Errors(
        jnp.abs(predicted.energy - labels.energy).mean() / n_atoms, jnp.abs(predicted.forces - labels.forces).mean()
    )
