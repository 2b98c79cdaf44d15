"""Zero-point and free energies against ASE's thermochemistry, and their limits."""

import numpy as np
import pytest
from ase import Atoms, units
from ase.build import molecule
from ase.data import atomic_masses
from ase.thermochemistry import HarmonicThermo, IdealGasThermo, RRHOMode

from explorer.units import BOLTZMANN
from explorer.vibrations.modes import curvature, wavenumber
from explorer.vibrations.thermochemistry import (
    MAX_ROTOR_INERTIA,
    ROTOR_WAVENUMBER,
    free_energy,
    rotational_free_energy,
    vibrational_free_energy,
    zero_point_energy,
)

STIFF = np.array([650.0, 1100.0, 1700.0, 3400.0])
TEMPERATURES = (77.0, 298.15, 500.0)


@pytest.mark.parametrize("temperature", TEMPERATURES)
def test_stiff_vibrations_are_harmonic(temperature):
    thermo = HarmonicThermo(STIFF * units.invcm)
    assert zero_point_energy(STIFF) == pytest.approx(thermo.get_ZPE_correction(), rel=1e-6)
    expected = thermo.get_helmholtz_energy(temperature, verbose=False)
    assert vibrational_free_energy(STIFF, temperature) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("temperature", TEMPERATURES)
def test_soft_vibrations_are_those_of_grimme(temperature):
    for wave in (4.0, 25.0, 80.0, 150.0, 400.0):
        mode = RRHOMode(wave * units.invcm, MAX_ROTOR_INERTIA, tau=ROTOR_WAVENUMBER)
        energy, entropy = mode.get_internal_energy(temperature, False), mode.get_entropy(temperature, False)
        assert vibrational_free_energy(np.array([wave]), temperature) == pytest.approx(
            energy - temperature * entropy, abs=1e-7
        )


def test_a_mode_of_a_few_wave_numbers_counts_as_a_rotor_half_as_much_as_an_oscillator():
    softer = vibrational_free_energy(np.array([2.0]), 300.0) - vibrational_free_energy(np.array([10.0]), 300.0)
    oscillator = BOLTZMANN * 300 * np.log(2 / 10)  # kT ln ν against kT ln ν / 2
    assert softer == pytest.approx(oscillator / 2, rel=0.02)


def ideal_gas(atoms: Atoms, waves: np.ndarray, geometry: str, sigma: int, temperature: float, energy: float) -> float:
    thermo = IdealGasThermo(
        waves * units.invcm, geometry=geometry, potentialenergy=energy, atoms=atoms, symmetrynumber=sigma, spin=0
    )
    return thermo.get_gibbs_energy(temperature, 1e5, verbose=False)


@pytest.mark.parametrize("temperature", TEMPERATURES)
@pytest.mark.parametrize(("name", "geometry", "sigma"), [("CH4", "nonlinear", 12), ("CO2", "linear", 2)])
def test_difference_of_two_structures_is_that_of_an_ideal_gas(name, geometry, sigma, temperature):
    small, large = molecule(name), molecule(name)
    large.positions *= 1.2
    n_modes = 3 * len(small) - (6 if geometry == "nonlinear" else 5)
    waves = np.linspace(1500, 3000, n_modes)
    masses = atomic_masses[small.numbers]
    expected = ideal_gas(large, 0.9 * waves, geometry, 1, temperature, -3.0) - ideal_gas(
        small, waves, geometry, sigma, temperature, -3.1
    )
    ours = free_energy(-3.0, 0.9 * waves, large.positions, masses, temperature) - free_energy(
        -3.1, waves, small.positions, masses, temperature, symmetry_number=sigma
    )
    assert ours == pytest.approx(expected, abs=1e-5)


def test_single_atom_has_no_rotation_and_a_merged_mirror_image_counts_twice():
    assert rotational_free_energy(np.zeros((1, 3)), np.ones(1), 1, 300.0) == 0.0
    atoms = molecule("H2O2")
    given = (-1.0, np.linspace(300, 3500, 6), atoms.positions, atomic_masses[atoms.numbers], 300.0)
    gained = free_energy(*given) - free_energy(*given, degeneracy=2)
    assert gained == pytest.approx(BOLTZMANN * 300 * np.log(2))


def test_wavenumber_is_that_of_a_diatomic_oscillator():
    """ν = sqrt(k/μ) / 2π in SI units, k = 10 eV/Å² and the reduced mass of hydrogen chloride."""
    reduced = 1.008 * 35.45 / (1.008 + 35.45)
    stiffness = 10 * 1.602176634e-19 / 1e-20  # N/m
    hertz = np.sqrt(stiffness / (reduced * 1.66053907e-27)) / (2 * np.pi)
    assert wavenumber(10 / reduced) == pytest.approx(hertz / 299792458 / 100, rel=1e-7)
    assert curvature(wavenumber(-0.3)) == pytest.approx(-0.3)
