"""Vibrations of many stationary points: all of them by the whole Hessian, or the softest by the cheaper way."""

from collections.abc import Iterator
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float

from explorer.potential.potential import Potential
from explorer.records import Molecule
from explorer.system import from_molecule
from explorer.vibrations.hessian import hessians, roomy
from explorer.vibrations.lowest import MAX_PRODUCTS, lowest_modes_fn
from explorer.vibrations.modes import displacement, normal_modes, rigid_motions, standard_masses, wavenumber

AT_A_TIME = 4  # structures of one program, always as many, so that it is compiled once


class Spectrum(NamedTuple):
    """Vibrations of one structure.

    Attributes:
        lowest: the softest, cm⁻¹; negative where imaginary, NaN where the Hessian is not finite.
        direction: its displacements, the largest atom moves 1.
        n_products: Hessian-vector products that it took.
        wavenumbers: all, ascending, cm⁻¹; empty where only the softest is known.
    """

    lowest: float
    direction: Float[np.ndarray, "N 3"]
    n_products: int
    wavenumbers: Float[np.ndarray, "n_modes"]


class Spectrometer:
    """What measures vibrations of conformers of one molecule in float64; it compiles on first use.

    Args:
        molecule: any conformer.
        potential: on which surface, in float64.
    """

    def __init__(self, molecule: Molecule, potential: Potential):
        self.potential = potential
        self.system = from_molecule(molecule, jnp.dtype("float64"))
        self.masses = standard_masses(molecule.atomic_numbers)
        saves = len(molecule.bonds) > 0 and 3 * molecule.n_atoms - 6 > MAX_PRODUCTS
        self._lowest = lowest_modes_fn(molecule) if saves else None

    def measure(self, positions: Float[np.ndarray, "n N 3"], full: Bool[np.ndarray, "n"]) -> list[Spectrum]:
        """Vibrations of each structure.

        Args:
            positions: of stationary points, Å.
            full: where all vibrations are wanted. A small molecule, a cluster without bonds and a structure whose
                softest vibration does not converge get all of them too.
        """
        self.potential = roomy(self.potential, positions) if len(positions) else self.potential
        found: dict[int, Spectrum | None] = dict.fromkeys(range(len(positions)))
        tried = np.zeros(len(positions), int)
        if self._lowest is not None:
            for k, spectrum in self._softest(positions, np.flatnonzero(~full)):
                found[k] = spectrum
                tried[k] = 0 if spectrum else MAX_PRODUCTS
        missing = np.array([k for k, spectrum in found.items() if spectrum is None], int)
        for k, spectrum in self._all(positions, missing):
            found[k] = spectrum._replace(n_products=spectrum.n_products + int(tried[k]))
        return [spectrum for spectrum in found.values() if spectrum is not None]

    def _softest(self, positions: np.ndarray, which: np.ndarray) -> Iterator[tuple[int, Spectrum | None]]:
        """By Davidson's method; None where it does not converge."""
        for places, rows in _groups(positions, which):
            rigid = np.array([_six_columns(rigid_motions(x, self.masses)) for x in rows])
            assert self._lowest is not None
            lowest = self._lowest(self.potential, self.system, jnp.asarray(rows), jnp.asarray(rigid))
            for row, k in enumerate(places):
                if not lowest.converged[row]:
                    yield int(k), None
                    continue
                direction = displacement(np.asarray(lowest.mode[row]), self.masses)
                value = float(wavenumber(np.asarray(lowest.eigenvalue[row])))
                yield int(k), Spectrum(value, direction, int(lowest.n_products[row]), np.empty(0))

    def _all(self, positions: np.ndarray, which: np.ndarray) -> Iterator[tuple[int, Spectrum]]:
        """By the whole Hessian."""
        for places, rows in _groups(positions, which):
            matrices = hessians(self.potential, self.system, rows)
            for k, matrix, x in zip(places, matrices, rows, strict=False):
                if not np.isfinite(matrix).all():
                    yield int(k), Spectrum(np.nan, np.zeros_like(x), len(matrix), np.empty(0))
                    continue
                modes = normal_modes(matrix, x, self.masses)
                yield int(k), Spectrum(modes.wavenumbers[0], modes.directions[0], len(matrix), modes.wavenumbers)


def _groups(positions: np.ndarray, which: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Numbers of so many structures at a time and their positions, the last group filled up with its last one."""
    for start in range(0, len(which), AT_A_TIME):
        places = which[start : start + AT_A_TIME]
        filled = np.concatenate([places, np.repeat(places[-1:], AT_A_TIME - len(places))])
        yield places, positions[filled]


def _six_columns(rigid: Float[np.ndarray, "3N n"]) -> Float[np.ndarray, "3N 6"]:
    return np.pad(rigid, ((0, 0), (0, 6 - rigid.shape[1])))
