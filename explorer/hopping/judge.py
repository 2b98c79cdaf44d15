"""The host's verdict on a finished hop: what was reached, whether the walker moves, how hot it goes on."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from explorer.config import HoppingSettings
from explorer.hopping.feedback import is_accepted, update_ediff, update_temperature
from explorer.hopping.history import History
from explorer.records import Hop, Minimum, Outcome, StructureClass


@dataclass(frozen=True, eq=False)
class Landing:
    """Where a walker ended, as numpy: `failure` is empty where the relaxation converged."""

    walker: int
    positions: Float[np.ndarray, "N 3"]  # Å
    energy: float  # eV
    fmax: float  # eV/Å
    highest_energy: float  # eV
    n_evaluations: int
    failure: str
    structure_class: StructureClass
    class_reason: str


@dataclass
class Course:
    """Where a walker stands between hops; an array of each field is what a resumed run needs."""

    start: int  # id of the minimum it hops from
    temperature: float  # K
    ediff: float  # eV
    hop: int  # number of its current hop
    n_rounds: int  # rounds that its current hop has been in flight

    @staticmethod
    def pack(courses: list["Course"]) -> dict[str, np.ndarray]:
        """Named arrays with a leading walker axis."""
        return {name: np.array([getattr(c, name) for c in courses]) for name in Course.__dataclass_fields__}

    @staticmethod
    def unpack(arrays: Mapping[str, np.ndarray]) -> list["Course"]:
        """What `pack` packed."""
        columns = [arrays[name].tolist() for name in Course.__dataclass_fields__]
        return [Course(*row) for row in zip(*columns, strict=True)]


def judge(
    landing: Landing, course: Course, history: History, settings: HoppingSettings, n_evaluations: int, round_index: int
) -> Hop:
    """Identify the structure, remember it, and steer the walker; changes `history` and `course`.

    Args:
        landing: how the hop ended.
        course: of the walker; it stands at the start of its next hop afterwards.
        history: all minima so far.
        settings: feedback and acceptance.
        n_evaluations: force calls of the run so far, kept with a new minimum.
        round_index: the round in which the hop ended.
    """
    outcome, end = _outcome(landing, course, history, n_evaluations, round_index)
    change = landing.energy - history[course.start].energy
    accepted = is_accepted(outcome, change, course.ediff)
    hop = Hop(
        walker=landing.walker,
        index=course.hop,
        round=round_index,
        start=course.start,
        end=end,
        outcome=outcome,
        reason=landing.failure or (landing.class_reason if outcome == Outcome.CHANGED else ""),
        accepted=accepted,
        temperature=course.temperature,
        ediff=course.ediff,
        highest_energy=landing.highest_energy,
        n_evaluations=landing.n_evaluations,
    )
    visits = history.visits[end] if end is not None else 1
    course.temperature = update_temperature(course.temperature, outcome, visits, settings)
    course.ediff = update_ediff(course.ediff, outcome, accepted, settings)
    course.hop, course.n_rounds = course.hop + 1, 0
    if accepted and end is not None:
        course.start = end
    return hop


def restart_point(history: History, max_visits: int, rng: np.random.Generator) -> int:
    """The id of a rarely visited low conformer, for a walker that stands where others have been often enough.

    Drawn with weight exp(-E / 0.15 eV) / visits, E above the lowest conformer, among those visited at most
    `max_visits` times, or among all when there are none.
    """
    conformers = [m for m in history.minima if m.structure_class.is_conformer]
    energies = np.array([m.energy for m in conformers])
    visits = np.array([history.visits[m.id] for m in conformers])
    is_open = (visits <= max_visits) | (visits.min() > max_visits)
    weights = is_open * np.exp(-(energies - energies.min()) / 0.15) / visits
    return conformers[rng.choice(len(conformers), p=weights / weights.sum())].id


def _outcome(
    landing: Landing, course: Course, history: History, n_evaluations: int, round_index: int
) -> tuple[Outcome, int | None]:
    if landing.failure:
        return Outcome.FAILED, None
    known = history.identify(landing.energy, landing.positions, landing.structure_class)
    if known is not None:
        history.visit(known)
        end = known
    else:
        end = history.add(
            Minimum(
                id=len(history),
                energy=landing.energy,
                positions=landing.positions,
                structure_class=landing.structure_class,
                fmax=landing.fmax,
                n_evaluations=n_evaluations,
                round=round_index,
            )
        )
    if not landing.structure_class.is_conformer:
        return Outcome.CHANGED, end
    if known is None:
        return Outcome.NEW, end
    return (Outcome.SAME if known == course.start else Outcome.KNOWN), end
