"""Rotation of several torsions of a molecule at once."""

from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from explorer.topology.rotors import Rotor
from explorer.topology.torsions import dihedrals


class TorsionRotation:
    """Torsion angles of rotors, and rotation of structures about them.

    Args:
        rotors: Rotatable bonds.
        n_atoms: Number of atoms of the molecule.
    """

    def __init__(self, rotors: Sequence[Rotor], n_atoms: int):
        self._has_twin = np.array([bool((rotor.twin != rotor.quadruple).any()) for rotor in rotors], bool)
        quadruples = np.array([rotor.quadruple for rotor in rotors], int).reshape(-1, 4)
        twins = np.array([rotor.twin for rotor in rotors], int).reshape(-1, 4)[self._has_twin]
        self._dihedrals = np.concatenate([quadruples, twins])
        self._axes = quadruples[:, 1:3]
        self._senses = np.array([[rotor.sense] for rotor in rotors]).reshape(-1, 1)
        self._moved = [rotor.moved for rotor in rotors]
        # moving parts are disjoint or nested; an inner part that rotates first leaves the axes of outer parts in place
        self._inner_first = sorted(range(len(rotors)), key=lambda k: len(self._moved[k]))
        self._is_moved = np.zeros((n_atoms, len(rotors)))
        for k, moved in enumerate(self._moved):
            self._is_moved[moved, k] = 1

    def angles(self, positions: Float[np.ndarray, "*batch N 3"]) -> Float[np.ndarray, "*batch R"]:
        """Return the angle of each rotor in degrees: the mean of its dihedral and that of its twin.

        Args:
            positions: Å, any leading axes.
        """
        values = dihedrals(positions, self._dihedrals)
        own, twins = values[..., : len(self._moved)], values[..., len(self._moved) :]
        if self._has_twin.any():
            directions = np.exp(1j * np.radians(own[..., self._has_twin])) + np.exp(1j * np.radians(twins))
            own[..., self._has_twin] = np.degrees(np.angle(directions))
        return own

    def rotate(
        self, positions: Float[np.ndarray, "N 3"], changes: Float[np.ndarray, "n R"]
    ) -> Iterator[Float[np.ndarray, "N 3"]]:
        """Yield structures whose rotor angles are increased by θ.

        Atoms at r that a rotor moves go to p + R (r - p), where p is a point on the axis and R is the rotation by θ.

        Args:
            positions: Positions of the initial structure, Å.
            changes: θ for each structure and rotor, degrees.
        """
        points, axes = self._axes_of(positions)
        rotations = Rotation.from_rotvec((np.radians(changes)[..., None] * axes).reshape(-1, 3)).as_matrix()
        transposed = rotations.reshape(*changes.shape, 3, 3).swapaxes(-1, -2)  # acts on rows of positions
        shifts = points - (points[:, None] @ transposed)[..., 0, :]
        for n in range(len(changes)):
            result = positions.copy()
            for k in self._inner_first:
                if changes[n, k]:
                    moved = self._moved[k]
                    result[moved] = result[moved] @ transposed[n, k] + shifts[n, k]
            yield result

    def tangent(self, positions: Float[np.ndarray, "N 3"], rates: Float[np.ndarray, "R"]) -> Float[np.ndarray, "N 3"]:
        """Return the derivative of the positions for given rates of change of all rotor angles.

        Args:
            positions: Positions, Å.
            rates: Change of each angle, rad.

        Returns:
            Displacements to first order, Å.
        """
        points, axes = self._axes_of(positions)
        rates = rates[:, None] * axes
        return np.cross(self._is_moved @ rates, positions) - self._is_moved @ np.cross(rates, points)

    def _axes_of(self, positions: np.ndarray) -> tuple[Float[np.ndarray, "R 3"], Float[np.ndarray, "R 3"]]:
        """Return a point on the axis of each rotor and the unit vector along it."""
        points, ends = positions[self._axes[:, 0]], positions[self._axes[:, 1]]
        axes = ends - points
        return points, axes * (self._senses / np.linalg.norm(axes, axis=1, keepdims=True))
