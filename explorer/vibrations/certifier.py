"""Certification of minima: tight relaxation in float64, Hessian, and displacement of saddles in both directions."""

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
from explorer.relaxation.tight import TightRelaxer
from explorer.similarity.dedup import nearest_match
from explorer.similarity.identity import identity_distance
from explorer.similarity.symmetry import symmetry_of
from explorer.topology.bonds import topology_of
from explorer.topology.classify import classify_batch
from explorer.vibrations.modes import SOFTEST_MINIMUM, count_imaginary
from explorer.vibrations.spectrum import Spectrometer, Spectrum
from explorer.wording import counted

_MAX_STATIONARY_FORCE = 1e-3  # eV/Å; a larger force left after tight relaxation means no stationary point; not tuned
PUSH_OFF_DISTANCE = 0.05  # Å, of the atom that moves most, along the softest vibration of a saddle; not tuned


class TestedStructure(NamedTuple):
    """Structure after tight relaxation, with its vibrations; `failure` states why these were not computed, if so."""

    positions: Float[np.ndarray, "N 3"]  # Å
    energy: float  # eV
    fmax: float  # eV/Å
    structure_class: StructureClass
    failure: str
    spectrum: Spectrum

    @property
    def point_type(self) -> StationaryPointType:
        """Type of the stationary point; a minimum has no vibration below -10 cm⁻¹."""
        if self.failure or not np.isfinite(self.spectrum.lowest):
            return StationaryPointType.NOT_CERTIFIED
        return StationaryPointType.MINIMUM if self.spectrum.lowest >= SOFTEST_MINIMUM else StationaryPointType.SADDLE

    @property
    def reason(self) -> str:
        """Reason why the structure is not certified as a minimum; empty if there is nothing to add to the type."""
        if self.point_type == StationaryPointType.NOT_CERTIFIED:
            return self.failure or "the Hessian is not finite"
        if self.point_type == StationaryPointType.MINIMUM or not len(self.spectrum.wavenumbers):
            return ""
        n = count_imaginary(self.spectrum.wavenumbers)
        return f"{counted(n, 'imaginary vibration')} below {SOFTEST_MINIMUM:.0f} cm⁻¹"


