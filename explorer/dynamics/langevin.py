"""Thermostatted dynamics by the BAOAB splitting of Langevin's equation: one force call per step."""

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

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
    """One step: v += h F(t)/m; x += h v/2; v = c v + √((1 - c²) kT/m) ξ with c = exp(-γ h); x += h v/2.

    The kick joins the half kicks that end the step before and begin this one, for both have the same forces. Without
    friction this is `verlet.leapfrog`.

    Args:
        positions: x(t), Å.
        velocities: before the half kick that ends the step before, Å/fs; v(t) where `is_first`.
        forces: F(t), eV/Å.
        noise: ξ, standard normal.
        masses: amu.
        time_step: h, fs.
        friction: γ, 1/fs.
        temperature: T, K.
        is_first: whether the velocities belong to the same time as the positions.

    Returns:
        x(t + h) and the velocities before the half kick that ends this step.

    Source: Leimkuhler & Matthews, Appl. Math. Res. eXpress 2013, 34, doi:10.1093/amrx/abs010.
    """
    kick = jnp.where(is_first, 0.5, 1.0) * time_step * ACCELERATION
    velocities = velocities + kick * forces / masses[:, None]
    kept = jnp.exp(-jnp.asarray(friction, positions.dtype) * time_step)
    width = jnp.sqrt((1 - kept**2) * BOLTZMANN * temperature * ACCELERATION / masses)
    turned = kept * velocities + width[:, None] * noise
    return positions + 0.5 * time_step * (velocities + turned), turned
