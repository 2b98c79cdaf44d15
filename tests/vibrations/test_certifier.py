"""Certification of a molecule with bonds: a saddle found by few products and displaced to both sides."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from explorer.config import Settings
from explorer.potential.potential import evaluate
from explorer.records.certificates import StationaryPointType
from explorer.records.minimum import Minimum
from explorer.records.structure_class import StructureClass
from explorer.system import system_of
from explorer.vibrations.certifier import Certifier
from explorer.vibrations.certifier import TestedStructure as RelaxedStructure  # pytest collects names with Test
from explorer.vibrations.hessian import hessians
from explorer.vibrations.lowest import MAX_PRODUCTS
from explorer.vibrations.spectrum import Spectrum


@pytest.fixture(scope="module")
def stationary(peptide, force_field):
    """Stationary point near given positions, and its energy, by Newton's method."""
    system = system_of(peptide, jnp.float64)
    at = jax.jit(lambda x: evaluate(force_field, system.replace(positions=x))[:2])

    def newton(positions: np.ndarray) -> tuple[np.ndarray, float]:
        for _ in range(30):
            energy, forces = (np.asarray(value) for value in at(positions))
            if np.abs(forces).max() < 1e-9:
                return positions, float(energy)
            inverse = np.linalg.pinv(hessians(force_field, system, positions[None])[0], rcond=1e-6, hermitian=True)
            step = (inverse @ forces.ravel()).reshape(-1, 3)
            positions = positions + step * min(1, 0.1 / np.abs(step).max())
        raise AssertionError("Newton's method does not converge")

    return newton


def with_rotated_methyl(peptide, degrees: float) -> np.ndarray:
    """Positions with the last methyl rotated about its bond to nitrogen."""
    carbon = next(
        i
        for i in reversed(range(peptide.n_atoms))
        if peptide.atomic_numbers[i] == 6 and len(hydrogens(peptide, i)) == 3
    )
    axis_end = next(j for j in neighbours(peptide, carbon) if peptide.atomic_numbers[j] == 7)
    axis = peptide.positions[carbon] - peptide.positions[axis_end]
    rotation = Rotation.from_rotvec(np.radians(degrees) * axis / np.linalg.norm(axis))
    positions = peptide.positions.copy()
    moving = hydrogens(peptide, carbon)
    positions[moving] = rotation.apply(positions[moving] - positions[carbon]) + positions[carbon]
    return positions


def neighbours(molecule, atom: int) -> list[int]:
    return [int(j if i == atom else i) for i, j in molecule.bonds if atom in (i, j)]


def hydrogens(molecule, atom: int) -> list[int]:
    return [j for j in neighbours(molecule, atom) if molecule.atomic_numbers[j] == 1]


@pytest.fixture(scope="module")
def certifier(peptide, force_field, stationary) -> Certifier:
    """Certifier of a run with the minimum and the methyl rotated by 180 degrees, a barrier of the springs."""
    points = [stationary(positions) for positions in (peptide.positions, with_rotated_methyl(peptide, 180.0))]
    minima = [
        Minimum(
            id=k,
            energy=energy,
            positions=positions - positions.mean(axis=0),
            structure_class=StructureClass.INTACT,
            fmax=1e-5,
            n_evaluations=0,
            round=0,
        )
        for k, (positions, energy) in enumerate(points)
    ]
    return Certifier(peptide, minima, force_field, Settings())


@pytest.mark.slow
def test_methyl_on_top_of_its_barrier_is_a_saddle_and_relaxes_to_the_minimum_on_both_sides(certifier):
    minimum, barrier = certifier.minima
    assert barrier.energy > minimum.energy + 0.5
    (lower, upper), (saddle,) = certifier.certify(certifier.minima, np.array([False, False]))
    assert (lower.point_type, upper.point_type) == (StationaryPointType.MINIMUM, StationaryPointType.SADDLE)
    assert lower.n_products < MAX_PRODUCTS
    assert len(lower.wavenumbers) == 0
    assert upper.reason == "1 imaginary vibration below -10 cm⁻¹"
    assert upper.lowest_wavenumber == saddle.wavenumbers[0]
    assert np.linalg.norm(saddle.direction, axis=1).max() == pytest.approx(1)
    assert [end.minimum for end in saddle.ends] == [0, 0]
    assert [end.point_type for end in saddle.ends] == [StationaryPointType.MINIMUM] * 2
    for end in saddle.ends:
        assert end.energy == pytest.approx(minimum.energy, abs=1e-6)


def test_minimum_that_relaxes_to_another_structure_class_is_not_certified(certifier):
    given = replace(certifier.minima[0], structure_class=StructureClass.CIS_AMIDE)
    (certificate,), saddles = certifier.certify([given], np.array([False]))
    assert certificate.point_type == StationaryPointType.NOT_CERTIFIED
    assert certificate.reason == "relaxes on and becomes intact"
    assert (certificate.n_products, saddles) == (0, [])


@pytest.mark.parametrize(
    ("wavenumbers", "point_type", "reason"),
    [
        ((-9.9, 30.0), StationaryPointType.MINIMUM, ""),
        ((-15.0, -9.0), StationaryPointType.SADDLE, "1 imaginary vibration below -10 cm⁻¹"),
        ((-80.0, -15.0), StationaryPointType.SADDLE, "2 imaginary vibrations below -10 cm⁻¹"),
        ((np.nan, np.nan), StationaryPointType.NOT_CERTIFIED, "the Hessian is not finite"),
    ],
)
def test_type_and_reason_count_imaginary_vibrations_by_one_threshold(wavenumbers, point_type, reason):
    relaxed = RelaxedStructure(
        positions=np.zeros((1, 3)),
        energy=0.0,
        fmax=0.0,
        structure_class=StructureClass.INTACT,
        failure="",
        spectrum=Spectrum(np.array(wavenumbers[:1]), np.zeros((1, 3)), 3, np.array(wavenumbers)),
    )
    assert (relaxed.point_type, relaxed.reason) == (point_type, reason)
