"""Records of the search for transition states: saddles with both of their minima, and every attempt to find one.

A `Saddle` of `explorer/records/certificates.py` is another thing: a structure that the search had stored as a minimum,
until its Hessian showed an imaginary vibration. `pes-explore connect` takes over those of which both ends are minima of
the run, with an attempt of the kind `certified`.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from jaxtyping import Float

from explorer.records.minimum import Minimum
from explorer.records.structure_class import StructureClass
from explorer.records.uncertainty import UncertaintyEstimate


class AttemptKind(StrEnum):
    """How an attempt to find a saddle started."""

    PAIR = "pair"  # from the highest structure on a path between two minima
    TORSION = "torsion"  # from a minimum, along a torsion
    MODE = "mode"  # from a minimum of a cluster, along a soft direction
    ROTOR = "rotor"  # from a minimum, by the turn of a methyl group or the like
    SADDLE_ROTOR = "saddle-rotor"  # from a saddle between two minima, with a methyl group or the like turned
    CERTIFIED = "certified"  # none: `pes-explore certify` had found the saddle among the minima


class PairReason(StrEnum):
    """Why an attempt was made."""

    MISSING = "missing"  # a minimum that no saddle joins to the lowest one
    LOWER = "lower"  # a lower barrier to the lowest minimum
    UNSEEN = "unseen"  # saddles beside a low minimum of which nothing is known
    HOP = "hop"  # the two minima of a hop
    NEIGHBOUR = "neighbour"  # minima that are near each other
    REQUESTED = "requested"  # minima named by the user
    ROTOR = "rotor"  # the turn of a group of equal atoms
    CERTIFIED = "certified"  # none, see `AttemptKind.CERTIFIED`


class AttemptOutcome(StrEnum):
    """What became of an attempt to find a saddle; every attempt has exactly one outcome."""

    CONNECTED = "connected"  # a new saddle between the two minima that were asked for, or beside the one
    OTHER_MINIMA = "other-minima"  # a new saddle between other minima than those that were asked for
    KNOWN = "known"  # a saddle that was known
    DEGENERATE = "degenerate"  # a new saddle from a minimum to itself, with equal atoms exchanged or as a mirror image
    WRONG_INDEX = "wrong-index"  # a stationary point whose number of imaginary vibrations is not one
    CHANGED = "changed"  # the saddle or one of its minima has another structure class than is allowed
    TOO_UNCERTAIN = "too-uncertain"  # the model does not know the saddle or one of its minima
    ABOVE_WINDOW = "above-window"  # a stationary point above the energy window
    FAILED = "failed"  # no stationary point, or a descent from it that reached no minimum

    @property
    def has_saddle(self) -> bool:
        """Whether the attempt has a saddle, new or known."""
        return self in (
            AttemptOutcome.CONNECTED,
            AttemptOutcome.OTHER_MINIMA,
            AttemptOutcome.KNOWN,
            AttemptOutcome.DEGENERATE,
        )


@dataclass(frozen=True, kw_only=True)
class TransitionStateEnd:
    """Minimum on one side of a transition state.

    Attributes:
        minimum: Id of the minimum that a descent from the saddle reaches.
        path_length: Length of the descent, Å: that of the curve in all Cartesian coordinates; None if it is not known.

    """

    minimum: int
    path_length: float | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class TransitionState:
    """Stationary point with exactly one imaginary vibration, and the two minima that it joins.

    Attributes:
        id: Number in order of discovery, from 0.
        energy: Potential energy, eV.
        positions: Å, centred.
        fmax: Largest force on an atom, eV/Å.
        direction: Displacements of the imaginary vibration, scaled so that the largest one of an atom is 1 Å.
        wavenumbers: Wavenumbers of the vibrations, ascending, cm⁻¹; imaginary ones are negative. All of them, or the
            lowest two.
        structure_class: Class relative to the input.
        ends: Minima reached along the direction and against it.
        n_evaluations: Force calls of all attempts when it was first found.
        round: Round of `pes-explore connect` that found it, from 0.
        remark: What is special about it, such as `to its mirror image`; empty if there is nothing to say.
        uncertainty: Uncertainty of the model at it; None where it is not estimated.

    """

    id: int
    energy: float
    positions: Float[np.ndarray, "N 3"]
    fmax: float
    direction: Float[np.ndarray, "N 3"]
    wavenumbers: Float[np.ndarray, "n_modes"]
    structure_class: StructureClass
    ends: tuple[TransitionStateEnd, TransitionStateEnd]
    n_evaluations: int
    round: int
    remark: str = ""
    uncertainty: UncertaintyEstimate | None = None

    @property
    def minima(self) -> tuple[int, int]:
        """Ids of the two minima that it joins."""
        return self.ends[0].minimum, self.ends[1].minimum

    @property
    def is_degenerate(self) -> bool:
        """Whether it joins a minimum to itself, with equal atoms exchanged or to its mirror image."""
        return self.ends[0].minimum == self.ends[1].minimum

    @property
    def imaginary(self) -> float:
        """Wavenumber of the imaginary vibration as a positive number, cm⁻¹."""
        return float(abs(self.wavenumbers[0]))


@dataclass(frozen=True, kw_only=True)
class SaddleAttempt:
    """One attempt to find a saddle.

    Attributes:
        id: Number in order of storage, from 0.
        round: Round of `pes-explore connect`, from 0.
        kind: How it started.
        reason_for: Why it was made.
        start: Id of the first minimum.
        end: Id of the second minimum; None for an attempt from one minimum.
        try_number: Number of this attempt among those with the same kind, start and end, from 0.
        outcome: What became of it.
        reason: Why it failed, or what is to be added to the outcome; empty if there is nothing.
        saddle: Id of the transition state, new or known; None without one.
        n_evaluations: Force calls, those of the descents to both minima and of products with the mode included.
        n_products: Products of a Hessian with a vector that tested the stationary point.

    """

    id: int
    round: int
    kind: AttemptKind
    reason_for: PairReason
    start: int
    end: int | None
    try_number: int
    outcome: AttemptOutcome
    reason: str
    saddle: int | None
    n_evaluations: int
    n_products: int = 0


@dataclass(frozen=True, kw_only=True, eq=False)
class ConnectRound:
    """Results of one round of `pes-explore connect`, which the store commits in one transaction.

    Attributes:
        index: Number of the round, from 0.
        minima: New minima, in order of id. The attempt of each is in its field `attempt`.
        transition_states: New transition states, in order of id.
        attempts: Attempts of the round, in order of id.
        wall_seconds: Wall time of all rounds so far, s.

    """

    index: int
    minima: tuple[Minimum, ...] = ()
    transition_states: tuple[TransitionState, ...] = ()
    attempts: tuple[SaddleAttempt, ...] = ()
    wall_seconds: float = 0.0
