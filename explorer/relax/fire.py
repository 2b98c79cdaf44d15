"""FIRE2, damped dynamics: slow but simple, and it needs nothing but forces."""

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from explorer.config import RelaxSettings
from explorer.potential.potential import Evaluation
from explorer.relax.state import Relaxer, RelaxState, Status, guarded, initial_head, is_finite, largest_force

# unit masses: times are in Å eV^-1/2
TIME_STEP, SMALLEST_TIME_STEP, LARGEST_TIME_STEP = 0.1, 0.002, 1.0
GROW, SHRINK, MIXING, LESS_MIXING, DELAY = 1.1, 0.5, 0.25, 0.99, 20
LARGEST_STEP = 0.2  # Å, of any atom
CURVATURE = 1.0  # eV/Å², for the predicted energy change |f|² / 2k and step |f| / k: FIRE has no model of its own


class FireState(RelaxState):
    """Adds the dynamics to the head.

    Attributes:
        velocities: Å per unit time.
        time_step: unit time.
        mixing: share of the velocity that is turned into the direction of the forces.
        n_downhill: steps since the power was last negative.
    """

    velocities: Float[Array, "N 3"]
    time_step: Float[Array, ""]
    mixing: Float[Array, ""]
    n_downhill: Int[Array, ""]


def fire_relaxer(settings: RelaxSettings) -> Relaxer:
    """FIRE 2.0 with semi-implicit Euler integration.

    It never rejects a step; only after NaN it goes back to the last structure that was finite, at rest.

    Args:
        settings: when it is done.

    Source: Guénolé et al., Comput. Mater. Sci. 175, 109584 (2020), doi:10.1016/j.commatsci.2020.109584.
    """

    def init(positions: Float[Array, "N 3"], memory: None = None) -> FireState:
        dtype = positions.dtype
        return FireState(
            **initial_head(positions),
            velocities=jnp.zeros_like(positions),
            time_step=jnp.asarray(TIME_STEP, dtype),
            mixing=jnp.asarray(MIXING, dtype),
            n_downhill=jnp.asarray(0, jnp.int32),
        )

    def step(positions: Float[Array, "N 3"], evaluation: Evaluation, state: FireState):
        finite = is_finite(evaluation)
        here = jnp.where(finite, positions, state.positions)
        forces = jnp.where(finite, evaluation.forces, state.forces)
        energy = jnp.where(finite, evaluation.energy, state.energy)
        downhill = finite & (jnp.sum(forces * state.velocities) > 0)
        started = jnp.any(state.velocities != 0)
        n_downhill = jnp.where(downhill, state.n_downhill + 1, 0)
        faster = downhill & (n_downhill > DELAY)
        grown = jnp.where(faster, jnp.minimum(GROW * state.time_step, LARGEST_TIME_STEP), state.time_step)
        slower = jnp.maximum(SHRINK * state.time_step, SMALLEST_TIME_STEP)
        time_step = jnp.where(downhill | ~started, grown, slower)
        mixing = jnp.where(downhill, jnp.where(faster, LESS_MIXING * state.mixing, state.mixing), MIXING)
        # uphill: half a step back, and at rest
        start = here - jnp.where(downhill | ~finite, 0, 0.5 * state.time_step * state.velocities)
        velocities = jnp.where(downhill, state.velocities, 0) + time_step * forces
        length = jnp.sqrt(jnp.sum(forces**2))
        along = forces / jnp.where(length > 0, length, 1) * jnp.sqrt(jnp.sum(velocities**2))
        velocities = (1 - mixing) * velocities + mixing * along
        shift = time_step * velocities
        longest = jnp.sqrt(jnp.max(jnp.sum(shift**2, axis=-1)))
        shift = shift * jnp.minimum(1, LARGEST_STEP / jnp.maximum(longest, LARGEST_STEP))
        fmax = largest_force(forces)
        converged = (fmax < settings.fmax) & (length**2 / (2 * CURVATURE) < settings.energy_change)
        converged &= fmax / CURVATURE < settings.step
        status = jnp.where(converged, int(Status.CONVERGED), int(Status.RUNNING))
        status = jnp.where((state.n_steps == 1) & ~finite, int(Status.DIVERGED), status)
        state = state.replace(
            status=status.astype(jnp.int32),
            positions=here,
            energy=energy,
            forces=forces,
            fmax=fmax,
            velocities=velocities,
            time_step=time_step,
            mixing=mixing,
            n_downhill=n_downhill,
        )
        return start + shift, state

    return Relaxer(init, guarded(step, settings.max_steps), memory=lambda state: None)
