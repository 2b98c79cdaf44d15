"""Vibrations of many stationary points: all of them from the whole Hessian, or the softest by Davidson's method."""

from collections.abc import Iterator
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float

from explorer.devices import padded_batch_size
from explorer.potential.capacity import with_capacity_for
from explorer.potential.potential import Potential
from explorer.records.molecule import Molecule
from explorer.system import system_of
from explorer.vibrations.hessian import hessians
from explorer.vibrations.lowest import MAX_PRODUCTS, lowest_modes_fn
from explorer.vibrations.modes import displacement, normal_modes, rigid_modes, wavenumber

_MIN_BATCH_SIZE = 4  # structures per program; not tuned


class Spectrum(NamedTuple):
    """Vibrations of one structure.

    Attributes:
        softest: Wavenumbers of the softest vibrations, ascending, cm⁻¹; negative if imaginary, NaN without a finite
            Hessian.
        direction: Displacements of the softest vibration; the atom that moves most moves by 1.
        n_products: Number of Hessian-vector products used.
        wavenumbers: All wavenumbers, ascending, cm⁻¹; empty if only the softest were computed.
    """

    softest: Float[np.ndarray, "n_softest"]
    direction: Float[np.ndarray, "N 3"]
    n_products: int
    wavenumbers: Float[np.ndarray, "n_modes"]

    @property
    def lowest(self) -> float:
        """Wavenumber of the softest vibration, cm⁻¹."""
        return float(self.softest[0])

    @property
    def known(self) -> Float[np.ndarray, "n"]:
        """Wavenumbers of all vibrations, or of the softest if only those were computed, cm⁻¹."""
        return self.wavenumbers if len(self.wavenumbers) else self.softest


class Spectrometer:
    """Computes vibrations of conformers of one molecule in float64; it compiles on first use.

    Args:
        molecule: Molecule; its positions may be those of any conformer.
        potential: Potential to evaluate, in float64.
        n_softest: Number of vibrations where not all of them are wanted.
    """

    def __init__(self, molecule: Molecule, potential: Potential, n_softest: int = 1):
        self.potential = potential
        self.system = system_of(molecule, jnp.dtype("float64"))
        self.masses = molecule.masses
        saves = len(molecule.bonds) > 0 and 3 * molecule.n_atoms - 6 > MAX_PRODUCTS
        self._lowest, self._n_softest = lowest_modes_fn(molecule, n_softest) if saves else None, n_softest
        self.n_rows = padded_batch_size(_MIN_BATCH_SIZE)  # equal for all groups, so that each program is compiled once

    def measure(self, positions: Float[np.ndarray, "n N 3"], full: Bool[np.ndarray, "n"]) -> list[Spectrum]:
        """Compute the vibrations of each structure.

        Args:
            positions: Stationary points, Å.
            full: Whether all vibrations of each structure are wanted. They are also computed for small molecules, for
                clusters without bonds, and for structures whose softest vibration does not converge.
        """
        if not len(positions):
            return []
        self.potential = with_capacity_for(self.potential, positions)
        tried = np.flatnonzero(~full & (self._lowest is not None))
        spectra = self._softest(positions, tried)
        whole = self._all(positions, np.setdiff1d(np.arange(len(positions)), list(spectra)))
        for k in set(tried.tolist()) & set(whole):
            whole[k] = whole[k]._replace(n_products=whole[k].n_products + MAX_PRODUCTS)
        spectra |= whole
        return [spectra[k] for k in range(len(positions))]

    def hessians(self, positions: Float[np.ndarray, "n N 3"]) -> Float[np.ndarray, "n 3N 3N"]:
        """Compute the whole Hessian of each structure, eV/Å², always by the same program.

        Args:
            positions: Structures, Å.
        """
        self.potential = with_capacity_for(self.potential, positions)
        groups = self._groups(positions, np.arange(len(positions)))
        return np.concatenate([hessians(self.potential, self.system, rows)[: len(k)] for k, rows in groups])

    def _softest(self, positions: np.ndarray, which: np.ndarray) -> dict[int, Spectrum]:
        """Compute the softest vibrations by Davidson's method; structures for which it fails are left out."""
        spectra: dict[int, Spectrum] = {}
        if self._lowest is None:
            return spectra
        for numbers, rows in self._groups(positions, which):
            rigid = np.array([_six_columns(rigid_modes(x, self.masses)) for x in rows])
            lowest = self._lowest(self.potential, self.system, jnp.asarray(rows), jnp.asarray(rigid))
            for row in np.flatnonzero(lowest.converged[: len(numbers)]):
                direction = displacement(np.asarray(lowest.modes[row, 0]), self.masses)
                values = wavenumber(np.asarray(lowest.eigenvalues[row]))
                spectra[int(numbers[row])] = Spectrum(values, direction, int(lowest.n_products[row]), np.empty(0))
        return spectra

    def _all(self, positions: np.ndarray, which: np.ndarray) -> dict[int, Spectrum]:
        """Compute all vibrations from the whole Hessian."""
        spectra = {}
        for numbers, rows in self._groups(positions, which):
            matrices = hessians(self.potential, self.system, rows)
            for k, matrix, x in zip(numbers, matrices, rows, strict=False):
                spectra[int(k)] = self._analysed(matrix, x)
        return spectra

    def _groups(self, positions: np.ndarray, which: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield numbers and positions of groups of structures; the last group is padded with copies of a structure."""
        for start in range(0, len(which), self.n_rows):
            numbers = which[start : start + self.n_rows]
            yield numbers, positions[np.append(numbers, np.repeat(numbers[-1], self.n_rows - len(numbers)))]

    def _analysed(self, matrix: Float[np.ndarray, "3N 3N"], positions: Float[np.ndarray, "N 3"]) -> Spectrum:
        if not np.isfinite(matrix).all():
            return Spectrum(np.full(self._n_softest, np.nan), np.zeros_like(positions), len(matrix), np.empty(0))
        modes = normal_modes(matrix, positions, self.masses)
        softest = modes.wavenumbers[: self._n_softest]
        return Spectrum(softest, modes.directions[0], len(matrix), modes.wavenumbers)


def _six_columns(rigid: Float[np.ndarray, "3N n"]) -> Float[np.ndarray, "3N 6"]:
    return np.hstack([rigid, np.zeros((len(rigid), 6 - rigid.shape[1]))])
