"""Record of a hop: one attempted step of a walker from minimum to minimum."""

from dataclasses import dataclass
from enum import StrEnum

from explorer.records.former_names import OUTCOMES
from explorer.records.moves import Move
from explorer.records.structure_class import StructureClass
from explorer.records.uncertainty import UncertaintyEstimate


class Outcome(StrEnum):
    """How a hop ended; every hop has exactly one outcome."""

    SAME = "same"  # returned to the minimum that was left
    KNOWN = "known"  # reached another known minimum
    NEW = "new"  # reached a new minimum
    CHANGED = "changed"  # reached a structure class that is not allowed: stored, but the walker goes back
    TOO_UNCERTAIN = "too-uncertain"  # the model is too uncertain there: stored, but the walker goes back
    FAILED = "failed"  # reached no minimum; the hop has the reason

    @classmethod
    def _missing_(cls, value: object) -> "Outcome | None":
        return cls(OUTCOMES[value]) if isinstance(value, str) and value in OUTCOMES else None


@dataclass(frozen=True, kw_only=True)
class Hop:
    """One attempted step of a walker from minimum to minimum.

    Attributes:
        walker: Index of the walker; -1 for the relaxation of the input.
        index: Number of this hop of the walker, from 0.
        round: Round in which it ended.
        start: Id of the minimum that was left; -1 for the relaxation of the input.
        end: Id of the minimum that was reached; None if the hop failed.
        outcome: How it ended.
        reason: Why it failed, or how the structure differs from the input and when that happened.
        accepted: Whether the walker moved to `end`.
        temperature: Temperature of the initial velocities, K.
        ediff: Acceptance threshold, eV.
        highest_energy: Highest potential energy before the relaxation, eV. It is an upper bound of the barrier and not
            the energy of a saddle. It is infinite for a jump, which follows no path.
        n_evaluations: Force calls of this hop.
        escape_class: Class of the structure where the dynamics ended; None without dynamics (the input, a jump) and
            where they exploded.
        move: How the walker left the minimum.
        start_torsions: Torsions where the relaxation of a jump started, degrees, one per rotor; empty without a jump.
        uncertainty: Uncertainty of the model at the final structure; None where it is not estimated.

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
