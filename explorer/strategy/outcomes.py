"""The host's verdict on a finished hop: what was reached, whether the walker moves, how hot it goes on."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf

import numpy as np
from jaxtyping import Float, Int

from explorer.config import HoppingSettings
from explorer.records.hop import Hop, Outcome
from explorer.records.minimum import Minimum
from explorer.records.moves import MOVES, Move
from explorer.records.structure_class import StructureClass, allowed_classes, is_change
from explorer.records.uncertainty import TrustLevel, UncertaintyEstimate
from explorer.strategy.feedback import is_accepted, update_ediff, update_temperature
from explorer.strategy.history import History
from explorer.topology.classify import Classification

RECOGNISED = "recognised before the relaxation was finished"


@dataclass(frozen=True, kw_only=True, eq=False)
class HopEnd:
    """Where a walker ended, as numpy.

    `failure` is empty where the relaxation converged; `escape` is what the structure was when the dynamics
    ended, None where they exploded; `found` is what it was in the end; `known` is the minimum that it is,
    where that was seen already, `is_recognised` whether the relaxation was not finished because of that; `doubt` is how
    well the network knows it.
    """

    walker: int
    positions: Float[np.ndarray, "N 3"]  # Å
    energy: float  # eV
    fmax: float  # eV/Å
    highest_energy: float  # eV
    n_evaluations: int
    failure: str
    escape_classification: Classification | None
    classification: Classification
    known_id: int | None = None
    uncertainty: UncertaintyEstimate | None = None
    is_recognised: bool = False


@dataclass(kw_only=True)
class WalkerState:
    """Where a walker stands between hops; an array of each field is what a resumed run needs."""

    start: int  # id of the minimum it hops from
    temperature: float  # K
    ediff: float  # eV
    hop: int  # number of its current hop
    move: int = 0  # of its current hop, a place in MOVES
    targets_low_energy: bool = False  # whether that was sent for low minima
    n_known: int = 0  # minima that were known when it began

    @staticmethod
    def pack(courses: list["WalkerState"]) -> dict[str, np.ndarray]:
        """Named arrays with a leading walker axis."""
        return {name: np.array([getattr(c, name) for c in courses]) for name in WalkerState.__dataclass_fields__}

    @staticmethod
    def unpack(arrays: Mapping[str, np.ndarray]) -> list["WalkerState"]:
        """The states that `pack` packed."""
        columns = {name: arrays[name].tolist() for name in WalkerState.__dataclass_fields__ if name in arrays}
        return [WalkerState(**dict(zip(columns, row, strict=True))) for row in zip(*columns.values(), strict=True)]


def conclude_hop(
    landing: HopEnd,
    course: WalkerState,
    history: History,
    settings: HoppingSettings,
    n_evaluations: int,
    round_index: int,
    aim: tuple[float, ...] = (),
) -> Hop:
    """Identify the structure, remember it, and steer the walker; changes `history` and `course`.

    Args:
        landing: how the hop ended.
        course: of the walker; it stands at the start of its next hop afterwards.
        history: all minima so far.
        settings: feedback and acceptance.
        n_evaluations: force calls of the run so far, kept with a new minimum.
        round_index: the round in which the hop ended.
        aim: torsions where a jump began to relax, degrees.
    """
    end, is_new = _place(landing, history, n_evaluations, round_index)
    doubt = landing.uncertainty if end is None else history[end].uncertainty
    outcome = _outcome(landing, end, is_new, doubt, course, settings)
    change = landing.energy - history[course.start].energy
    history.record_departure(course.start)
    accepted = is_accepted(outcome, change, inf if MOVES[course.move] == Move.RANDOM_RESTART else course.ediff)
    hop = Hop(
        walker=landing.walker,
        index=course.hop,
        round=round_index,
        start=course.start,
        end=end,
        outcome=outcome,
        reason=reason_of(landing, history[course.start].structure_class) or _doubts(outcome, doubt),
        accepted=accepted,
        temperature=course.temperature,
        ediff=course.ediff,
        highest_energy=landing.highest_energy,
        n_evaluations=landing.n_evaluations,
        escape_class=landing.escape_classification.structure_class if landing.escape_classification else None,
        move=MOVES[course.move],
        start_torsions=aim,
        uncertainty=doubt,
    )
    visits = history.visits[end] if end is not None else 1
    if hop.move == Move.HOPPING:  # others know no temperature
        course.temperature = update_temperature(course.temperature, outcome, visits, settings)
    course.ediff = update_ediff(course.ediff, outcome, accepted, settings)
    course.hop += 1
    if accepted and end is not None:
        course.start = end
    return hop


def reason_of(landing: HopEnd, start: StructureClass) -> str:
    """Why a hop failed, what is different in the structure it reached, and whether the dynamics had changed it.

    Args:
        landing: how the hop ended.
        start: class of the minimum that was left.
    """
    found, escape = landing.classification, landing.escape_classification
    now = found.reason or "back to the given molecule"
    then = (
        ""
        if escape is None or not is_change(start, escape.structure_class)
        else escape.reason or "the given molecule again"
    )
    if landing.failure:
        ended = f" ({found.structure_class}: {found.reason})" if is_change(start, found.structure_class) else ""
        return landing.failure + ended + (f"; changed already during the escape: {then}" if then else "")
    if is_change(start, found.structure_class):
        return f"{now} ({'already during the escape' if then else 'during the relaxation'})"
    restored = f"changed during the escape ({then}), restored by the relaxation" if then else ""
    met = RECOGNISED if landing.is_recognised else ""
    return "; ".join(text for text in (found.reason, restored, met) if text)


def is_too_uncertain(doubt: UncertaintyEstimate | None, max_uncertainty: str) -> bool:
    """Whether the network knows a structure less well than walkers may go; never where it does not say."""
    return doubt is not None and doubt.trust_level.is_worse_than(TrustLevel(max_uncertainty))


def draw_low_minimum(
    energies: Float[np.ndarray, "n"], visits: Int[np.ndarray, "n"], warmth: float, rng: np.random.Generator
) -> int:
    """The place of a rarely visited low minimum, drawn with weight exp(-E / warmth) / visits, E above the lowest.

    Args:
        energies: of minima where walkers may be, eV.
        visits: of each.
        warmth: eV.
        rng: draws one.
    """
    weights = np.exp(-(energies - energies.min()) / warmth) / visits
    return int(rng.choice(len(energies), p=weights / weights.sum()))


def _doubts(outcome: Outcome, doubt: UncertaintyEstimate | None) -> str:
    if outcome != Outcome.TOO_UNCERTAIN or doubt is None:
        return ""
    return f"{doubt.trust_level} what the network knows: expected force error {doubt.expected_error:.2f} eV/Å"


def _place(landing: HopEnd, history: History, n_evaluations: int, round_index: int) -> tuple[int | None, bool]:
    """The minimum that was reached, and whether nobody had seen it; changes `history`."""
    if landing.failure:
        return None, False
    known = landing.known_id
    if known is None:  # of two alike that ended at the same time the second is known by now
        known = history.identify(landing.energy, landing.positions, landing.classification.structure_class)
    if known is not None:
        history.record_visit(known)
        return known, False
    minimum = Minimum(
        id=len(history),
        energy=landing.energy,
        positions=landing.positions,
        structure_class=landing.classification.structure_class,
        fmax=landing.fmax,
        n_evaluations=n_evaluations,
        round=round_index,
        uncertainty=landing.uncertainty,
    )
    return history.add(minimum), True


def _outcome(
    landing: HopEnd,
    end: int | None,
    is_new: bool,
    doubt: UncertaintyEstimate | None,
    course: WalkerState,
    settings: HoppingSettings,
) -> Outcome:
    if end is None:
        return Outcome.FAILED
    if not landing.classification.is_within(allowed_classes(settings.allow)):
        return Outcome.CHANGED
    if is_too_uncertain(doubt, settings.max_uncertainty):
        return Outcome.TOO_UNCERTAIN
    if is_new:
        return Outcome.NEW
    return Outcome.SAME if end == course.start else Outcome.KNOWN
