"""Descents from saddles to the minima on both sides."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from explorer.config import Settings
from explorer.potential.capacity import with_capacity_for
from explorer.potential.potential import Potential
from explorer.records.molecule import Molecule
from explorer.records.structure_class import StructureClass
from explorer.relaxation.relaxer import STATUS_TEXT, RelaxResult, Status, careful, make_relaxer, relax_many
from explorer.relaxation.tight import TightRelaxer
from explorer.saddles.descent_watch import DescentWatch
from explorer.similarity.symmetry import symmetry_of
from explorer.strategy.history import History
from explorer.system import system_of
from explorer.topology.bonds import Topology
from explorer.topology.classify import Classification, classify_batch
from explorer.vibrations.certifier import PUSH_OFF_DISTANCE


class DescentEnd(NamedTuple):
    """Structure that a descent reached.

    Attributes:
        positions: Å, centred.
        energy: eV.
        fmax: Largest force on an atom, eV/Å.
        classification: Difference from the input.
        failure: Why it is no minimum; empty if it is.
        known_id: Id of the minimum, if it was known before.
        n_evaluations: Force calls.
        path_length: Length of the descent, Å: that of the curve in all Cartesian coordinates.
        images: Structures that it passed, Å.
        energies: Their energies, eV.
    """

    positions: Float[np.ndarray, "N 3"]
    energy: float
    fmax: float
    classification: Classification
    failure: str
    known_id: int | None
    n_evaluations: int
    path_length: float
    images: list[Float[np.ndarray, "N 3"]]
    energies: list[float]

    @property
    def structure_class(self) -> StructureClass:
        """Class relative to the input."""
        return self.classification.structure_class


class _Path(NamedTuple):
    length: float
    images: list[np.ndarray]
    energies: list[float]


class Descender:
    """Descends from saddles with short steps at first, so that the minima next to the saddle are reached.

    Descents use the thresholds of the search in float64, and stop early where they are about to end at a known minimum.
    What is not a known minimum then is relaxed tightly, as what a search finds is.

    Args:
        molecule: The molecule.
        topology: Its topology.
        potential: Potential in float64.
        settings: Settings of the run.
        batch: Number of descents at a time; by default as many as `rows_at_once`.
    """

    def __init__(
        self,
        molecule: Molecule,
        topology: Topology,
        potential: Potential,
        settings: Settings,
        batch: int | None = None,
    ):
        self._batch = batch
        self._symmetry, self._topology, self._potential = symmetry_of(molecule), topology, potential
        self._identity, self._recognises = settings.identity, settings.hopping.recognise
        self._relaxer = careful(make_relaxer(molecule, settings.relax))
        self._tight = TightRelaxer(molecule, potential, settings)
        self._system = system_of(molecule, np.dtype("float64"))

    def ends(
        self,
        saddles: Float[np.ndarray, "n N 3"],
        directions: Float[np.ndarray, "n N 3"],
        history: History,
        progress: Callable[[int, int], None] | None = None,
    ) -> list[tuple[DescentEnd, DescentEnd]]:
        """Return what lies on both sides of each saddle: along its direction, and against it.

        Args:
            saddles: Positions of the saddles, Å.
            directions: Imaginary vibration of each, with a largest displacement of 1 Å.
            history: Known minima.
            progress: Called with the number of finished descents and that of all.
        """
        if not len(saddles):
            return []
        shifts = PUSH_OFF_DISTANCE * directions
        starts = np.stack([saddles + shifts, saddles - shifts], axis=1).reshape(-1, *saddles.shape[1:])
        self._potential = with_capacity_for(self._potential, starts)
        watch = DescentWatch(
            self._symmetry, self._topology, self._identity, starts, history if self._recognises else None
        )
        relaxed = relax_many(
            self._potential, self._relaxer, self._system, starts, self._batch, progress=progress, watch=watch
        )
        paths = [_Path(watch.length(k), watch.images[k], watch.energies[k]) for k in range(len(starts))]
        ends = self._identified(relaxed, [""] * len(starts), np.zeros(len(starts), int), history, paths)
        for k, known in watch.recognised.items():
            ends[k] = ends[k]._replace(known_id=known)
        # a stop at the limit of force calls goes on in the tight relaxation, which has a higher one
        again = [k for k, end in enumerate(ends) if end.known_id is None]
        if again:
            tight = self._tight(relaxed.positions[again], beside_saddle=True, batch=self._batch)
            failures = [
                "" if status == Status.CONVERGED else f"descent from the saddle: {STATUS_TEXT[Status(int(status))]}"
                for status in tight.status
            ]
            spent = relaxed.n_steps[again]
            more = [paths[k] for k in again]
            for k, end in zip(again, self._identified(tight, failures, spent, history, more), strict=True):
                ends[k] = end
        return list(zip(ends[::2], ends[1::2], strict=True))

    def _identified(
        self, relaxed: RelaxResult, failures: Sequence[str], spent: np.ndarray, history: History, paths: Sequence[_Path]
    ) -> list[DescentEnd]:
        positions = np.asarray(relaxed.positions, float)
        positions = positions - positions.mean(axis=1, keepdims=True)
        classes = classify_batch(self._topology, positions)
        known = history.identify_batch(relaxed.energy, positions, [one.structure_class for one in classes])
        converged = relaxed.status == Status.CONVERGED
        return [
            DescentEnd(
                positions=positions[k],
                energy=float(relaxed.energy[k]),
                fmax=float(relaxed.fmax[k]),
                classification=classes[k],
                failure=failures[k],
                known_id=known[k] if converged[k] else None,
                n_evaluations=int(relaxed.n_steps[k]) + int(spent[k]),
                path_length=paths[k].length,
                images=paths[k].images,
                energies=paths[k].energies,
            )
            for k in range(len(positions))
        ]
