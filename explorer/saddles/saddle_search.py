"""Attempts of one round, from their starts to what lies on both sides of each saddle."""

from collections.abc import Collection, Sequence

import numpy as np

from explorer.config import Settings
from explorer.potential.potential import Potential
from explorer.records.run import RunRecord
from explorer.records.structure_class import StructureClass
from explorer.records.transition_states import ConnectRound
from explorer.saddles.climb import Climber
from explorer.saddles.ends import Descender, DescentEnd
from explorer.saddles.judge import Candidate, Judge
from explorer.saddles.known_saddles import KnownSaddles
from explorer.saddles.pairs import Plan
from explorer.saddles.refine_many import TIGHT_FMAX, limits_of, refine_many
from explorer.saddles.refine_state import REFINEMENT_TEXT, Refinement, SaddleStart
from explorer.saddles.starting_structures import StartMaker
from explorer.saddles.surface import Surface
from explorer.saddles.work_limit import WorkLimit
from explorer.similarity.symmetry import symmetry_of
from explorer.strategy.history import History
from explorer.topology.bonds import topology_of
from explorer.topology.classify import classify_batch
from explorer.topology.distortion import bond_lengths
from explorer.uncertainty.criteria import Assessment, ResultCriteria
from explorer.vibrations.modes import SOFTEST_MINIMUM

_SHALLOW = 30.0  # cm⁻¹; a saddle with a vibration so close to the limit is refined more tightly and tested again


