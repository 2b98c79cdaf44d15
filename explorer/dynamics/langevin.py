"""Langevin dynamics in JAX by the BAOAB splitting: one force call per step."""

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from explorer.dynamics.baoab import baoab_step
from explorer.units import ACCELERATION, BOLTZMANN


def langevin(
    positions: Float[Array, "N 3"],
    velocities: Float[Array, "N 3"],
    forces: Float[Array, "N 3"],
    noise: Float[Array, "N 3"],
    masses: Float[Array, "N"],
    time_step: float,
    friction: float | Float[Array, ""],
    temperature: float | Float[Array, ""],
    is_first: Bool[Array, ""],
) -> tuple[Float[Array, "N 3"], Float[Array, "N 3"]]:
    """Take one step of Langevin dynamics (see `baoab_step`); without friction it is `verlet.leapfrog`.

    Args:
        positions: x(t), Å.
        velocities: Velocities before the half kick that ends the previous step, Å/fs; v(t) if `is_first`.
        forces: F(t), eV/Å.
        noise: ξ, standard normal random numbers.
        masses: Masses, amu.
        time_step: h, fs.
        friction: Friction coefficient γ, 1/fs.
        temperature: T, K.
        is_first: Whether the velocities belong to the same time as the positions.

    Returns:
        x(t + h) and the velocities before the half kick that ends this step.

    Source: Leimkuhler & Matthews, Appl. Math. Res. eXpress 2013, 34, doi:10.1093/amrx/abs010.
    """
    kick = jnp.where(is_first, 0.5, 1.0) * time_step * ACCELERATION
    kept = jnp.exp(-jnp.asarray(friction, positions.dtype) * time_step)
    width = jnp.sqrt((1 - kept**2) * BOLTZMANN * temperature * ACCELERATION / masses)
    return baoab_step(positions, velocities, kick * forces / masses[:, None], noise, time_step, kept, width[:, None])
