"""Walker on the device: it escapes and then relaxes, with one force call per tick in every phase."""

from enum import IntEnum
from typing import Any

import jax.numpy as jnp
import numpy as np
from flax import struct
from jaxtyping import Array, Bool, Float, Int

from explorer.config import HoppingSettings
from explorer.hopping.recognition import NOT_RECOGNISED, RandomProjection
from explorer.potential.potential import Evaluation
from explorer.relaxation.state import Relaxer, Status, update_if

NO_WALKER = -1  # in place of the index of a walker


class Phase(IntEnum):
    """Purpose of the next force call of a walker."""

    SOFTEN = 0
    DYNAMICS = 1
    RELAX = 2
    DONE = 3


class HopResult(struct.PyTreeNode):
    """Part of a walker that the host fetches after a hop. It is kept small, since fetching each array takes time.

    Attributes:
        walker: Index of the walker; `NO_WALKER` where there is none.
        n_ticks: Force calls of this hop.
        positions: Positions of the next force call, Å; after the hop, those where the relaxation ended.
        recognised: Id of the known minimum at which the relaxation was about to end and was stopped; otherwise
            `NOT_RECOGNISED`.
        highest_energy: Highest potential energy before the relaxation, eV.
        exploded: Whether energies or positions of the dynamics were not finite.
        overflow: Whether the pairs of atoms exceeded the capacity of the potential during this hop.
        escaped: Positions where the dynamics ended and the relaxation began, Å.
        energy: Energy at the end of the relaxation, eV.
        fmax: Largest force on an atom at the end of the relaxation, eV/Å.
        status: `Status` of the relaxation.
    """

    walker: Int[Array, ""]
    n_ticks: Int[Array, ""]
    positions: Float[Array, "N 3"]
    recognised: Int[Array, ""]
    highest_energy: Float[Array, ""]
    exploded: Bool[Array, ""]
    overflow: Bool[Array, ""]
    escaped: Float[Array, "N 3"]
    energy: Float[Array, ""]
    fmax: Float[Array, ""]
    status: Int[Array, ""]


class Walker(HopResult):
    """State of one hop on the device, without the state of the relaxer.

    It extends the result of the hop, so that `result` selects fields and computes nothing.

    Attributes:
        phase: A `Phase`.
        n_phase: Force calls of this phase.
        velocities: Velocities during dynamics, Å/fs; the displacement during softening, Å.
        origin: Minimum that is left, Å.
        temperature: Temperature of the initial velocities, K.
        pushed: Whether a push along the softened direction takes the place of the dynamics.
        n_known: Number of minima that the hop may recognise: those known when it began.
        energy_last: Potential energy of the last step of the dynamics, eV.
        energy_before: Potential energy of the step before, eV.
        n_dips: Number of minima of the potential energy along the dynamics.
    """

    phase: Int[Array, ""]
    n_phase: Int[Array, ""]
    velocities: Float[Array, "N 3"]
    origin: Float[Array, "N 3"]
    temperature: Float[Array, ""]
    pushed: Bool[Array, ""]
    n_known: Int[Array, ""]
    energy_last: Float[Array, ""]
    energy_before: Float[Array, ""]
    n_dips: Int[Array, ""]

    def result(self) -> HopResult:
        """Return the part that the host fetches."""
        return HopResult(**{name: getattr(self, name) for name in HopResult.__dataclass_fields__})


class Engine(struct.PyTreeNode, eq=False):
    """Settings and data that all hops share. Molecules of the same size share compiled programs.

    Attributes:
        relaxer: Relaxer of the molecule.
        masses: Masses of the dynamics, amu.
        projection: Random projection for the recognition of known minima; None to recognise nothing.
        settings: Settings of hops.
    """

    relaxer: Relaxer
    masses: Float[np.ndarray | Array, "N"]
    projection: RandomProjection | None
    settings: HoppingSettings = struct.field(pytree_node=False)


def tick_relax(engine: Engine, walker: Walker, relaxation: Any, evaluation: Evaluation) -> tuple[Walker, Any]:
    """Use one evaluation for the relaxation of a walker.

    Args:
        engine: Settings and functions of the hop.
        walker: Walker that relaxes.
        relaxation: State of the relaxer; it is initialised at the first tick of the phase.
        evaluation: Energy and forces at the positions of the walker.

    Returns:
        The walker and the state of the relaxer.
    """
    begun = update_if(walker.n_phase == 1, lambda _: engine.relaxer.init(walker.positions), relaxation)
    positions, state = engine.relaxer.step(walker.positions, evaluation, begun)
    done = state.status != Status.RUNNING
    return walker.replace(
        positions=jnp.where(done, state.positions, positions),
        phase=jnp.where(done, int(Phase.DONE), walker.phase).astype(jnp.int32),
        energy=state.energy,
        fmax=state.fmax,
        status=state.status,
        overflow=walker.overflow | (state.status == Status.OVERFLOW),
    ), state


def mark_recognised(walker: Walker, minimum_id: Int[Array, ""]) -> Walker:
    """Return the walker, done where its relaxation is about to end at a known minimum.

    Args:
        walker: Walker after its force call.
        minimum_id: Id of that minimum; `NOT_RECOGNISED` where there is none.
    """
    is_recognised = (minimum_id != NOT_RECOGNISED) & (walker.phase != Phase.DONE)
    return walker.replace(
        recognised=jnp.where(is_recognised, minimum_id, walker.recognised),
        phase=jnp.where(is_recognised, int(Phase.DONE), walker.phase).astype(jnp.int32),
    )
