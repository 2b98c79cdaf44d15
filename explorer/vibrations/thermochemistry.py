"""Zero-point energy and free energy of a minimum from its vibrations, with soft modes as free rotors; no JAX.

Translation is left out, since it is the same for all minima of a molecule. The number of permutations of identical
atoms is left out for the same reason; only the symmetry number of each minimum remains.
"""

import numpy as np
from jaxtyping import Float

from explorer.units import ACCELERATION, BOLTZMANN, PLANCK, SPEED_OF_LIGHT

ROTOR_WAVENUMBER = 100.0  # cm⁻¹, at which oscillator and rotor have equal weight (Grimme 2012)
MAX_ROTOR_INERTIA = 602.214  # amu Å² (10⁻⁴⁴ kg m²), limit of the inertia of rotors of very soft modes (Grimme 2012)
_ENERGY_PER_WAVENUMBER = PLANCK * SPEED_OF_LIGHT  # eV cm


def zero_point_energy(wavenumbers: Float[np.ndarray, "n_modes"]) -> float:
    """Compute Σ h c ν̃ / 2, eV.

    Args:
        wavenumbers: Wavenumbers of a minimum, cm⁻¹; the absolute value of slightly negative ones (down to -10) is used.
    """
    return float(_ENERGY_PER_WAVENUMBER * np.abs(wavenumbers).sum() / 2)


def vibrational_free_energy(wavenumbers: Float[np.ndarray, "n_modes"], temperature: float) -> float:
    """Compute the quasi-RRHO free energy of vibrations, zero-point energy included, eV.

    The energy is that of oscillators. The entropy of each mode interpolates between oscillator and free rotor,
    S = w S_oscillator + (1 - w) S_rotor with w = 1 / (1 + (100 cm⁻¹ / ν̃)⁴). A mode of a few cm⁻¹, whose wavenumber
    is uncertain, then does not dominate the free energy.

    Args:
        wavenumbers: Wavenumbers of a minimum, cm⁻¹.
        temperature: Temperature, K.

    Source: Grimme, Chem. Eur. J. 18, 9955 (2012), doi:10.1002/chem.201200497.
    """
    wavenumbers = np.abs(wavenumbers)
    quanta = _ENERGY_PER_WAVENUMBER * wavenumbers
    reduced = quanta / (BOLTZMANN * temperature)
    thermal = quanta / np.expm1(reduced)
    oscillator = BOLTZMANN * (reduced / np.expm1(reduced) - np.log(-np.expm1(-reduced)))
    weight = 1 / (1 + (ROTOR_WAVENUMBER / wavenumbers) ** 4)
    entropy = weight * oscillator + (1 - weight) * _rotor_entropy(wavenumbers, temperature)
    return zero_point_energy(wavenumbers) + float((thermal - temperature * entropy).sum())


def _rotor_entropy(wavenumbers: Float[np.ndarray, "n_modes"], temperature: float) -> Float[np.ndarray, "n_modes"]:
    """Return the entropy, eV/K, of a free rotor of inertia h / 8π²cν̃, which is limited for soft modes."""
    free = PLANCK / (8 * np.pi**2 * SPEED_OF_LIGHT * wavenumbers)  # eV fs²
    largest = MAX_ROTOR_INERTIA / ACCELERATION
    inertia = free * largest / (free + largest)
    return BOLTZMANN * (0.5 + 0.5 * np.log(8 * np.pi**3 * inertia * BOLTZMANN * temperature / PLANCK**2))


def rotational_free_energy(
    positions: Float[np.ndarray, "N 3"], masses: Float[np.ndarray, "N"], symmetry_number: int, temperature: float
) -> float:
    """Compute -kT ln Z of a classical rigid rotor, eV: Z = √π Π_a √(8π² I_a kT / h²) / σ; linear: Z = 8π² I kT / h² σ.

    Args:
        positions: Positions, Å.
        masses: Masses, amu.
        symmetry_number: σ.
        temperature: Temperature, K.

    Source: McQuarrie, Statistical Mechanics (1976), chapters 6 and 8.
    """
    thermal = BOLTZMANN * temperature
    moments = moments_of_inertia(positions, masses) / ACCELERATION  # eV fs²
    ratios = 8 * np.pi**2 * moments * thermal / PLANCK**2
    if moments[2] <= 0:
        return 0.0  # a single atom has no rotation
    linear = moments[0] < 1e-6 * moments[2]
    states = ratios[2] if linear else np.sqrt(np.pi * ratios.prod())
    return float(-thermal * np.log(states / symmetry_number))


def moments_of_inertia(positions: Float[np.ndarray, "N 3"], masses: Float[np.ndarray, "N"]) -> Float[np.ndarray, "3"]:
    """Compute the principal moments of inertia, ascending, amu Å².

    Args:
        positions: Positions, Å.
        masses: Masses, amu.
    """
    centred = positions - masses @ positions / masses.sum()
    tensor = (masses[:, None] * centred).T @ centred
    return np.linalg.eigvalsh(np.trace(tensor) * np.eye(3) - tensor)


def free_energy(
    energy: float,
    wavenumbers: Float[np.ndarray, "n_modes"],
    positions: Float[np.ndarray, "N 3"],
    masses: Float[np.ndarray, "N"],
    temperature: float,
    symmetry_number: int = 1,
    degeneracy: int = 1,
) -> float:
    """Compute E + F_vibration + F_rotation - kT ln g, without translation, eV.

    Args:
        energy: Energy of the minimum, eV.
        wavenumbers: Wavenumbers of the minimum, cm⁻¹.
        positions: Positions, Å.
        masses: Masses, amu.
        temperature: Temperature, K.
        symmetry_number: σ, number of rotations that map the minimum onto itself.
        degeneracy: g, number of minima that it represents: 2 if it is merged with its mirror image.
    """
    rotation = rotational_free_energy(positions, masses, symmetry_number, temperature)
    vibration = vibrational_free_energy(wavenumbers, temperature)
    return energy + vibration + rotation - BOLTZMANN * temperature * float(np.log(degeneracy))


def classical_free_energy(
    energy: float,
    wavenumbers: Float[np.ndarray, "n_modes"],
    temperature: float,
    symmetry_number: int = 1,
    degeneracy: int = 1,
) -> float:
    """Compute E + kT Σ ln(h c ν̃ / kT) + kT ln(σ / g), eV: classical oscillators, neither rotation nor zero point.

    Differences between a saddle and a minimum give the rate constants of Vineyard, as PATHSAMPLE and pele use them.

    Args:
        energy: Energy of the stationary point, eV.
        wavenumbers: Its wavenumbers without an imaginary one, cm⁻¹.
        temperature: Temperature, K.
        symmetry_number: σ, number of rotations that map the structure onto itself.
        degeneracy: g, number of structures that it represents: 2 if it is merged with its mirror image.

    Source: Vineyard, J. Phys. Chem. Solids 3, 121 (1957), doi:10.1016/0022-3697(57)90059-8.
    """
    thermal = BOLTZMANN * temperature
    quanta = _ENERGY_PER_WAVENUMBER * np.abs(wavenumbers) / thermal
    return energy + thermal * float(np.log(quanta).sum() + np.log(symmetry_number / degeneracy))
