"""Constant-energy dynamics by the leapfrog form of the Verlet integrator: one force call per step."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from explorer.units import ACCELERATION


def leapfrog(
    positions: Float[Array, "N 3"],
    velocities: Float[Array, "N 3"],
    forces: Float[Array, "N 3"],
    masses: Float[np.ndarray | Array, "N"],
    time_step: float,
    is_first: Bool[Array, ""],
) -> tuple[Float[Array, "N 3"], Float[Array, "N 3"]]:
    """Take one step: v(t + h/2) = v(t - h/2) + h F(t)/m, x(t + h) = x(t) + h v(t + h/2).

    Args:
        positions: x(t), Å.
        velocities: v(t - h/2), Å/fs; v(t) if `is_first`.
        forces: F(t), eV/Å.
        masses: Masses, amu.
        time_step: h, fs.
        is_first: Whether the velocities belong to the same time as the positions.

    Returns:
        x(t + h) and v(t + h/2).

    Source: Verlet, Phys. Rev. 159, 98 (1967), doi:10.1103/PhysRev.159.98.
    """
    kick = jnp.where(is_first, 0.5, 1.0) * time_step * ACCELERATION
    velocities = velocities + kick * forces / masses[:, None]
    return positions + time_step * velocities, velocities
