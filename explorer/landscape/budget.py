"""Progress of a run under its budget, and the limit that ends it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from explorer.config import BudgetSettings
from explorer.landscape.coverage import Coverage, VisitCounts
from explorer.records.hop import Hop
from explorer.records.minimum import Minimum
from explorer.records.run import Round, RunRecord
from explorer.records.structure_class import FLIPPED_AMIDES
from explorer.wording import counted


@dataclass(frozen=True, kw_only=True)
class Progress:
    """Progress of a run.

    Attributes:
        rounds: Number of the last round.
        n_hops: Finished hops.
        n_minima: Minima of all structure classes.
        n_conformers: Results with the bonds and stereocentres of the input.
        lowest_energy: Lowest energy of a conformer, or of any minimum while there is no conformer, eV; NaN before the
            first minimum.
        n_flipped: Conformers with an amide flipped from its side, cis or trans, in the input.
        n_unknown: Minima that the model does not know.
        unknown_share: Share of the force calls of hops that started from or ended in such minima.
        n_evaluations: Force calls.
        wall_seconds: Wall time of the search, s.
        fraction: Largest used share of the limits of hops, force calls and minutes, between 0 and 1; 0 without limits.
        coverage: Estimated coverage within the window of the budget.
    """

    rounds: int
    n_hops: int
    n_minima: int
    n_conformers: int
    lowest_energy: float
    n_flipped: int
    n_unknown: int
    unknown_share: float
    n_evaluations: int
    wall_seconds: float
    fraction: float
    coverage: Coverage


@dataclass(kw_only=True)
class Tally:
    """Running totals of a run, to which each round is added once, so that old hops need not be counted again.

    The attributes are those of `Progress`, the lowest energies of conformers and of other minima, `visit_counts`, the
    visits from which the coverage is estimated, and the ids of the minima that the model does not know, with the force
    calls of hops from or to them and of all hops.
    """

    rounds: int = 0
    n_hops: int = 0
    n_minima: int = 0
    n_conformers: int = 0
    lowest_energies: dict[bool, float] = field(default_factory=dict)
    n_flipped: int = 0
    n_evaluations: int = 0
    wall_seconds: float = 0.0
    visit_counts: VisitCounts = field(default_factory=VisitCounts)
    unknown: set[int] = field(default_factory=set)
    unknown_calls: int = 0
    hop_calls: int = 0

    @classmethod
    def of_run(cls, record: RunRecord) -> "Tally":
        """Return the totals of a stored run.

        Args:
            record: Run with at least one round.
        """
        costs = record.rounds[-1]
        tally = cls(rounds=len(record.rounds) - 1, n_evaluations=costs.n_evaluations, wall_seconds=costs.wall_seconds)
        tally._count(record.minima, record.hops)
        return tally

    def add(self, round: Round) -> None:
        """Add one more round."""
        self.rounds = round.index
        self.n_evaluations, self.wall_seconds = round.n_evaluations, round.wall_seconds
        self._count(round.minima, round.hops)

    def _count(self, minima: Sequence[Minimum], hops: Sequence[Hop]) -> None:
        self.n_hops += len(hops)
        self.n_minima += len(minima)
        self.n_conformers += sum(m.is_conformer for m in minima)
        for m in minima:
            self.lowest_energies[m.is_conformer] = min(m.energy, self.lowest_energies.get(m.is_conformer, math.inf))
        self.n_flipped += sum(m.is_conformer and m.structure_class in FLIPPED_AMIDES for m in minima)
        self.unknown |= {m.id for m in minima if not m.is_result}
        self.hop_calls += sum(hop.n_evaluations for hop in hops)
        self.unknown_calls += sum(hop.n_evaluations for hop in hops if {hop.start, hop.end} & self.unknown)
        self.visit_counts.add(minima, hops)

    def progress(self, budget: BudgetSettings) -> Progress:
        """Return the progress under a budget."""
        used = (
            (self.n_hops, budget.hops),
            (self.n_evaluations, budget.evaluations),
            (self.wall_seconds / 60, budget.minutes),
        )
        fraction = max((value / limit for value, limit in used if limit > 0), default=0.0)
        return Progress(
            rounds=self.rounds,
            n_hops=self.n_hops,
            n_minima=self.n_minima,
            n_conformers=self.n_conformers,
            lowest_energy=self.lowest_energies.get(True, self.lowest_energies.get(False, math.nan)),
            n_flipped=self.n_flipped,
            n_unknown=len(self.unknown),
            unknown_share=self.unknown_calls / self.hop_calls if self.hop_calls else 0.0,
            n_evaluations=self.n_evaluations,
            wall_seconds=self.wall_seconds,
            fraction=min(fraction, 1.0),
            coverage=self.visit_counts.coverage(budget.window),
        )


def reached(budget: BudgetSettings, progress: Progress) -> str:
    """Return a description of the limit at which the search ends; empty if it has reached none.

    Args:
        budget: Limits of the run. With `connect` the search has a part of them, and the description names both.
        progress: Progress of the search.
    """
    coverage, search = progress.coverage, budget.of_search
    if budget.coverage and coverage.reaches(budget.coverage):
        return f"estimated coverage {coverage.share} of the {coverage.where}"
    if budget.hops and progress.n_hops >= budget.hops:
        return f"{counted(budget.hops, 'hop')} done"
    if search.evaluations and progress.n_evaluations >= search.evaluations:
        return _used(search.evaluations, budget.evaluations, "force call")
    if search.minutes and progress.wall_seconds >= 60 * search.minutes:
        return _used(search.minutes, budget.minutes, "minute")
    return ""


def _used(part: float, limit: float, noun: str) -> str:
    return f"{counted(limit, noun)} used" if part == limit else f"{part:.10g} of {counted(limit, noun)} used"
