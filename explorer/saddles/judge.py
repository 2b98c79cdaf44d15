"""Conclusion of attempts: one outcome and one reason each, with the new saddles and minima."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from explorer.config import IdentitySettings
from explorer.records.minimum import Minimum
from explorer.records.structure_class import StructureClass
from explorer.records.transition_states import (
    AttemptOutcome,
    SaddleAttempt,
    TransitionState,
    TransitionStateEnd,
)
from explorer.records.uncertainty import UncertaintyEstimate
from explorer.saddles.ends import DescentEnd
from explorer.saddles.known_saddles import KnownSaddles
from explorer.saddles.pairs import Plan
from explorer.similarity.identity import identity_distance
from explorer.similarity.symmetry import Symmetry
from explorer.strategy.history import History
from explorer.topology.classify import Classification
from explorer.vibrations.modes import count_imaginary

# Structures that are no saddles of the molecule wherever they lead; other changes are judged by the ends.
_NEVER = (StructureClass.CLASHED, StructureClass.FRAGMENTED)


@dataclass(kw_only=True)
class Candidate:
    """Stationary point of an attempt with what is known about it so far.

    Attributes:
        plan: The attempt.
        n_evaluations: Force calls.
        failure: Why there is no stationary point; empty if there is one.
        positions: Å.
        energy: eV.
        fmax: Largest force on an atom, eV/Å.
        classification: Difference from the input; None without a stationary point.
        wavenumbers: Of all or of its two softest vibrations, ascending, cm⁻¹; empty if they were not computed.
        direction: Imaginary vibration, largest displacement 1 Å; empty if it was not computed.
        n_products: Products of the Hessian.
        known: Number of the same known saddle; None for a new one.
        same_as: The same saddle in this round, found by an earlier attempt; None for another one.
        uncertainty: Uncertainty of the model.
        exclusion: Why the model does not know the structure; empty if it does.
        ends: What lies on both sides; None if it was not computed.
    """

    plan: Plan
    n_evaluations: int
    failure: str
    positions: Float[np.ndarray, "N 3"]
    energy: float
    fmax: float
    classification: Classification | None = None
    wavenumbers: Float[np.ndarray, "n"] = field(default_factory=lambda: np.empty(0))
    direction: Float[np.ndarray, "N 3"] = field(default_factory=lambda: np.empty((0, 3)))
    n_products: int = 0
    known: int | None = None
    same_as: "Candidate | None" = None
    uncertainty: UncertaintyEstimate | None = None
    exclusion: str = ""
    ends: tuple[DescentEnd, DescentEnd] | None = None
    saddle: int | None = None

    @property
    def n_imaginary(self) -> int:
        """Number of imaginary vibrations."""
        return count_imaginary(self.wavenumbers)


class Judge:
    """Concludes attempts in their order, and numbers what is new.

    Args:
        symmetry: Symmetry of the molecule.
        identity: When two structures are the same.
        allowed: Structure classes that the search may explore.
        history: Known minima; new ones are added.
        saddles: Known saddles; new ones are added.
        n_attempts: Number of attempts so far.
        n_evaluations: Their force calls.
        search_round: Last round of the search, to which new minima are assigned.
        search_calls: Force calls of the search.
    """

    def __init__(
        self,
        symmetry: Symmetry,
        identity: IdentitySettings,
        allowed: Collection[StructureClass],
        history: History,
        saddles: KnownSaddles,
        n_attempts: int,
        n_evaluations: int,
        search_round: int,
        search_calls: int,
    ):
        self._symmetry, self._identity, self._allowed = symmetry, identity, allowed
        self._history, self._saddles = history, saddles
        self._n_attempts, self._n_evaluations = n_attempts, n_evaluations
        self._search_round, self._search_calls = search_round, search_calls
        self.minima: list[Minimum] = []
        self.states: list[TransitionState] = []
        self.attempts: list[SaddleAttempt] = []

    def conclude(self, candidate: Candidate, round_index: int, assess: Callable[[DescentEnd], tuple]) -> None:
        """Store one attempt.

        Args:
            candidate: Its stationary point.
            round_index: Round of the attempt.
            assess: Function of a new minimum that returns its uncertainty, and why it is no result.
        """
        self._n_evaluations += candidate.n_evaluations
        outcome, reason = self._conclusion(candidate, round_index, assess)
        plan = candidate.plan
        self.attempts.append(
            SaddleAttempt(
                id=self._n_attempts,
                round=round_index,
                kind=plan.kind,
                reason_for=plan.reason_for,
                start=plan.start,
                end=plan.end,
                try_number=plan.try_number,
                outcome=outcome,
                reason=reason,
                saddle=candidate.saddle if outcome.has_saddle else None,
                n_evaluations=candidate.n_evaluations,
                n_products=candidate.n_products,
            )
        )
        self._n_attempts += 1

    def _conclusion(
        self, candidate: Candidate, round_index: int, assess: Callable[[DescentEnd], tuple]
    ) -> tuple[AttemptOutcome, str]:
        if candidate.failure or candidate.classification is None:
            return AttemptOutcome.FAILED, candidate.failure
        if candidate.classification.structure_class in _NEVER:
            return AttemptOutcome.CHANGED, candidate.classification.reason
        if candidate.known is not None:
            candidate.saddle = candidate.known
            return AttemptOutcome.KNOWN, ""
        if candidate.same_as is not None:
            candidate.saddle = candidate.same_as.saddle
            if candidate.saddle is None:
                return (
                    AttemptOutcome.FAILED,
                    "the stationary point of an earlier attempt, which is no result",
                )
            return AttemptOutcome.KNOWN, ""
        if candidate.exclusion:
            return AttemptOutcome.TOO_UNCERTAIN, candidate.exclusion
        if candidate.n_imaginary != 1:
            return AttemptOutcome.WRONG_INDEX, index_text(candidate.wavenumbers)
        if candidate.ends is None:
            return AttemptOutcome.ABOVE_WINDOW, ""
        return self._with_ends(candidate, candidate.classification, candidate.ends, round_index, assess)

    def _with_ends(
        self,
        candidate: Candidate,
        classification: Classification,
        ends: tuple[DescentEnd, DescentEnd],
        round_index: int,
        assess: Callable[[DescentEnd], tuple],
    ) -> tuple[AttemptOutcome, str]:
        for end in ends:
            if end.failure:
                return AttemptOutcome.FAILED, end.failure
            if not end.classification.is_within(self._allowed):
                return AttemptOutcome.CHANGED, f"leads to {end.structure_class}: {end.classification.reason}"
        numbered = [self._number_of(end, assess) for end in ends]
        for number in numbered:
            if exclusion := self._history[number].exclusion:
                return AttemptOutcome.TOO_UNCERTAIN, f"leads to a minimum that the model does not know: {exclusion}"
        first, second = numbered
        remark = self._remark(ends) if first == second else ""
        candidate.saddle = self._saddles.add(candidate.energy, candidate.positions)
        self.states.append(
            TransitionState(
                id=candidate.saddle,
                energy=candidate.energy,
                positions=candidate.positions,
                fmax=candidate.fmax,
                direction=candidate.direction,
                wavenumbers=candidate.wavenumbers,
                structure_class=classification.structure_class,
                ends=(
                    TransitionStateEnd(minimum=first, path_length=ends[0].path_length),
                    TransitionStateEnd(minimum=second, path_length=ends[1].path_length),
                ),
                n_evaluations=self._n_evaluations,
                round=round_index,
                remark=remark,
                uncertainty=candidate.uncertainty,
            )
        )
        if first == second:
            return AttemptOutcome.DEGENERATE, remark
        plan = candidate.plan
        wanted = {plan.start} if plan.end is None else {plan.start, plan.end}
        if wanted <= {first, second}:
            return AttemptOutcome.CONNECTED, ""
        return AttemptOutcome.OTHER_MINIMA, f"joins {first} and {second}"

    def _number_of(self, end: DescentEnd, assess: Callable[[DescentEnd], tuple]) -> int:
        """Return the id of a minimum, which is stored if it is new."""
        number = end.known_id
        if number is None:  # an earlier attempt of this round may have found it
            number = self._history.identify(end.energy, end.positions, end.structure_class)
        if number is not None:
            return number
        uncertainty, exclusion = assess(end)
        minimum = Minimum(
            id=len(self._history),
            energy=end.energy,
            positions=end.positions,
            structure_class=end.structure_class,
            fmax=end.fmax,
            n_evaluations=self._search_calls + self._n_evaluations,
            round=self._search_round,
            uncertainty=uncertainty,
            exclusion=exclusion,
            attempt=self._n_attempts,
        )
        self.minima.append(minimum)
        return self._history.add(minimum)

    def _remark(self, ends: tuple[DescentEnd, DescentEnd]) -> str:
        distance = identity_distance(self._symmetry, ends[0].positions, ends[1].positions)
        return "to its mirror image" if distance > self._identity.rmsd else "equal atoms exchanged"


def index_text(wavenumbers: Float[np.ndarray, "n"]) -> str:
    """Say why a stationary point is no saddle.

    Args:
        wavenumbers: The softest vibrations, ascending, cm⁻¹.
    """
    lowest = ", ".join(f"{w:.0f}" for w in wavenumbers[:2])
    n_imaginary = "more than one" if count_imaginary(wavenumbers) else "no"
    return f"{n_imaginary} imaginary vibration; the lowest are {lowest} cm⁻¹"
