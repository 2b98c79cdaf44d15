"""Normal modes: mass-weighting, removal of rigid motions, and wavenumbers."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from explorer.units import ACCELERATION, SPEED_OF_LIGHT

SOFTEST_MINIMUM = -10.0  # cm⁻¹; a vibration below this counts as imaginary, and a minimum has none; not tuned
_COLLINEAR_SPREAD = 1e-3  # spread across an axis, as a share of the size, below which atoms are collinear; not tuned


class NormalModes(NamedTuple):
    """Vibrations of one structure in ascending order of their eigenvalue.

    Attributes:
        wavenumbers: cm⁻¹; imaginary ones are negative.
        directions: Cartesian displacements, scaled so that the atom that moves most moves by 1.
    """

    wavenumbers: Float[np.ndarray, "n_modes"]
    directions: Float[np.ndarray, "n_modes N 3"]


def wavenumber(eigenvalue: Float[np.ndarray, "*n"]) -> Float[np.ndarray, "*n"]:
    """Compute wavenumbers ν̃ = √λ / 2πc, cm⁻¹; negative if imaginary.

    Args:
        eigenvalue: Eigenvalues λ of the mass-weighted Hessian, eV/Å²/amu.
    """
    eigenvalue = np.asarray(eigenvalue, dtype=float)
    frequency = np.sqrt(np.abs(eigenvalue) * ACCELERATION) / (2 * np.pi)  # 1/fs
    return np.sign(eigenvalue) * frequency / SPEED_OF_LIGHT


def count_imaginary(wavenumbers: Float[np.ndarray, "n"]) -> int:
    """Return how many vibrations are imaginary, which is below -10 cm⁻¹.

    Args:
        wavenumbers: cm⁻¹; negative if imaginary.
    """
    return int((wavenumbers < SOFTEST_MINIMUM).sum())


def curvature(wavenumber: float) -> float:
    """Compute the eigenvalue of the mass-weighted Hessian, eV/Å²/amu, that has a given wavenumber.

    This is the inverse of the function `wavenumber`.

    Args:
        wavenumber: cm⁻¹; negative if imaginary.
    """
    return float(np.sign(wavenumber) * (2 * np.pi * SPEED_OF_LIGHT * wavenumber) ** 2 / ACCELERATION)


def rigid_modes(positions: Float[np.ndarray, "N 3"], masses: Float[np.ndarray, "N"]) -> Float[np.ndarray, "3N n"]:
    """Compute an orthonormal basis of translations and rotations in mass-weighted coordinates √m_i x_i.

    Args:
        positions: Positions, Å.
        masses: Masses, amu.

    Returns:
        Six columns; five if all atoms are collinear, three for one atom.
    """
    root = np.sqrt(masses / masses.sum())[:, None]
    centred = positions - (root**2 * positions).sum(axis=0)
    size = np.sqrt(((root * centred) ** 2).sum()) or 1.0
    axes = np.eye(3)
    shifts = [root * axis for axis in axes]
    rotations = [root * np.cross(axis, centred) / size for axis in axes]
    motions = np.array(shifts + rotations).reshape(6, -1).T
    basis, lengths, _ = np.linalg.svd(motions, full_matrices=False)
    return basis[:, lengths > _COLLINEAR_SPREAD]


def normal_modes(
    hessian: Float[np.ndarray, "3N 3N"], positions: Float[np.ndarray, "N 3"], masses: Float[np.ndarray, "N"]
) -> NormalModes:
    """Compute the normal modes: eigenvectors of M^(-1/2) H M^(-1/2) in the space orthogonal to rigid motions.

    Args:
        hessian: eV/Å².
        positions: Positions, Å.
        masses: Masses, amu.

    Source: Miller, Handy & Adams, J. Chem. Phys. 72, 99 (1980), doi:10.1063/1.438959.
    """
    rigid = rigid_modes(positions, masses)
    vibrations = np.linalg.svd(rigid, full_matrices=True)[0][:, rigid.shape[1] :]
    root = np.repeat(np.sqrt(masses), 3)
    weighted = hessian / np.outer(root, root)
    values, vectors = np.linalg.eigh(vibrations.T @ (weighted + weighted.T) / 2 @ vibrations)
    modes = (vibrations @ vectors).T
    return NormalModes(wavenumber(values), np.array([displacement(mode, masses) for mode in modes]))


def displacement(mode: Float[np.ndarray, "3N"], masses: Float[np.ndarray, "N"]) -> Float[np.ndarray, "N 3"]:
    """Convert a mass-weighted mode to Cartesian displacements, scaled so that the atom that moves most moves by 1.

    Args:
        mode: Mass-weighted mode of any length.
        masses: Masses, amu.
    """
    moved = np.asarray(mode).reshape(-1, 3) / np.sqrt(masses)[:, None]
    return moved / np.linalg.norm(moved, axis=1).max()