class Certifier:
    """Relaxes and tests structures of one run; it compiles on first use.

    Args:
        molecule: Molecule of the run.
        minima: Minima of the run, among which the ends of saddles are identified.
        potential: Potential to evaluate, in float64.
        settings: Settings of the run.
    """

    def __init__(self, molecule: Molecule, minima: Sequence[Minimum], potential: Potential, settings: Settings):
        self.minima, self.identity = minima, settings.identity
        self.symmetry, self.topology = symmetry_of(molecule), topology_of(molecule)
        potential = with_capacity_for(potential, np.array([m.positions for m in minima]))
        self.relax = TightRelaxer(molecule, potential, settings)
        self.spectrometer = Spectrometer(molecule, potential)

    def certify(self, minima: Sequence[Minimum], full: Bool[np.ndarray, "n"]) -> tuple[list[Certificate], list[Saddle]]:
        """Test minima, and relax those that are saddles to both sides.

        Args:
            minima: Minima of the run.
            full: Whether all vibrations of each minimum are wanted; those of saddles are always computed.

        Returns:
            A certificate for each minimum, and the saddles among them.
        """
        tested = self._test(np.array([m.positions for m in minima]), full, minima)
        failed = [k for k, t in enumerate(tested) if t.point_type == StationaryPointType.SADDLE]
        for k, completed in zip(failed, self._completed([tested[k] for k in failed]), strict=True):
            tested[k] = completed
        saddles = self._pushed_off([minima[k].id for k in failed], [tested[k] for k in failed])
        return [_certificate(m.id, t) for m, t in zip(minima, tested, strict=True)], saddles

    def _test(
        self,
        starts: Float[np.ndarray, "n N 3"],
        full: Bool[np.ndarray, "n"],
        minima: Sequence[Minimum] = (),
        beside_saddle: bool = False,
    ) -> list[TestedStructure]:
        """Relax structures tightly and compute the vibrations of those that are stationary and did not move away."""
        relaxed = self.relax(starts, beside_saddle=beside_saddle)
        positions = np.asarray(relaxed.positions, float)
        classes = [one.structure_class for one in classify_batch(self.topology, positions)]
        tested = [
            TestedStructure(
                positions=positions[k],
                energy=float(relaxed.energy[k]),
                fmax=float(relaxed.fmax[k]),
                structure_class=structure_class,
                failure="",
                spectrum=_no_spectrum(starts[k]),
            )
            for k, structure_class in enumerate(classes)
        ]
        failures = [_unrelaxed(t, int(relaxed.n_steps[k])) for k, t in enumerate(tested)]
        for k, minimum in enumerate(minima):
            failures[k] = failures[k] or self._moved(minimum, tested[k])
        stationary = np.array([k for k, failure in enumerate(failures) if not failure], int)
        measured = self.spectrometer.measure(positions[stationary], full[stationary])
        spectra = dict(zip(stationary.tolist(), measured, strict=True))
        return [t._replace(failure=failures[k], spectrum=spectra.get(k, t.spectrum)) for k, t in enumerate(tested)]

    def _moved(self, minimum: Minimum, tested: TestedStructure) -> str:
        """Return why a stored minimum is none: tight relaxation led away, so it was a plateau with small forces."""
        if tested.structure_class != minimum.structure_class:
            return f"relaxes on and becomes {tested.structure_class}"
        distance = identity_distance(self.symmetry, minimum.positions, tested.positions)
        lowering = minimum.energy - tested.energy
        if distance > self.identity.rmsd or abs(lowering) > self.identity.energy_window:
            return f"relaxes on to another structure, {distance:.2f} Å away and {lowering:.4f} eV lower"
        return ""

    def _completed(self, saddles: Sequence[TestedStructure]) -> list[TestedStructure]:
        """Complete saddles with all of their vibrations."""
        incomplete = [k for k, t in enumerate(saddles) if not len(t.spectrum.wavenumbers)]
        positions = np.array([saddles[k].positions for k in incomplete])
        spectra = self.spectrometer.measure(positions, np.ones(len(incomplete), bool))
        measured = dict(zip(incomplete, spectra, strict=True))
        return [
            t._replace(spectrum=_added(t.spectrum, measured[k])) if k in measured else t for k, t in enumerate(saddles)
        ]

    def _pushed_off(self, ids: Sequence[int], saddles: Sequence[TestedStructure]) -> list[Saddle]:
        """Relax each saddle to both sides of its softest vibration."""
        if not saddles:
            return []
        starts = np.array(
            [t.positions + sign * PUSH_OFF_DISTANCE * t.spectrum.direction for t in saddles for sign in (1, -1)]
        )
        ends = [self._end(t) for t in self._test(starts, np.zeros(len(starts), bool), beside_saddle=True)]
        return [
            Saddle(
                minimum=i,
                energy=t.energy,
                positions=t.positions,
                fmax=t.fmax,
                direction=t.spectrum.direction,
                wavenumbers=t.spectrum.wavenumbers,
                ends=(ends[2 * k], ends[2 * k + 1]),
            )
            for k, (i, t) in enumerate(zip(ids, saddles, strict=True))
        ]

    def _end(self, tested: TestedStructure) -> SaddleEnd:
        """Identify the end of a saddle among the minima of the run."""
        similar = [
            m
            for m in self.minima
            if m.structure_class == tested.structure_class
            and abs(m.energy - tested.energy) <= self.identity.energy_window
        ]
        candidates = np.array([m.positions for m in similar]).reshape(-1, *tested.positions.shape)
        match = nearest_match(self.symmetry, self.identity, tested.positions, candidates)
        return SaddleEnd(
            minimum=None if match is None else similar[match].id,
            energy=tested.energy,
            positions=tested.positions,
            structure_class=tested.structure_class,
            point_type=tested.point_type,
            reason=tested.reason,
            lowest_wavenumber=tested.spectrum.lowest,
        )


def _no_spectrum(positions: Float[np.ndarray, "N 3"]) -> Spectrum:
    return Spectrum(np.full(1, np.nan), np.zeros_like(positions), 0, np.empty(0))


def _unrelaxed(tested: TestedStructure, n_steps: int) -> str:
    if tested.fmax <= _MAX_STATIONARY_FORCE:
        return ""
    return f"not relaxed: {tested.fmax:.2g} eV/Å are left after {n_steps} force calls"


def _added(softest: Spectrum, whole: Spectrum) -> Spectrum:
    return whole._replace(n_products=softest.n_products + whole.n_products)


def _certificate(minimum: int, tested: TestedStructure) -> Certificate:
    spectrum = tested.spectrum
    return Certificate(
        minimum=minimum,
        point_type=tested.point_type,
        reason=tested.reason,
        energy=tested.energy,
        fmax=tested.fmax,
        lowest_wavenumber=spectrum.lowest,
        n_products=spectrum.n_products,
        wavenumbers=spectrum.wavenumbers,
    )
