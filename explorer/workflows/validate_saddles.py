"""Validation of barriers: transition states of a run are refined again with a reference method."""

from collections.abc import Callable, Sequence

import networkx as nx
import numpy as np

from explorer.config import Settings
from explorer.dataset.label import reference_potential_name
from explorer.dataset.network_reference import public_reference
from explorer.devices import rows_at_once
from explorer.errors import InputError
from explorer.potential.load import load_potential
from explorer.records.comparisons import SaddleValidation
from explorer.records.minimum import Minimum
from explorer.records.run import RunRecord
from explorer.records.transition_states import TransitionState
from explorer.relaxation.relaxer import STATUS_TEXT, RelaxResult, Status
from explorer.relaxation.tight import TightRelaxer
from explorer.saddles.ends import Descender, DescentEnd
from explorer.saddles.judge import index_text
from explorer.saddles.refine_many import refine_many
from explorer.saddles.refine_state import REFINEMENT_TEXT, Refinement, SaddleStart
from explorer.saddles.surface import Surface
from explorer.similarity.alignment import heavy_rmsd
from explorer.similarity.symmetry import symmetry_of
from explorer.strategy.history import History
from explorer.topology.bonds import topology_of
from explorer.topology.classify import classify_batch
from explorer.vibrations.modes import count_imaginary
from explorer.workflows.relax import ReportCount
from explorer.workflows.session import Session


