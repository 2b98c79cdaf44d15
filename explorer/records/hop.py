"""One attempted step of a walker from minimum to minimum, and how it ended."""

from dataclasses import dataclass
from enum import StrEnum

from explorer.records.former_names import OUTCOMES
from explorer.records.moves import Move
from explorer.records.structure_class import StructureClass
from explorer.records.uncertainty import UncertaintyEstimate


class Outcome(StrEnum):
    """How a hop ended; every hop has exactly one."""

    SAME = "same"  # back in the minimum it left
    KNOWN = "known"  # another minimum of the history
    NEW = "new"  # a minimum nobody had seen
    CHANGED = "changed"  # a class that is not allowed: stored, but the walker goes back
    TOO_UNCERTAIN = "too-uncertain"  # a minimum that the network knows less well than is allowed: likewise
    FAILED = "failed"  # no minimum; the reason says why

    @classmethod
    def _missing_(cls, value: object) -> "Outcome | None":
        return cls(OUTCOMES[value]) if isinstance(value, str) and value in OUTCOMES else None


@dataclass(frozen=True, kw_only=True)
class Hop:
    """One attempted step of a walker from minimum to minimum.

    Attributes:
        walker: index of the walker.
        index: number of this hop of the walker, from 0.
        round: the round in which it ended.
        start: id of the minimum that was left; -1 for the relaxation of the input.
        end: id of the minimum that was reached; None when the hop failed.
        outcome: how it ended.
        reason: why it failed, or what is different from the molecule that was given and since when.
        accepted: whether the walker moved to `end`.
        temperature: of the initial velocities, K.
        ediff: the acceptance threshold, eV.
        highest_energy: highest potential energy on the way, eV: an upper bound of
            the barrier top, never a saddle energy; infinite for a jump, which is no path.
        n_evaluations: force calls spent on this hop.
        escape_class: what the structure was when the dynamics ended and relaxation began; None
            without dynamics (the input, a jump) or where these exploded.
        move: how the walker left.
        aim: torsions where a jump began to relax, degrees, one per bond that turns; empty for a path.
        doubt: how well the network knows the structure in which it ended; None where it does not say.
    """

    walker: int
    index: int
    round: int
    start: int
    end: int | None
    outcome: Outcome
    reason: str
    accepted: bool
    temperature: float
    ediff: float
    highest_energy: float
    n_evaluations: int
    escape_class: StructureClass | None = None
    move: Move = Move.HOPPING
    start_torsions: tuple[float, ...] = ()
    uncertainty: UncertaintyEstimate | None = None