class SaddleSearch:
    """Makes attempts to find saddles; it compiles on first use.

    Args:
        record: The run, whose minima and saddles are known.
        potential: Potential in float64.
        settings: Settings of the run.
        climber: Starts from one minimum.
        allowed: Structure classes besides intact ones to which saddles may lead.
        criteria: Criteria of results of the model; None for a potential that is no network.
        batch: Number of refinements, and of descents, at a time; by default as many as `rows_at_once`.
    """

    def __init__(
        self,
        record: RunRecord,
        potential: Potential,
        settings: Settings,
        climber: Climber,
        allowed: Collection[StructureClass] = (),
        criteria: ResultCriteria | None = None,
        batch: int | None = None,
    ):
        molecule = record.molecule
        self._criteria, self._settings, self._batch = criteria, settings, batch
        self._symmetry, self._topology = symmetry_of(molecule), topology_of(molecule)
        self._surface = Surface(molecule, potential, record.minima[0])
        self._start_maker = StartMaker(molecule, self._symmetry, climber, self._surface.modes_of)
        self._descender = Descender(molecule, self._topology, potential, settings, batch)
        self._allowed = allowed
        self._bond_lengths = bond_lengths(self._topology.bonds, record.minima[0].positions)
        self._history = History(self._symmetry, settings.identity, record.minima)
        self._saddles = KnownSaddles(self._symmetry, settings.identity, record.transition_states)

    def attempt(
        self, record: RunRecord, plans: Sequence[Plan], index: int, ceiling: float, limit: WorkLimit
    ) -> ConnectRound:
        """Make attempts from beginning to end. Those that a limit keeps from beginning are left out.

        Args:
            record: The run so far.
            plans: Planned attempts.
            index: Number of the round.
            ceiling: Energy above which no descents are made from saddles that no pair asked for, eV.
            limit: Limits of the work.
        """
        made = self._start_maker.starts(plans, record.minima, self._surface.evaluate, record.transition_states)
        candidates = self._refined(plans, made.starts, made.n_evaluations, limit)
        self._compare(candidates)
        new = [c for c in candidates if _is_open(c)]
        self._assess(new)
        self._test(new)
        self._compare(new)  # a tighter refinement may have ended at a saddle that is known
        new = [c for c in new if _is_open(c)]
        wanted = [c for c in new if c.plan.end is not None or c.energy <= ceiling]
        self._descend([c for c in wanted if c.n_imaginary == 1 and not c.exclusion])
        attempts = record.saddle_attempts
        judge = Judge(
            self._symmetry,
            self._settings.identity,
            self._allowed,
            self._history,
            self._saddles,
            len(attempts),
            sum(a.n_evaluations for a in attempts),
            max(len(record.rounds) - 1, 0),
            record.rounds[-1].n_evaluations if record.rounds else 0,
        )
        for candidate in candidates:
            judge.conclude(candidate, index, self._assessed_minimum)
        return ConnectRound(
            index=index,
            minima=tuple(judge.minima),
            transition_states=tuple(judge.states),
            attempts=tuple(judge.attempts),
        )

    def _refined(
        self, plans: Sequence[Plan], starts: SaddleStart, spent: Sequence[int], limit: WorkLimit
    ) -> list[Candidate]:
        curvature = self._surface.curvatures(np.asarray(starts.positions))
        n_products = 0 if curvature is None else starts.positions[0].size
        refined = refine_many(
            self._surface.potential,
            self._surface.system,
            self._surface.coordinates,
            starts,
            curvature,
            batch=self._batch,
            progress=limit.count,
            may_begin=lambda: not limit.reason,
        )
        positions = refined.positions - refined.positions.mean(axis=1, keepdims=True)
        finite = np.isfinite(positions).all(axis=(1, 2))
        classes = classify_batch(
            self._topology, np.where(finite[:, None, None], positions, starts.positions[: len(positions)])
        )
        candidates = []
        for k, plan in enumerate(plans[: len(positions)]):
            status = Refinement(int(refined.status[k]))
            candidates.append(
                Candidate(
                    plan=plan,
                    n_evaluations=int(refined.n_evaluations[k]) + spent[k] + n_products,
                    failure="" if status == Refinement.CONVERGED else REFINEMENT_TEXT[status],
                    positions=positions[k],
                    energy=float(refined.energy[k]),
                    fmax=float(refined.fmax[k]),
                    classification=classes[k],
                )
            )
        return candidates

    def _compare(self, candidates: Sequence[Candidate]) -> None:
        """Recognise known saddles, and those that an earlier attempt of the round has found."""
        fresh = KnownSaddles(self._symmetry, self._settings.identity, ())
        first: list[Candidate] = []
        for candidate in candidates:
            if candidate.failure:
                continue
            candidate.known = self._saddles.identify(candidate.energy, candidate.positions)
            if candidate.known is not None:
                continue
            number = fresh.identify(candidate.energy, candidate.positions)
            if number is None:
                fresh.add(candidate.energy, candidate.positions)
                first.append(candidate)
            else:
                candidate.same_as = first[number]

    def _assess(self, candidates: Sequence[Candidate]) -> None:
        """Estimate the uncertainty of the model; a hole of the model is no saddle."""
        if not candidates:
            return
        results = self._assessments([c.positions for c in candidates], [c.energy for c in candidates], any_level=True)
        for candidate, (uncertainty, exclusion) in zip(candidates, results, strict=True):
            candidate.uncertainty, candidate.exclusion = uncertainty, exclusion

    def _assessments(self, positions: list, energies: list, any_level: bool) -> list[Assessment]:
        if self._criteria is None:
            return [Assessment(None, "")] * len(positions)
        criteria = self._criteria.without_limit() if any_level else self._criteria
        return criteria(np.array(positions), np.array(energies), self._bond_lengths)

    def _assessed_minimum(self, end: DescentEnd) -> Assessment:
        return self._assessments([end.positions], [end.energy], any_level=False)[0]

    def _test(self, candidates: Sequence[Candidate]) -> None:
        """Compute the softest vibrations, and once more after a tighter refinement where one is close to the limit."""
        self._measure(candidates)
        shallow = [c for c in candidates if _is_shallow(c)]
        if not shallow:
            return
        positions = np.array([c.positions for c in shallow])
        energies, forces = self._surface.evaluate(positions)
        directions = np.array([c.direction for c in shallow])
        starts = SaddleStart(positions, energies, forces, directions, np.full(len(shallow), np.inf))
        coordinates = self._surface.coordinates
        refined = refine_many(
            self._surface.potential,
            self._surface.system,
            coordinates,
            starts,
            limits=limits_of(coordinates, TIGHT_FMAX),
            batch=self._batch,
        )
        for k, candidate in enumerate(shallow):
            candidate.n_evaluations += int(refined.n_evaluations[k]) + 1
            if refined.status[k] == Refinement.CONVERGED:
                candidate.positions = refined.positions[k] - refined.positions[k].mean(axis=0)
                candidate.energy, candidate.fmax = float(refined.energy[k]), float(refined.fmax[k])
        self._measure(shallow)

    def _measure(self, candidates: Sequence[Candidate]) -> None:
        positions = np.array([c.positions for c in candidates])
        spectra = self._surface.spectrometer.measure(positions, np.zeros(len(candidates), bool))
        for candidate, spectrum in zip(candidates, spectra, strict=True):
            candidate.wavenumbers, candidate.direction = spectrum.known, spectrum.direction
            candidate.n_products += spectrum.n_products

    def _descend(self, candidates: Sequence[Candidate]) -> None:
        if not candidates:
            return
        ends = self._descender.ends(
            np.array([c.positions for c in candidates]), np.array([c.direction for c in candidates]), self._history
        )
        for candidate, pair in zip(candidates, ends, strict=True):
            candidate.ends = pair
            candidate.n_evaluations += sum(end.n_evaluations for end in pair)


def _is_shallow(candidate: Candidate) -> bool:
    """Whether one of the two softest vibrations is close to the limit between real and imaginary ones."""
    return bool(np.abs(candidate.wavenumbers[:2] - SOFTEST_MINIMUM).min(initial=np.inf) < _SHALLOW / 2)


def _is_open(candidate: Candidate) -> bool:
    """Whether a candidate must be tested."""
    return not candidate.failure and candidate.known is None and candidate.same_as is None
