"""Connection of minima by transition states, as a generator of rounds."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from explorer.config import Settings
from explorer.devices import rows_at_once
from explorer.potential.potential import Potential
from explorer.records.minimum import Minimum
from explorer.records.run import RunRecord
from explorer.records.structure_class import allowed_classes
from explorer.records.transition_states import AttemptKind, ConnectRound, PairReason
from explorer.saddles.climb import Climber
from explorer.saddles.curvature import Curvature
from explorer.saddles.ends import Descender, DescentEnd
from explorer.saddles.guesses import Guesser
from explorer.saddles.judge import Candidate, Judge
from explorer.saddles.known_saddles import KnownSaddles
from explorer.saddles.pairs import AttemptChooser, Plan
from explorer.saddles.refine_many import TIGHT_FMAX, limits_of, refine_many
from explorer.saddles.refine_state import REFINEMENT_TEXT, Refinement, SaddleStart
from explorer.saddles.saddle_coordinates import hessian_in_u
from explorer.saddles.surface import Surface
from explorer.similarity.fingerprint import fingerprint_batch
from explorer.similarity.symmetry import symmetry_of
from explorer.strategy.history import History
from explorer.topology.bonds import topology_of
from explorer.topology.classify import classify_batch
from explorer.topology.distortion import bond_lengths
from explorer.uncertainty.criteria import Assessment, ResultCriteria
from explorer.vibrations.modes import SOFTEST_MINIMUM

ATTEMPTS_PER_ROW = 8  # attempts of a round for each row of the batch; an interruption loses one round; not tuned
_SHALLOW = 30.0  # cm⁻¹; a saddle with a vibration so close to the limit is refined more tightly and tested again


@dataclass(frozen=True, kw_only=True)
class ConnectTask:
    """What `pes-explore connect` is to do.

    Attributes:
        window: Energy of the minima above the lowest one, and of saddles that are found from single minima, eV; 0 for
            no limit.
        between: Ids of two minima to connect, and no others; None for all questions.
        rotors: Whether to turn methyl groups too.
    """

    window: float = 0.0
    between: tuple[int, int] | None = None
    rotors: bool = False


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
        self.record, self._task, self._settings = record, task, settings
        molecule = record.molecule
        self._criteria = criteria
        self._symmetry, self._topology = symmetry_of(molecule), topology_of(molecule)
        self._climber = Climber(molecule, settings.seed)
        self._surface = Surface(molecule, potential, record.minima[0])
        self._guesser = Guesser(molecule, self._symmetry, self._climber, self._surface.modes_of)
        self._descender = Descender(molecule, self._topology, potential, settings)
        self._allowed = allowed_classes(settings.hopping.allow)
        self._history = History(self._symmetry, settings.identity, record.minima)
        self._saddles = KnownSaddles(self._symmetry, settings.identity, record.transition_states)

    def rounds(self, began: float | None = None) -> Iterator[ConnectRound]:
        """Yield rounds until no question is open. What a round holds depends only on the run before it.

        Args:
            began: Time at which the work began, s; by default now.
        """
        began = began or time.monotonic()
        before = self.record.connect_seconds
        while plans := self._plans():
            found = self._attempt(plans, 1 + max((a.round for a in self.record.saddle_attempts), default=-1))
            seconds = before + time.monotonic() - began
            round = ConnectRound(
                index=found.index,
                minima=found.minima,
                transition_states=found.transition_states,
                attempts=found.attempts,
                wall_seconds=seconds,
            )
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

    def _plans(self) -> list[Plan]:
        minima, n = self.minima(), ATTEMPTS_PER_ROW * rows_at_once()
        if not minima:
            return []
        chooser = AttemptChooser(
            self.record,
            [m.id for m in minima],
            self._distances(np.array([m.positions for m in minima])),
            self._climber.kind,
            self._climber.n_starts,
            None if self._task.between is None else [self._task.between],
        )
        plans = chooser.choose(n)
        if self._task.rotors and self._task.between is None:
            plans += self._rotor_plans(minima, n)
        return plans

    def _rotor_plans(self, minima: Sequence[Minimum], n: int) -> list[Plan]:
        done = {(a.start, a.try_number) for a in self.record.saddle_attempts if a.kind == AttemptKind.ROTOR}
        plans = [
            Plan(AttemptKind.ROTOR, PairReason.ROTOR, m.id, None, number)
            for m in minima
            for number in range(self._climber.n_methyls)
            if (m.id, number) not in done
        ]
        return plans[:n]

    def _distances(self, positions: Float[np.ndarray, "n N 3"]) -> Float[np.ndarray, "n n"]:
        """How far minima are from each other: in their torsions, degrees, or in the distances of clusters."""
        if self._climber.has_bonds and self._climber.n_starts:
            angles = self._climber.angles(positions)
            apart = (angles[:, None] - angles[None] + 180) % 360 - 180
            return np.sqrt((apart**2).sum(axis=-1))
        prints = fingerprint_batch(self._symmetry, positions)
        return np.linalg.norm(prints[:, None] - prints[None], axis=-1)

    def _attempt(self, plans: Sequence[Plan], index: int) -> ConnectRound:
        """Make attempts from beginning to end."""
        guesses = self._guesser.guesses(plans, self.record.minima, self._surface.evaluate)
        candidates = self._refined(plans, guesses.starts, guesses.n_evaluations)
        self._compare(candidates)
        new = [c for c in candidates if _is_open(c)]
        self._assess(new)
        self._test(new)
        self._descend([c for c in new if c.n_imaginary == 1 and not c.exclusion and not self._is_too_high(c)])
        attempts = self.record.saddle_attempts
        judge = Judge(
            self._symmetry,
            self._settings.identity,
            self._allowed,
            self._history,
            self._saddles,
            len(attempts),
            sum(a.n_evaluations for a in attempts),
            max(len(self.record.rounds) - 1, 0),
            self.record.rounds[-1].n_evaluations if self.record.rounds else 0,
        )
        for candidate in candidates:
            judge.conclude(candidate, index, self._assessed_minimum)
        return ConnectRound(
            index=index,
            minima=tuple(judge.minima),
            transition_states=tuple(judge.states),
            attempts=tuple(judge.attempts),
        )

    def _refined(self, plans: Sequence[Plan], starts: SaddleStart, spent: Sequence[int]) -> list[Candidate]:
        coordinates = self._surface.coordinates
        curvature, n_products = None, 0
        if coordinates.internal is None:  # there is no model Hessian, so the search begins with a real one
            stiffness = float(coordinates.cartesian_stiffness)
            matrices = self._surface.spectrometer.hessians(starts.positions)
            known = [hessian_in_u(h, x, stiffness) for h, x in zip(matrices, starts.positions, strict=True)]
            curvature = Curvature(*(np.array(column) for column in zip(*known, strict=True)))
            n_products = starts.positions[0].size
        refined = refine_many(self._surface.potential, self._surface.system, coordinates, starts, curvature)
        positions = refined.positions - refined.positions.mean(axis=1, keepdims=True)
        finite = np.isfinite(positions).all(axis=(1, 2))
        classes = classify_batch(self._topology, np.where(finite[:, None, None], positions, starts.positions))
        candidates = []
        for k, plan in enumerate(plans):
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
        ordinary = bond_lengths(self._topology.bonds, self.record.minima[0].positions)
        return criteria(np.array(positions), np.array(energies), ordinary)

    def _assessed_minimum(self, end: DescentEnd) -> Assessment:
        return self._assessments([end.positions], [end.energy], any_level=False)[0]

    def _test(self, candidates: Sequence[Candidate]) -> None:
        """Compute the vibrations, and once more after a tighter refinement where one is close to the limit."""
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
        )
        for k, candidate in enumerate(shallow):
            candidate.n_evaluations += int(refined.n_evaluations[k]) + 1
            if refined.status[k] == Refinement.CONVERGED:
                candidate.positions = refined.positions[k] - refined.positions[k].mean(axis=0)
                candidate.energy, candidate.fmax = float(refined.energy[k]), float(refined.fmax[k])
        self._measure(shallow)

    def _measure(self, candidates: Sequence[Candidate]) -> None:
        positions = np.array([c.positions for c in candidates])
        spectra = self._surface.spectrometer.measure(positions, np.ones(len(candidates), bool))
        for candidate, spectrum in zip(candidates, spectra, strict=True):
            candidate.wavenumbers, candidate.direction = spectrum.wavenumbers, spectrum.direction
            candidate.n_products += spectrum.n_products

    def _is_too_high(self, candidate: Candidate) -> bool:
        """Whether a saddle that no pair asked for lies above the window."""
        if candidate.plan.end is not None or not self._task.window:
            return False
        return candidate.energy - self.minima()[0].energy > self._task.window

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
