"""From Hessians to wave numbers: mass-weighting, rigid motions taken out, normal modes."""

from typing import NamedTuple

import numpy as np
from ase.data import atomic_masses
from jaxtyping import Float, Int

from explorer.units import ACCELERATION, SPEED_OF_LIGHT

LINEAR = 1e-3  # atoms whose spread across an axis is below this share of their size lie on a line


class NormalModes(NamedTuple):
    """Vibrations of one structure in ascending order of their eigenvalue.

    Attributes:
        wavenumbers: cm⁻¹; imaginary ones as negative numbers.
        directions: Cartesian displacements, the largest atom moves 1.
    """

    wavenumbers: Float[np.ndarray, "n_modes"]
    directions: Float[np.ndarray, "n_modes N 3"]


def standard_masses(atomic_numbers: Int[np.ndarray, "N"]) -> Float[np.ndarray, "N"]:
    """Standard atomic weights, amu."""
    return atomic_masses[np.asarray(atomic_numbers)]


def wavenumber(eigenvalue: Float[np.ndarray, "*n"]) -> Float[np.ndarray, "*n"]:
    """ν̃ = sqrt(λ) / 2πc of eigenvalues λ of the mass-weighted Hessian (eV/Å²/amu), cm⁻¹; negative where imaginary."""
    eigenvalue = np.asarray(eigenvalue, dtype=float)
    frequency = np.sqrt(np.abs(eigenvalue) * ACCELERATION) / (2 * np.pi)  # 1/fs
    return np.sign(eigenvalue) * frequency / SPEED_OF_LIGHT


def curvature(wavenumber: float) -> float:
    """The eigenvalue (eV/Å²/amu) of a wave number in cm⁻¹, the inverse of `wavenumber`."""
    return float(np.sign(wavenumber) * (2 * np.pi * SPEED_OF_LIGHT * wavenumber) ** 2 / ACCELERATION)


def rigid_modes(positions: Float[np.ndarray, "N 3"], masses: Float[np.ndarray, "N"]) -> Float[np.ndarray, "3N n"]:
    """An orthonormal basis of translations and rotations in mass-weighted coordinates sqrt(m_i) x_i.

    Six columns, five where all atoms lie on a line, three for one atom.

    Args:
        positions: Å.
        masses: amu.
    """
    root = np.sqrt(masses / masses.sum())[:, None]
    centred = positions - (root**2 * positions).sum(axis=0)
    size = np.sqrt(((root * centred) ** 2).sum()) or 1.0
    axes = np.eye(3)
    shifts = [root * axis for axis in axes]
    turns = [root * np.cross(axis, centred) / size for axis in axes]
    motions = np.array(shifts + turns).reshape(6, -1).T
    basis, lengths, _ = np.linalg.svd(motions, full_matrices=False)
    return basis[:, lengths > LINEAR]


def normal_modes(
    hessian: Float[np.ndarray, "3N 3N"], positions: Float[np.ndarray, "N 3"], masses: Float[np.ndarray, "N"]
) -> NormalModes:
    """Eigenvalues of M^(-1/2) H M^(-1/2) in the space that is left when rigid motions are taken out.

    Source: Miller, Handy & Adams, J. Chem. Phys. 72, 99 (1980), doi:10.1063/1.438959.

    Args:
        hessian: eV/Å².
        positions: Å.
        masses: amu.
    """
    rigid = rigid_modes(positions, masses)
    vibrations = np.linalg.svd(rigid, full_matrices=True)[0][:, rigid.shape[1] :]
    root = np.repeat(np.sqrt(masses), 3)
    weighted = hessian / np.outer(root, root)
    values, vectors = np.linalg.eigh(vibrations.T @ (weighted + weighted.T) / 2 @ vibrations)
    modes = (vibrations @ vectors).T
    return NormalModes(wavenumber(values), np.array([displacement(mode, masses) for mode in modes]))


def displacement(mode: Float[np.ndarray, "3N"], masses: Float[np.ndarray, "N"]) -> Float[np.ndarray, "N 3"]:
    """A mass-weighted mode as Cartesian displacement, scaled so that the largest atom moves 1."""
    moved = np.asarray(mode).reshape(-1, 3) / np.sqrt(masses)[:, None]
    return moved / np.linalg.norm(moved, axis=1).max()
