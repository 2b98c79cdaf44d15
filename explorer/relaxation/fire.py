"""FIRE 2.0, relaxation by damped dynamics: slow but simple, and it uses nothing but forces."""

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from explorer.potential.potential import Evaluation
from explorer.relaxation.state import (
    Algorithm,
    Relaxer,
    RelaxState,
    Status,
    initial_head,
    is_finite,
    largest_force,
)

# Masses are 1, so the unit of time is Å eV^-1/2. The first time step is not tuned; its bounds, 1/50 and 10 times as
# long, and the five factors are those of the paper.
_TIME_STEP, _MIN_TIME_STEP, _MAX_TIME_STEP = 0.1, 0.002, 1.0
_TIME_STEP_GROWTH, _TIME_STEP_SHRINK, _MIXING, _MIXING_DECAY, _GROWTH_DELAY = 1.1, 0.5, 0.25, 0.99, 20
_MAX_DISPLACEMENT = 0.2  # Å per step, of any atom; not tuned
# k in eV/Å², not tuned. FIRE has no model Hessian; it predicts the energy change |f|² / 2k and the step |f| / k.
_ASSUMED_CURVATURE = 1.0


class FireState(RelaxState):
    """State of a relaxation with that of its damped dynamics.

    Attributes:
        velocities: Velocities for masses of 1, eV^1/2.
        time_step: Time step, Å eV^-1/2.
        mixing: Share of the velocity that is rotated into the direction of the forces.
        n_downhill: Number of steps since the power was last negative.
    """

    velocities: Float[Array, "N 3"]
    time_step: Float[Array, ""]
    mixing: Float[Array, ""]
    n_downhill: Int[Array, ""]


def _init(relaxer: Relaxer, positions: Float[Array, "N 3"], memory: None) -> FireState:
    dtype = positions.dtype
    return FireState(
        **initial_head(positions),
        velocities=jnp.zeros_like(positions),
        time_step=jnp.asarray(_TIME_STEP, dtype),
        mixing=jnp.asarray(_MIXING, dtype),
        n_downhill=jnp.asarray(0, jnp.int32),
    )


def _step(
    relaxer: Relaxer, positions: Float[Array, "N 3"], evaluation: Evaluation, state: FireState
) -> tuple[Float[Array, "N 3"], FireState]:
    limits = relaxer.convergence
    finite = is_finite(evaluation)
    here = jnp.where(finite, positions, state.positions)
    forces = jnp.where(finite, evaluation.forces, state.forces)
    energy = jnp.where(finite, evaluation.energy, state.energy)
    downhill = finite & (jnp.sum(forces * state.velocities) > 0)
    started = jnp.any(state.velocities != 0)
    n_downhill = jnp.where(downhill, state.n_downhill + 1, 0)
    faster = downhill & (n_downhill > _GROWTH_DELAY)
    longer = jnp.where(faster, jnp.minimum(_TIME_STEP_GROWTH * state.time_step, _MAX_TIME_STEP), state.time_step)
    shorter = jnp.maximum(_TIME_STEP_SHRINK * state.time_step, _MIN_TIME_STEP)
    time_step = jnp.where(downhill | ~started, longer, shorter)
    mixing = jnp.where(downhill, jnp.where(faster, _MIXING_DECAY * state.mixing, state.mixing), _MIXING)
    # uphill: half a step back, with zero velocity
    start = here - jnp.where(downhill | ~finite, 0, 0.5 * state.time_step * state.velocities)
    velocities = jnp.where(downhill, state.velocities, 0) + time_step * forces
    length = jnp.sqrt(jnp.sum(forces**2))
    along = forces / jnp.where(length > 0, length, 1) * jnp.sqrt(jnp.sum(velocities**2))
    velocities = (1 - mixing) * velocities + mixing * along
    shift = time_step * velocities
    longest = jnp.sqrt(jnp.max(jnp.sum(shift**2, axis=-1)))
    shift = shift * jnp.minimum(1, _MAX_DISPLACEMENT / jnp.maximum(longest, _MAX_DISPLACEMENT))
    fmax = largest_force(forces)
    converged = (fmax < limits.fmax) & (length**2 / (2 * _ASSUMED_CURVATURE) < limits.energy_change)
    converged &= fmax / _ASSUMED_CURVATURE < limits.step
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


def _no_memory(state: FireState) -> None:
    return None


def _never(state: FireState) -> Bool[Array, ""]:
    return jnp.asarray(False)


FIRE = Algorithm(_init, _step, _no_memory, _never)
"""FIRE 2.0 with semi-implicit Euler integration.

FIRE never rejects a step. Only after NaN it returns to the last finite structure and restarts at rest.

Source: Guénolé et al., Comput. Mater. Sci. 175, 109584 (2020), doi:10.1016/j.commatsci.2020.109584.
"""
