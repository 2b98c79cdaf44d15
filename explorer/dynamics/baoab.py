"""The BAOAB splitting of Langevin's equation, for arrays of numpy and of JAX alike; no JAX."""

from typing import Any

from jaxtyping import Float

Array = Any  # of numpy or of JAX, which this module does not import


def baoab_step(
    positions: Float[Array, "N 3"],
    velocities: Float[Array, "N 3"],
    kick: Float[Array, "N 3"],
    noise: Float[Array, "N 3"],
    time_step: float,
    kept: float | Float[Array, ""],
    width: Float[Array, "N 1"],
) -> tuple[Float[Array, "N 3"], Float[Array, "N 3"]]:
    """Do one step: v += h F(t)/m; x += h v/2; v = c v + √((1 - c²) kT/m) ξ with c = exp(-γ h); x += h v/2.

    The kick unites the half kick that ends the previous step and the half kick that begins this step, since both have
    the same forces. The first step of a trajectory has only half a kick.

    Args:
        positions: x(t), Å.
        velocities: Velocities before the half kick that ends the previous step, Å/fs.
        kick: h F(t)/m, Å/fs; half of it in the first step.
        noise: ξ, standard normal random numbers.
        time_step: h, fs.
        kept: c.
        width: √((1 - c²) kT/m), Å/fs.

    Returns:
        x(t + h) and the velocities before the half kick that ends this step.

    Source: Leimkuhler & Matthews, Appl. Math. Res. eXpress 2013, 34, doi:10.1093/amrx/abs010.
    """
    velocities = velocities + kick
    mixed = kept * velocities + width * noise
    return positions + 0.5 * time_step * (velocities + mixed), mixed