def validate_saddles(
    session: Session,
    reference: str,
    n: int,
    progress: ReportCount | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> tuple[SaddleValidation, ...]:
    """Refine transition states of a run with a reference method, and store which join the same minima.

    Args:
        session: The run.
        reference: `gfn2`, `so3lr`, `so3lr:FOLDER` or `ase:package.module:Class`.
        n: Number of transition states: the lowest of those that limit a lowest-barrier path.
        progress: Called with (done, total).
        stop: Returns whether to stop; what is finished is kept.

    Returns:
        A validation of each transition state.

    Raises:
        InputError: When the run has no transition state between two minima, or no minimum relaxes with the reference.
    """
    states = limiting_states(session.record)[:n]
    if not states:
        raise InputError(
            f"{session.folder} has no transition state between different minima. Search for them with pes-explore "
            f"connect {session.folder}."
        )
    name = public_reference(reference)
    surface = _ReferenceSurface(session.record, session.settings, reference, states)
    if not surface.places:
        raise InputError(f"No minimum of {session.folder} relaxes with {name}. Use another reference method.")
    done: list[SaddleValidation] = []
    at_once = rows_at_once()
    for first in range(0, len(states), at_once):
        if stop():
            break
        done += surface.validations(states[first : first + at_once], name)
        if progress is not None:
            progress(len(done), len(states))
    validations = tuple(sorted(done, key=lambda one: one.saddle))
    if validations:
        with session.writing() as store:
            store.save_saddle_validations(validations)
        session.update(saddle_validations=validations)
    return validations


def limiting_states(record: RunRecord) -> list[TransitionState]:
    """Return the transition states that limit a lowest-barrier path between two minima, in ascending energy.

    They are the edges of a minimum spanning tree of the minima: every other one lies on no such path.

    Args:
        record: The run.
    """
    results = {minimum.id for minimum in record.results}
    parts, limiting = nx.utils.UnionFind(results), []
    for state in sorted(record.transition_states, key=lambda state: (state.energy, state.id)):
        a, b = state.minima
        if {a, b} <= results and parts[a] != parts[b]:
            parts.union(a, b)
            limiting.append(state)
    return limiting


class _ReferenceSurface:
    """Minima of a run on the surface of a reference, and refinements of its transition states there.

    Args:
        record: The run.
        settings: Settings of the run.
        reference: Reference method.
        states: Transition states whose minima are relaxed.

    Attributes:
        places: Number of the relaxed minimum by the id of the minimum of the run; two that become one have the same.
    """

    def __init__(self, record: RunRecord, settings: Settings, reference: str, states: Sequence[TransitionState]):
        molecule = record.molecule
        potential, _ = load_potential(reference_potential_name(reference), molecule, "float64", exact=True)
        self._symmetry, self._topology = symmetry_of(molecule), topology_of(molecule)
        self._surface = Surface(molecule, potential, record.minima[0])
        self._descender = Descender(molecule, self._topology, potential, settings)
        self._history = History(self._symmetry, settings.identity)
        self._failures: dict[int, str] = {}
        self.places: dict[int, int] = {}
        ids = sorted({i for state in states for i in state.minima})
        self._add(ids, TightRelaxer(molecule, potential, settings)(np.array([record.minima[i].positions for i in ids])))

    def _add(self, ids: Sequence[int], relaxed: RelaxResult) -> None:
        classes = classify_batch(self._topology, np.asarray(relaxed.positions, float))
        for k, i in enumerate(ids):
            status, energy = Status(int(relaxed.status[k])), float(relaxed.energy[k])
            if status != Status.CONVERGED:
                self._failures[i] = f"minimum {i}: {STATUS_TEXT[status]}"
                continue
            structure_class = classes[k].structure_class
            place = self._history.identify(energy, relaxed.positions[k], structure_class)
            if place is None:
                place = self._history.add(
                    Minimum(
                        id=len(self._history),
                        energy=energy,
                        positions=relaxed.positions[k],
                        structure_class=structure_class,
                        fmax=float(relaxed.fmax[k]),
                        n_evaluations=0,
                        round=0,
                    )
                )
            self.places[i] = place

    def validations(self, states: Sequence[TransitionState], name: str) -> list[SaddleValidation]:
        """Refine transition states, test the number of imaginary vibrations, and descend to both minima.

        Args:
            states: Transition states of the run.
            name: Name of the reference.
        """
        starts = np.array([state.positions for state in states])
        directions = np.array([state.direction for state in states])
        energies, forces = self._surface.evaluate(starts)
        start = SaddleStart(starts, energies, forces, directions, np.full(len(states), np.inf))
        refined = refine_many(
            self._surface.potential,
            self._surface.system,
            self._surface.coordinates,
            start,
            self._surface.curvatures(starts),
        )
        reasons = [
            "" if status == Refinement.CONVERGED else f"refinement: {REFINEMENT_TEXT[Refinement(int(status))]}"
            for status in refined.status
        ]
        found = [k for k, reason in enumerate(reasons) if not reason]
        measured = self._surface.spectrometer.measure(refined.positions[found], np.zeros(len(found), bool))
        saddles = {}
        for k, spectrum in zip(found, measured, strict=True):
            if count_imaginary(spectrum.known) == 1:
                saddles[k] = spectrum.direction
            else:
                reasons[k] = f"the refined structure has {index_text(spectrum.known)}"
        ends = self._descender.ends(refined.positions[[*saddles]], np.array([*saddles.values()]), self._history)
        for k, pair in zip(saddles, ends, strict=True):
            reasons[k] = self._difference(states[k], pair)
        return [
            SaddleValidation(
                saddle=state.id,
                reference=name,
                reason=reasons[k],
                energy=float(refined.energy[k]) if k in saddles else np.nan,
                end_energies=(self._energy(state.minima[0]), self._energy(state.minima[1])),
                rmsd=heavy_rmsd(self._symmetry, state.positions, refined.positions[k]) if k in saddles else np.nan,
            )
            for k, state in enumerate(states)
        ]

    def _energy(self, minimum: int) -> float:
        place = self.places.get(minimum)
        return np.nan if place is None else self._history[place].energy

    def _difference(self, state: TransitionState, ends: tuple[DescentEnd, DescentEnd]) -> str:
        """Return why a refined saddle does not join the minima of the transition state; empty if it does."""
        for minimum in state.minima:
            if minimum in self._failures:
                return self._failures[minimum]
        for end in ends:
            if end.failure:
                return end.failure
        wanted = sorted(self.places[minimum] for minimum in state.minima)
        if wanted[0] == wanted[1]:
            return "both minima relax to the same one"
        reached = [end.known_id for end in ends]
        if sorted(-1 if place is None else place for place in reached) == wanted:
            return ""
        return f"joins {' and '.join(self._name(place) for place in reached)}"

    def _name(self, place: int | None) -> str:
        """Return the minima of the run that relax to a minimum of the reference, such as `minimum 3`."""
        ids = [str(i) for i, other in self.places.items() if other == place]
        return f"minimum {' or '.join(ids)}" if ids else "an unknown minimum"
