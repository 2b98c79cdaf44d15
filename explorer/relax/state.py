"""What every relaxer has in common: optax's cut of (init, step), the head of its state, and how it may end."""

from collections.abc import Callable
from enum import IntEnum
from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import struct
from jaxtyping import Array, Bool, Float, Int

from explorer.potential.potential import Evaluation


class Status(IntEnum):
    """How a relaxation stands; everything but RUNNING is final."""

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
    Status.OVERFLOW: "more pairs within the cutoff than fit; grow the capacity and go on",
    Status.STUCK: "no step lowers the energy: energy and forces disagree",
}


class Fallback(IntEnum):
    """Why a relaxation left internal coordinates and went on in Cartesian steps."""

    NONE = 0
    BACK_TRANSFORMATION = 1
    STRAIGHT_ANGLE = 2
    NOT_FINITE = 3


FALLBACK_TEXT = {
    Fallback.NONE: "",
    Fallback.BACK_TRANSFORMATION: "Cartesian steps, since a back-transformation did not converge",
    Fallback.STRAIGHT_ANGLE: "Cartesian steps, since an angle went straight",
    Fallback.NOT_FINITE: "Cartesian steps, since internal coordinates were not finite",
}


def ending(status: int, fallback: int) -> str:
    """How a relaxation ended in a word or two, and why it left internal coordinates where it did."""
    words = [Status(status).name.lower().replace("_", " "), FALLBACK_TEXT[Fallback(fallback)]]
    return "; ".join(filter(None, words))


class Relaxer(NamedTuple):
    """A pair of pure functions written for one molecule.

    `init(positions, memory=None) -> state`; `step(positions, evaluation, state) -> (positions, state)`, where
    `evaluation` belongs to `positions`: a step consumes forces, it never calls the potential. A
    step that finds convergence does not move, and once the status is final a step does nothing.
    `memory(state)` is what the relaxation has learned of the curvature, of use to another one that begins there.
    """

    init: Callable
    step: Callable
    memory: Callable


class RelaxState(struct.PyTreeNode):
    """The head of every relaxer's state: the last accepted structure and the verdict.

    Attributes:
        status: a `Status`.
        n_steps: force calls consumed, rejected steps included.
        positions: Å, last accepted.
        energy: eV, of `positions`; infinite before the first step.
        forces: eV/Å, of `positions`.
        fmax: largest per-atom force norm of `positions`, eV/Å.
        fallback: a `Fallback`; the relaxer of a cluster has no internal coordinates to leave.
    """

    status: Int[Array, ""]
    n_steps: Int[Array, ""]
    positions: Float[Array, "N 3"]
    energy: Float[Array, ""]
    forces: Float[Array, "N 3"]
    fmax: Float[Array, ""]
    fallback: Int[Array, ""]


def initial_head(positions: Float[Array, "N 3"]) -> dict[str, Array]:
    """Fields of `RelaxState` before anything is known about `positions`."""
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
    """fmax, the largest per-atom force norm, eV/Å (ASE's convention)."""
    return jnp.sqrt(jnp.max(jnp.sum(forces**2, axis=-1)))


def is_finite(evaluation: Evaluation) -> Bool[Array, ""]:
    """Whether energy and all forces are numbers."""
    return jnp.isfinite(evaluation.energy) & jnp.all(jnp.isfinite(evaluation.forces))


def energy_noise(energy: Float[Array, ""]) -> Float[Array, ""]:
    """Rounding of a difference of two energies of this size, eV: some units in the last place."""
    return 8 * jnp.finfo(energy.dtype).eps * (1 + jnp.abs(energy))


def select(condition: Bool[Array, ""], new, old):
    """`new` where the condition holds, else `old`, for two pytrees alike; NaN in the loser does not leak."""
    return jax.tree.map(lambda a, b: jnp.where(condition, a, b), new, old)


def guarded(step: Callable, max_steps: int) -> Callable:
    """Adds to an algorithm's step what is the same for all: counting, the cap, overflow, no-op when done.

    Args:
        step: (positions, evaluation, state) -> (positions, state); it sets CONVERGED, STUCK or
            DIVERGED and is used only where its result counts.
        max_steps: force calls after which RUNNING becomes NOT_CONVERGED.
    """

    def guarded_step(positions, evaluation, state):
        moved, new = step(positions, evaluation, state.replace(n_steps=state.n_steps + 1))
        exhausted = (new.status == Status.RUNNING) & (new.n_steps >= max_steps)
        new = new.replace(status=jnp.where(exhausted, int(Status.NOT_CONVERGED), new.status))
        # an unconverged end hands back the last accepted structure, the one that energy and fmax belong to
        moved = jnp.where(new.status == Status.RUNNING, moved, new.positions)
        running = state.status == Status.RUNNING
        new, moved = select(running & ~evaluation.overflow, (new, moved), (state, positions))
        status = jnp.where(running & evaluation.overflow, int(Status.OVERFLOW), new.status)
        return moved, new.replace(status=status)

    return guarded_step
