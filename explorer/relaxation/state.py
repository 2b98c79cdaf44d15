"""Interface of all relaxers: pure functions as in optax, the common fields of their states, and the status."""

from collections.abc import Callable
from enum import IntEnum
from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import struct
from jaxtyping import Array, Bool, Float, Int

from explorer.potential.potential import Evaluation


class Status(IntEnum):
    """Status of a relaxation; every status but RUNNING is final."""

    RUNNING = 0
    CONVERGED = 1
    NOT_CONVERGED = 2
    DIVERGED = 3
    OVERFLOW = 4
    STUCK = 5


STATUS_TEXT = {
    Status.RUNNING: "still running",
    Status.CONVERGED: "converged in force, predicted energy change and step",
    Status.NOT_CONVERGED: "not converged within the allowed number of force calls",
    Status.DIVERGED: "energy or forces of the start are not finite",
    Status.OVERFLOW: "more pairs within the cutoff than fit; raise the capacity and continue",
    Status.STUCK: "no step lowers the energy: energy and forces disagree",
}


class Fallback(IntEnum):
    """Reason why a relaxation left internal coordinates and continued with Cartesian steps."""

    NONE = 0
    BACK_TRANSFORMATION = 1
    STRAIGHT_ANGLE = 2
    NOT_FINITE = 3


FALLBACK_TEXT = {
    Fallback.NONE: "",
    Fallback.BACK_TRANSFORMATION: "Cartesian steps, since a back-transformation did not converge",
    Fallback.STRAIGHT_ANGLE: "Cartesian steps, since an angle became straight",
    Fallback.NOT_FINITE: "Cartesian steps, since internal coordinates were not finite",
}


def ending(status: int, fallback: int) -> str:
    """Describe the status of a relaxation and, where it left internal coordinates, the reason."""
    parts = [Status(status).name.lower().replace("_", " "), FALLBACK_TEXT[Fallback(fallback)]]
    return "; ".join(filter(None, parts))


class Relaxer(NamedTuple):
    """Pure functions that relax one structure of a molecule.

    A step consumes the forces at its positions and never calls the potential. A step that detects convergence does
    not move the atoms, and a step of a final state does nothing.

    Attributes:
        init: (positions, memory=None) -> state.
        step: (positions, evaluation at these positions, state) -> (positions, state).
        memory: state -> curvature information, for another relaxation that starts where this one ended.
    """

    init: Callable
    step: Callable
    memory: Callable


class RelaxState(struct.PyTreeNode):
    """Common fields of the states of all relaxers: the last accepted structure and the status.

    Attributes:
        status: A `Status`.
        n_steps: Number of force calls, including rejected steps.
        positions: Last accepted positions, Å.
        energy: Energy at `positions`, eV; infinite before the first step.
        forces: Forces at `positions`, eV/Å.
        fmax: Largest per-atom force norm at `positions`, eV/Å.
        fallback: A `Fallback`; always NONE for relaxers in Cartesian coordinates.
    """

    status: Int[Array, ""]
    n_steps: Int[Array, ""]
    positions: Float[Array, "N 3"]
    energy: Float[Array, ""]
    forces: Float[Array, "N 3"]
    fmax: Float[Array, ""]
    fallback: Int[Array, ""]


def initial_head(positions: Float[Array, "N 3"]) -> dict[str, Array]:
    """Return the fields of `RelaxState` before the first evaluation at `positions`."""
    infinite = jnp.asarray(jnp.inf, positions.dtype)
    return {
        "status": jnp.asarray(Status.RUNNING, jnp.int32),
        "n_steps": jnp.asarray(0, jnp.int32),
        "positions": positions,
        "energy": infinite,
        "forces": jnp.zeros_like(positions),
        "fmax": infinite,
        "fallback": jnp.asarray(Fallback.NONE, jnp.int32),
    }


def largest_force(forces: Float[Array, "N 3"]) -> Float[Array, ""]:
    """Return fmax, the largest per-atom force norm, eV/Å (the convention of ASE)."""
    return jnp.sqrt(jnp.max(jnp.sum(forces**2, axis=-1)))


def is_finite(evaluation: Evaluation) -> Bool[Array, ""]:
    """Return whether the energy and all forces are finite."""
    return jnp.isfinite(evaluation.energy) & jnp.all(jnp.isfinite(evaluation.forces))


def energy_noise(energy: Float[Array, ""]) -> Float[Array, ""]:
    """Estimate the rounding error of a difference of two energies of this size, eV: eight units in the last place."""
    return 8 * jnp.finfo(energy.dtype).eps * (1 + jnp.abs(energy))


def select(condition: Bool[Array, ""], new, old):
    """Select `new` if the condition holds, else `old`, leaf by leaf; NaN in the other one does not spread."""
    return jax.tree.map(lambda a, b: jnp.where(condition, a, b), new, old)


def guarded(step: Callable, max_steps: int) -> Callable:
    """Wrap the step of an algorithm with the parts common to all: counting, step limit, overflow, no-op when final.

    Args:
        step: (positions, evaluation, state) -> (positions, state). It sets CONVERGED, STUCK or DIVERGED; its result
            is discarded for final states and after an overflow.
        max_steps: Number of force calls after which RUNNING becomes NOT_CONVERGED.
    """

    def guarded_step(positions, evaluation, state):
        moved, new = step(positions, evaluation, state.replace(n_steps=state.n_steps + 1))
        exhausted = (new.status == Status.RUNNING) & (new.n_steps >= max_steps)
        new = new.replace(status=jnp.where(exhausted, int(Status.NOT_CONVERGED), new.status))
        # a final state returns the last accepted structure, to which its energy and fmax belong
        moved = jnp.where(new.status == Status.RUNNING, moved, new.positions)
        running = state.status == Status.RUNNING
        new, moved = select(running & ~evaluation.overflow, (new, moved), (state, positions))
        status = jnp.where(running & evaluation.overflow, int(Status.OVERFLOW), new.status)
        return moved, new.replace(status=status)

    return guarded_step
