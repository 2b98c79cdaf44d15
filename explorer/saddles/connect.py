"""Connection of minima by transition states, as a generator of rounds."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from explorer.config import Settings
from explorer.devices import rows_at_once
from explorer.potential.potential import Potential
from explorer.records.minimum import Minimum
from explorer.records.run import RunRecord
from explorer.records.structure_class import FLIPPED_AMIDES, StructureClass, allowed_classes
from explorer.records.transition_states import AttemptKind, ConnectRound, PairReason
from explorer.saddles.climb import Climber
from explorer.saddles.pairs import AttemptChooser, Plan
from explorer.saddles.saddle_search import SaddleSearch
from explorer.saddles.starting_structures import saddles_by_pair
from explorer.saddles.work_limit import WorkLimit
from explorer.similarity.fingerprint import fingerprint_batch
from explorer.similarity.symmetry import symmetry_of
from explorer.uncertainty.criteria import ResultCriteria

ATTEMPTS_PER_ROW = 8  # attempts of a round for each row of the batch; an interruption loses one round; not tuned


@dataclass(frozen=True, kw_only=True)
class ConnectTask:
    """What `pes-explore connect` is to do.

    Attributes:
        window: Energy of the minima above the lowest one, and of saddles that are found from single minima, eV; 0 for
            no limit.
        between: Ids of two minima to connect, and no others; None for all reasons.
        rotors: Whether to turn methyl groups too.
    """

    window: float = 0.0
    between: tuple[int, int] | None = None
    rotors: bool = False


def classes_of_ends(record: RunRecord, settings: Settings) -> frozenset[StructureClass]:
    """Return the structure classes besides intact ones to which saddles of a run may lead.

    Args:
        record: The run.
        settings: Its settings.
    """
    allowed = allowed_classes(settings.hopping.allow)
    if any(minimum.structure_class in FLIPPED_AMIDES for minimum in record.results):
        return allowed | set(FLIPPED_AMIDES)  # a search may keep amides as they are and still meet others
    return allowed


class Connector:
    """Finds transition states of one run; it compiles on first use.

    Args:
        record: The run.
        potential: Potential in float64.
        settings: Settings of the run.
        task: What is to be done.
        criteria: Criteria of results of the model; None for a potential that is no network.
    """

    def __init__(
        self,
        record: RunRecord,
        potential: Potential,
        settings: Settings,
        task: ConnectTask,
        criteria: ResultCriteria | None = None,
    ):
        self.record, self._task = record, task
        self._symmetry = symmetry_of(record.molecule)
        self._allowed = classes_of_ends(record, settings)
        turns_amides = not self._allowed.isdisjoint(FLIPPED_AMIDES)
        self._climber = Climber(record.molecule, settings.seed, turns_amides)
        self._search = SaddleSearch(record, potential, settings, self._climber, self._allowed, criteria)

    def rounds(self, limit: WorkLimit | None = None) -> Iterator[ConnectRound]:
        """Yield rounds until nothing is left to try or a limit is reached.

        Without limits, what a round holds depends only on the run before it.

        Args:
            limit: Limits of the work; by default none.
        """
        limit = limit or WorkLimit()
        before = self.record.connect_seconds
        while not limit.reason and (plans := self._plans(limit)):
            index = 1 + max((a.round for a in self.record.saddle_attempts), default=-1)
            found = self._search.attempt(self.record, plans, index, self._ceiling(), limit)
            limit.end_round(len(found.attempts), sum(a.n_evaluations for a in found.attempts))
            if not found.attempts:
                return
            round = replace(found, wall_seconds=before + time.monotonic() - limit.began)
            self.record = self.record.with_connections(round)
            yield round

    def minima(self) -> list[Minimum]:
        """Return the minima to connect, in ascending energy: conformers in the window that no Hessian refuted."""
        saddles = {saddle.minimum for saddle in self.record.saddles}
        known = [m for m in self.record.results if m.id not in saddles]
        known = [m for m in known if m.is_conformer or m.structure_class in self._allowed]
        lowest = min((m.energy for m in known), default=0.0)
        window = self._task.window or np.inf
        chosen = set(self._task.between or ())
        kept = [m for m in known if m.energy - lowest <= window or m.id in chosen]
        return sorted(kept, key=lambda m: (m.energy, m.id))

    def _ceiling(self) -> float:
        """Energy above which saddles that no pair asked for are of no interest, eV."""
        return self.minima()[0].energy + (self._task.window or np.inf)

    def _plans(self, limit: WorkLimit) -> list[Plan]:
        minima, attempts = self.minima(), self.record.saddle_attempts
        if not minima:
            return []
        made = [a.n_evaluations for a in attempts if a.kind != AttemptKind.CERTIFIED]
        mean = float(np.mean(made)) if made else None
        n = limit.begin_round(ATTEMPTS_PER_ROW * rows_at_once(), rows_at_once(), mean)
        chooser = AttemptChooser(
            self.record,
            [m.id for m in minima],
            self._distances(np.array([m.positions for m in minima])),
            self._climber.kind,
            self._climber.n_starts,
            None if self._task.between is None else [self._task.between],
            self._rotor_plans(minima) if self._task.rotors else (),
        )
        return chooser.choose(n)

    def _rotor_plans(self, minima: Sequence[Minimum]) -> list[Plan]:
        """Plan turns of methyl groups at saddles, which lead to other saddles of the same pairs, then at minima."""
        ceiling, methyls = self._ceiling(), range(self._climber.n_methyls)
        at_saddles = [
            (saddle.energy, AttemptKind.SADDLE_ROTOR, *pair, place * len(methyls) + k)
            for pair, saddles in saddles_by_pair(self.record.transition_states).items()
            for place, saddle in enumerate(saddles)
            for k in methyls
            if saddle.energy <= ceiling
        ]
        at_minima = [(AttemptKind.ROTOR, m.id, None, k) for m in minima for k in methyls]
        done = {(a.kind, a.start, a.end, a.try_number) for a in self.record.saddle_attempts}
        starts = [*(tuple(start) for _, *start in sorted(at_saddles)), *at_minima]
        return [Plan(kind, PairReason.ROTOR, *which) for kind, *which in starts if (kind, *which) not in done]

    def _distances(self, positions: Float[np.ndarray, "n N 3"]) -> Float[np.ndarray, "n n"]:
        """How far minima are from each other: in their torsions, degrees, or in the distances of clusters."""
        if self._climber.has_bonds and self._climber.n_starts:
            angles = self._climber.angles(positions)
            apart = (angles[:, None] - angles[None] + 180) % 360 - 180
            return np.sqrt((apart**2).sum(axis=-1))
        prints = fingerprint_batch(self._symmetry, positions)
        return np.linalg.norm(prints[:, None] - prints[None], axis=-1)
