"""Interface of all relaxers: pure functions as in optax, the common fields of their states, and the status."""

from collections.abc import Callable
from enum import IntEnum
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
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


class Convergence(NamedTuple):
    """Limits of a relaxation, as scalars that a compiled program receives: other limits need no other program.

    Attributes:
        fmax: Largest force on an atom, eV/Å.
        energy_change: Largest predicted energy change of the next step, eV.
        step: Largest change of a coordinate in the next step, Å or rad.
        trust_radius: Largest change of a coordinate in any step, Å or rad.
        max_steps: Largest number of force calls.
        careful_radius: Largest change of a coordinate while the relaxation is careful, Å or rad.
        careful_fall: Energy by which a relaxation must have fallen before it stops being careful, eV; 0 for none.
    """

    fmax: Float[np.ndarray | Array, ""]
    energy_change: Float[np.ndarray | Array, ""]
    step: Float[np.ndarray | Array, ""]
    trust_radius: Float[np.ndarray | Array, ""]
    max_steps: Int[np.ndarray | Array, ""]
    careful_radius: Float[np.ndarray | Array, ""]
    careful_fall: Float[np.ndarray | Array, ""]


class Algorithm(NamedTuple):
    """Pure functions of a relaxation; the first argument of each is the data of the relaxer.

    Attributes:
        init: (data, positions, memory) -> state.
        step: (data, positions, evaluation at these positions, state) -> (positions, state).
        memory: state -> curvature information, for another relaxation that starts where this one ended.
        can_shorten: state -> whether a step after which pairs do not fit is shortened like one with energy NaN.
    """

    init: Callable
    step: Callable[..., tuple[Array, "RelaxState"]]
    memory: Callable
    can_shorten: Callable


class Relaxer(struct.PyTreeNode, eq=False):
    """Algorithm that relaxes one structure of a molecule, with the data of the molecule and the limits.

    A step consumes the forces at its positions and never calls the potential. A step that detects convergence does
    not move the atoms, and a step of a final state does nothing. The relaxer is an argument of compiled programs, so
    that molecules of the same size share them.

    Attributes:
        coordinates: Arrays that define the coordinates of the molecule; None for Cartesian ones.
        convergence: Limits.
        algorithm: Functions.
    """

    coordinates: Any
    convergence: Convergence
    algorithm: Algorithm = struct.field(pytree_node=False)

    def init(self, positions: Float[Array, "N 3"], memory: Any = None) -> Any:
        """Return the state at the start.

        Args:
            positions: Start, Å.
            memory: Curvature learned by a relaxation that ended there.
        """
        return self.algorithm.init(self, positions, memory)

    def step(self, positions: Float[Array, "N 3"], evaluation: Evaluation, state: Any) -> tuple[Array, Any]:
        """Return the positions of the next force call, Å, and the new state.

        Args:
            positions: Positions of the last force call, Å.
            evaluation: Energy and forces there.
            state: State of the relaxation.
        """
        return guarded_step(self, positions, evaluation, state)

    def memory(self, state: Any) -> Any:
        """Return the curvature that a relaxation learned."""
        return self.algorithm.memory(state)


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


def select(condition: Bool[Array, ""], new: Any, old: Any) -> Any:
    """Select `new` if the condition holds, else `old`, leaf by leaf; NaN in the other one does not spread.

    A branch compiles faster than a selection of every leaf. Under `vmap` it becomes such a selection.
    """
    return jax.lax.cond(condition, lambda new, old: new, lambda new, old: old, new, old)


def update_if(condition: Bool[Array, ""], function: Callable[[Any], Any], value: Any) -> Any:
    """Return the function of a value where the condition holds, else the value.

    It is a loop of zero or one iterations. XLA updates the arrays of a loop in place, and copies those of a branch.

    Args:
        condition: Whether to apply the function.
        function: Function of the value that returns arrays of the same shapes.
        value: Pytree.
    """
    return jax.lax.while_loop(
        lambda carry: carry[0], lambda carry: (jnp.asarray(False), function(carry[1])), (condition, value)
    )[1]


def guarded_step(
    relaxer: Relaxer, positions: Float[Array, "N 3"], evaluation: Evaluation, state: Any
) -> tuple[Float[Array, "N 3"], Any]:
    """Make a step with the parts common to all algorithms: counting, step limit, overflow, no-op when final.

    The algorithm sets CONVERGED, STUCK or DIVERGED. Its result is discarded for final states and after an overflow. A
    long step may lead to a crowded structure whose pairs do not fit; it is shortened, since more capacity would compile
    programs again. Where the step was short, or at the start, the structure itself is crowded.

    Args:
        relaxer: Algorithm and its data.
        positions: Positions of the force call, Å.
        evaluation: Energy and forces there.
        state: State before the step.
    """
    running = state.status == Status.RUNNING
    overflow = evaluation.overflow & ~relaxer.algorithm.can_shorten(state)

    def take(positions: Float[Array, "N 3"], state: Any) -> tuple[Float[Array, "N 3"], Any]:
        counted = state.replace(n_steps=state.n_steps + 1)
        moved, new = relaxer.algorithm.step(relaxer, positions, evaluation, counted)
        exhausted = (new.status == Status.RUNNING) & (new.n_steps >= relaxer.convergence.max_steps)
        status = jnp.where(exhausted, int(Status.NOT_CONVERGED), new.status).astype(jnp.int32)
        # a final state returns the last accepted structure, to which its energy and fmax belong
        return jnp.where(status == Status.RUNNING, moved, new.positions), new.replace(status=status)

    def stay(positions: Float[Array, "N 3"], state: RelaxState) -> tuple[Float[Array, "N 3"], Any]:
        status = jnp.where(running & overflow, int(Status.OVERFLOW), state.status)
        return positions, state.replace(status=status.astype(jnp.int32))

    return jax.lax.cond(running & ~overflow, take, stay, positions, state)
