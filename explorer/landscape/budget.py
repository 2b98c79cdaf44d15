"""How far a run is and when it ends: hops, force calls, minutes, or enough of its minima."""

from dataclasses import dataclass, field

from explorer.config import BudgetSettings
from explorer.landscape.coverage import Coverage, VisitCounts
from explorer.records.run import Round, RunRecord


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a run is."""

    rounds: int
    n_hops: int
    n_minima: int
    n_conformers: int
    n_evaluations: int
    wall_seconds: float
    fraction: float  # 0..1 of the budget
    coverage: Coverage


@dataclass(kw_only=True)
class Tally:
    """What a run has used and found so far; each round is added once, so that no round looks at all hops again."""

    rounds: int = 0
    n_hops: int = 0
    n_minima: int = 0
    n_conformers: int = 0
    n_evaluations: int = 0
    wall_seconds: float = 0.0
    sightings: VisitCounts = field(default_factory=VisitCounts)

    @classmethod
    def of_run(cls, record: RunRecord) -> "Tally":
        """Of a stored run, whose last round is the last that counts."""
        costs = record.rounds[-1]
        n_conformers = sum(m.structure_class.is_conformer for m in record.minima)
        return cls(
            rounds=len(record.rounds) - 1,
            n_hops=len(record.hops),
            n_minima=len(record.minima),
            n_conformers=n_conformers,
            n_evaluations=costs.n_evaluations,
            wall_seconds=costs.wall_seconds,
            sightings=VisitCounts(record.minima, record.hops),
        )

    def add(self, round: Round) -> None:
        """Take up one more round."""
        self.rounds = round.index
        self.n_hops += len(round.hops)
        self.n_minima += len(round.minima)
        self.n_conformers += sum(m.structure_class.is_conformer for m in round.minima)
        self.n_evaluations, self.wall_seconds = round.n_evaluations, round.wall_seconds
        self.sightings.add(round.minima, round.hops)

    def progress(self, budget: BudgetSettings) -> Progress:
        """How far it is under a budget."""
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
            n_evaluations=self.n_evaluations,
            wall_seconds=self.wall_seconds,
            fraction=min(fraction, 1.0),
            coverage=self.sightings.coverage(budget.window),
        )


def reached(budget: BudgetSettings, progress: Progress) -> str:
    """Which limit is reached, in words; an empty text while none is."""
    coverage = progress.coverage
    if budget.coverage and coverage.reaches(budget.coverage):
        return f"estimated coverage {coverage.share} of the {coverage.where}"
    if budget.hops and progress.n_hops >= budget.hops:
        return f"{budget.hops} hops done"
    if budget.evaluations and progress.n_evaluations >= budget.evaluations:
        return f"{budget.evaluations} force calls used"
    if budget.minutes and progress.wall_seconds >= 60 * budget.minutes:
        return f"{budget.minutes:g} minutes used"
    return ""
