"""One walker: it escapes, then it relaxes; one force call per tick whatever it is doing."""

from enum import IntEnum
from typing import Any, NamedTuple

import jax.numpy as jnp
from flax import struct
from jaxtyping import Array, Bool, Float, Int

from explorer.config import HoppingSettings
from explorer.hopping.recognition import NOT_RECOGNISED, RandomProjection
from explorer.hopping.softening import SoftFilter
from explorer.potential.potential import Evaluation
from explorer.relax.relaxer import Relaxer, Status
from explorer.relax.state import select


class Phase(IntEnum):
    """What a walker does with its next force call."""

    SOFTEN = 0
    DYNAMICS = 1
    RELAX = 2
    DONE = 3


class HopResult(struct.PyTreeNode):
    """What the host is told of a hop that is done: every array that it fetches takes time.

    Attributes:
        course: which walker; -1 for nobody.
        n_ticks: force calls of this hop.
        positions: where the next force call is made, Å; in the end where the relaxation ended.
        met: the known minimum that its relaxation, not finished, was seen to end at; UNKNOWN where there is none.
        highest_energy: on the way, before relaxation, eV.
        exploded: energies on the way were not finite.
        overflow: pairs did not fit during this hop.
        escaped: where the dynamics ended and relaxation began, Å.
        energy, fmax, status: how the relaxation ended, eV and eV/Å.
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
    """One hop of a walker on the device, apart from the relaxer's state: what it reports in the end, and its course.

    Attributes:
        phase: a `Phase`.
        n_phase: force calls of this phase.
        velocities: Å/fs during dynamics; the displacement, Å, during softening.
        origin: the minimum that is left, Å.
        temperature: of the escape, K.
        pushed: whether a push along the softened direction takes the place of the dynamics.
        n_known: minima that were known when the hop began, which it may recognise.
        energy_last, energy_before: of the last two steps of the dynamics, eV.
        n_dips: minima of the potential energy passed on the way.
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
        """What the host is told."""
        return HopResult(**{name: getattr(self, name) for name in HopResult.__dataclass_fields__})


class Engine(NamedTuple):
    """What the phases need beside the potential; static."""

    settings: HoppingSettings
    relaxer: Relaxer
    filter_fn: SoftFilter
    masses: tuple[float, ...]
    projection: RandomProjection | None  # None where nothing is to be recognised


NO_WALKER = -1


def jump(walker: Walker, start: Float[Array, "N 3"]) -> Walker:
    """The walker as one that jumped: it relaxes from `start`, Å, and followed no path there."""
    return walker.replace(
        phase=jnp.full_like(walker.phase, int(Phase.RELAX)),
        positions=start,
        n_phase=jnp.zeros_like(walker.n_phase),
        velocities=jnp.zeros_like(start),
        highest_energy=jnp.full_like(walker.highest_energy, jnp.inf),
        escaped=start,
    )


def tick_relax(engine: Engine, walker: Walker, relaxation: Any, evaluation: Evaluation) -> tuple[Walker, Any]:
    """Use one evaluation for relaxation, for walkers in that phase only.

    Args:
        engine: settings and functions.
        walker: in this phase.
        relaxation: state of the relaxer; at the first tick of the phase it is begun anew.
        evaluation: at the walker's positions.
    """
    begun = select(walker.n_phase == 1, engine.relaxer.init(walker.positions), relaxation)
    positions, state = engine.relaxer.step(walker.positions, evaluation, begun)
    done = state.status != Status.RUNNING
    return walker.replace(
        positions=jnp.where(done, state.positions, positions),
        phase=jnp.where(done, int(Phase.DONE), walker.phase).astype(jnp.int32),
        energy=state.energy,
        fmax=state.fmax,
        status=state.status,
    ), state


def mark_recognised(walker: Walker, met: Int[Array, ""]) -> Walker:
    """The walker, done where its relaxation was seen to end at a known minimum.

    Args:
        walker: after its force call.
        met: id of that minimum; UNKNOWN where there is none.
    """
    is_met = (met != NOT_RECOGNISED) & (walker.phase != Phase.DONE)
    return walker.replace(
        recognised=jnp.where(is_met, met, walker.recognised),
        phase=jnp.where(is_met, int(Phase.DONE), walker.phase).astype(jnp.int32),
    )
