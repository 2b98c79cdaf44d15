"""Surface of one molecule in float64: energies, forces, Hessians, and the coordinates of saddle searches."""

from functools import cached_property

import numpy as np
from jaxtyping import Float

from explorer.potential.capacity import with_capacity_for
from explorer.potential.potential import Potential
from explorer.potential.prediction import predict_all
from explorer.records.minimum import Minimum
from explorer.records.molecule import Molecule
from explorer.relaxation.coordinates import internal_coordinates
from explorer.saddles.curvature import Curvature
from explorer.saddles.saddle_coordinates import SaddleCoordinates, hessian_in_u
from explorer.system import system_of
from explorer.vibrations.modes import rigid_modes
from explorer.vibrations.spectrum import Spectrometer

_RIGID = 1e6  # eV/Å², curvature given to rigid motions, so that they are the last modes


class Surface:
    """Surface of one molecule; it compiles on first use.

    Args:
        molecule: The molecule.
        potential: Potential in float64.
        first: First minimum of the run, whose mean curvature scales the Cartesian coordinates of a cluster.

    Attributes:
        potential: Potential with a capacity for all structures so far.
        system: The molecule in float64.
        spectrometer: Hessians, and vibrations: all of them or the softest two, which tell a saddle.
    """

    def __init__(self, molecule: Molecule, potential: Potential, first: Minimum):
        self._molecule, self._first = molecule, first
        self.potential, self.system = potential, system_of(molecule, np.dtype("float64"))
        self.spectrometer = Spectrometer(molecule, potential, n_softest=2)
        self._modes: dict[int, Float[np.ndarray, "n N 3"]] = {}

    @cached_property
    def coordinates(self) -> SaddleCoordinates:
        """Internal coordinates of a molecule, or scaled Cartesian ones of a cluster."""
        if len(self._molecule.bonds):
            return SaddleCoordinates(internal_coordinates(self._molecule), np.ones(()))
        matrix = self.spectrometer.hessians(self._first.positions[None])[0]
        return SaddleCoordinates(None, np.asarray(np.trace(matrix) / len(matrix)))

    def evaluate(
        self, positions: Float[np.ndarray, "n N 3"]
    ) -> tuple[Float[np.ndarray, "n"], Float[np.ndarray, "n N 3"]]:
        """Return energies (eV) and forces (eV/Å).

        Args:
            positions: Structures, Å.
        """
        self.potential = with_capacity_for(self.potential, positions)
        prediction, _ = predict_all(self.potential, self.system, positions)
        return np.asarray(prediction.energies).mean(axis=-1), np.asarray(prediction.forces)[:, 0]

    def curvatures(self, positions: Float[np.ndarray, "n N 3"]) -> Curvature | None:
        """Return the Hessians with which refinements of a cluster begin; None for the model Hessian of a molecule.

        Args:
            positions: Structures, Å.
        """
        coordinates = self.coordinates
        if coordinates.internal is not None:
            return None
        stiffness = float(coordinates.cartesian_stiffness)
        matrices = self.spectrometer.hessians(positions)
        known = [hessian_in_u(matrix, at, stiffness) for matrix, at in zip(matrices, positions, strict=True)]
        return Curvature(*(np.array(column) for column in zip(*known, strict=True)))

    def modes_of(self, minimum: Minimum) -> Float[np.ndarray, "n N 3"]:
        """Return orthonormal modes of a minimum without masses, in ascending order of their curvature.

        Args:
            minimum: A minimum of the molecule.
        """
        if minimum.id not in self._modes:
            matrix = self.spectrometer.hessians(minimum.positions[None])[0]
            rigid = rigid_modes(minimum.positions, np.ones(len(minimum.positions)))
            inside = np.eye(len(matrix)) - rigid @ rigid.T
            _, vectors = np.linalg.eigh(inside @ matrix @ inside + _RIGID * rigid @ rigid.T)
            kept = vectors.T[: len(matrix) - rigid.shape[1]]
            self._modes[minimum.id] = kept.reshape(-1, *minimum.positions.shape)
        return self._modes[minimum.id]
