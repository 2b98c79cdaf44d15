"""Is a stored minimum one? Relaxed tightly in float64, tested by its Hessian, pushed off both ways where it fails."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from explorer.config import Settings
from explorer.potential.capacity import with_capacity_for
from explorer.potential.potential import Potential
from explorer.records.certificates import Certificate, Saddle, SaddleEnd, StationaryPointType
from explorer.records.minimum import Minimum
from explorer.records.molecule import Molecule
from explorer.records.structure_class import StructureClass
from explorer.relax.tight import TightRelaxer
from explorer.similarity.alignment import rmsd
from explorer.similarity.dedup import nearest_match
from explorer.similarity.symmetry import symmetry_of
from explorer.topology.bonds import topology_of
from explorer.topology.classify import classify_batch
from explorer.vibrations.spectrum import Spectrometer, Spectrum

STATIONARY = 1e-3  # eV/Å, largest force of a stationary point
SOFTEST_MINIMUM = -10.0  # cm⁻¹; a minimum has no vibration below it
SOFTEST_SADDLE = -20.0  # cm⁻¹; the imaginary vibrations of a saddle lie below it
PUSH = 0.1  # Å, of the atom that moves most


class Tested(NamedTuple):
    """A structure after tight relaxation; `failure` says why its vibrations were not computed."""

    positions: Float[np.ndarray, "N 3"]  # Å
    energy: float  # eV
    fmax: float  # eV/Å
    structure_class: StructureClass
    failure: str
    spectrum: Spectrum

    @property
    def verdict(self) -> StationaryPointType:
        """A minimum has no vibration below -(10 cm⁻¹)²; what cannot be said is open."""
        if self.failure or not np.isfinite(self.spectrum.lowest):
            return StationaryPointType.NOT_CERTIFIED
        return StationaryPointType.MINIMUM if self.spectrum.lowest >= SOFTEST_MINIMUM else StationaryPointType.SADDLE

    @property
    def reason(self) -> str:
        """Why the verdict is not that it is a minimum, as far as there is more to say."""
        if self.verdict == StationaryPointType.NOT_CERTIFIED:
            return self.failure or "its Hessian is not finite"
        if self.verdict == StationaryPointType.MINIMUM or not len(self.spectrum.wavenumbers):
            return ""
        n = int((self.spectrum.wavenumbers < SOFTEST_SADDLE).sum())
        return f"{n} imaginary vibration{'s' * (n != 1)} below -{abs(SOFTEST_SADDLE):.0f} cm⁻¹"


class Certifier:
    """What relaxes and tests structures of one run; it compiles on first use.

    Args:
        molecule: of the run.
        minima: of the run, to recognise where saddles lead.
        potential: on which surface, in float64.
        settings: of the run.
    """

    def __init__(self, molecule: Molecule, minima: Sequence[Minimum], potential: Potential, settings: Settings):
        self.minima, self.identity = minima, settings.identity
        self.symmetry, self.topology = symmetry_of(molecule), topology_of(molecule)
        potential = with_capacity_for(potential, np.array([m.positions for m in minima]))
        self.relax = TightRelaxer(molecule, potential, settings)
        self.spectrometer = Spectrometer(molecule, potential)

    def certify(self, minima: Sequence[Minimum], full: Bool[np.ndarray, "n"]) -> tuple[list[Certificate], list[Saddle]]:
        """What each of some minima is, and the saddles among them.

        Args:
            minima: of the run.
            full: where all vibrations are wanted; a saddle gets them in any case.
        """
        tested = self._test(np.array([m.positions for m in minima]), full, minima)
        failed = [k for k, t in enumerate(tested) if t.verdict == StationaryPointType.SADDLE]
        for k, completed in zip(failed, self._completed([tested[k] for k in failed]), strict=True):
            tested[k] = completed
        saddles = self._pushed_off([minima[k].id for k in failed], [tested[k] for k in failed])
        return [_certificate(m.id, t) for m, t in zip(minima, tested, strict=True)], saddles

    def _test(
        self, starts: Float[np.ndarray, "n N 3"], full: Bool[np.ndarray, "n"], minima: Sequence[Minimum] = ()
    ) -> list[Tested]:
        """Relax, and measure the vibrations of what is stationary (and still the minimum that it was, where given)."""
        relaxed = self.relax(starts)
        positions = np.asarray(relaxed.positions, float)
        kinds = [found.structure_class for found in classify_batch(self.topology, positions)]
        tested = [
            Tested(positions[k], float(relaxed.energy[k]), float(relaxed.fmax[k]), kind, "", _unknown(starts[k]))
            for k, kind in enumerate(kinds)
        ]
        failures = [_unrelaxed(t, int(relaxed.n_steps[k])) for k, t in enumerate(tested)]
        for k, minimum in enumerate(minima):
            failures[k] = failures[k] or self._moved(minimum, tested[k])
        fine = np.array([k for k, failure in enumerate(failures) if not failure], int)
        measured = self.spectrometer.measure(positions[fine], full[fine])
        spectra = dict(zip(fine.tolist(), measured, strict=True))
        return [t._replace(failure=failures[k], spectrum=spectra.get(k, t.spectrum)) for k, t in enumerate(tested)]

    def _moved(self, minimum: Minimum, tested: Tested) -> str:
        """Whether tight relaxation led away from a minimum: it was a shelf then, and what was stored is none."""
        if tested.structure_class != minimum.structure_class:
            return f"relaxes on and becomes {tested.structure_class}"
        distance = rmsd(self.symmetry, minimum.positions, tested.positions)
        fall = minimum.energy - tested.energy
        if distance > self.identity.rmsd or abs(fall) > self.identity.energy_window:
            return f"relaxes on to another structure, {distance:.2f} Å away and {fall:.4f} eV lower"
        return ""

    def _completed(self, saddles: Sequence[Tested]) -> list[Tested]:
        """Saddles with all of their vibrations."""
        partly = [k for k, t in enumerate(saddles) if not len(t.spectrum.wavenumbers)]
        positions = np.array([saddles[k].positions for k in partly])
        measured = dict(zip(partly, self.spectrometer.measure(positions, np.ones(len(partly), bool)), strict=True))
        return [
            t._replace(spectrum=_added(t.spectrum, measured[k])) if k in measured else t for k, t in enumerate(saddles)
        ]

    def _pushed_off(self, ids: Sequence[int], saddles: Sequence[Tested]) -> list[Saddle]:
        """Each saddle with what lies on both sides of its softest vibration."""
        if not saddles:
            return []
        starts = np.array([t.positions + sign * PUSH * t.spectrum.direction for t in saddles for sign in (1, -1)])
        ends = [self._end(t) for t in self._test(starts, np.zeros(len(starts), bool))]
        return [
            Saddle(
                i,
                t.energy,
                t.positions,
                t.fmax,
                t.spectrum.direction,
                t.spectrum.wavenumbers,
                (ends[2 * k], ends[2 * k + 1]),
            )
            for k, (i, t) in enumerate(zip(ids, saddles, strict=True))
        ]

    def _end(self, tested: Tested) -> SaddleEnd:
        """An end, recognised among the minima of the run."""
        near = [
            m
            for m in self.minima
            if m.structure_class == tested.structure_class
            and abs(m.energy - tested.energy) <= self.identity.energy_window
        ]
        candidates = np.array([m.positions for m in near]).reshape(-1, *tested.positions.shape)
        found = nearest_match(self.symmetry, self.identity, tested.positions, candidates)
        return SaddleEnd(
            None if found is None else near[found].id,
            tested.energy,
            tested.positions,
            tested.structure_class,
            tested.verdict,
            tested.reason,
            tested.spectrum.lowest,
        )


def _unknown(positions: Float[np.ndarray, "N 3"]) -> Spectrum:
    return Spectrum(np.nan, np.zeros_like(positions), 0, np.empty(0))


def _unrelaxed(tested: Tested, n_steps: int) -> str:
    if tested.fmax <= STATIONARY:
        return ""
    return f"not relaxed: {tested.fmax:.2g} eV/Å are left after {n_steps} force calls"


def _added(softest: Spectrum, whole: Spectrum) -> Spectrum:
    return whole._replace(n_products=softest.n_products + whole.n_products)


def _certificate(minimum: int, tested: Tested) -> Certificate:
    spectrum = tested.spectrum
    return Certificate(
        minimum,
        tested.verdict,
        tested.reason,
        tested.energy,
        tested.fmax,
        spectrum.lowest,
        spectrum.n_products,
        spectrum.wavenumbers,
    )
