"""Bonds of a molecule turned, several at once."""

from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from explorer.topology.rotors import Rotor
from explorer.topology.torsions import dihedrals


class TorsionRotation:
    """How the rotors of a molecule stand, and what turning them does to a structure.

    Args:
        rotors: bonds that turn.
        n_atoms: of the molecule.
    """

    def __init__(self, rotors: Sequence[Rotor], n_atoms: int):
        self._has_twin = np.array([bool((rotor.twin != rotor.quadruple).any()) for rotor in rotors], bool)
        quadruples = np.array([rotor.quadruple for rotor in rotors], int).reshape(-1, 4)
        twins = np.array([rotor.twin for rotor in rotors], int).reshape(-1, 4)[self._has_twin]
        self._dihedrals = np.concatenate([quadruples, twins])
        self._axes = quadruples[:, 1:3]
        self._senses = np.array([[rotor.sense] for rotor in rotors]).reshape(-1, 1)
        self._moved = [rotor.moved for rotor in rotors]
        # parts are disjoint or one within the other: turned first, an inner one leaves the axes of outer ones in place
        self._inner_first = sorted(range(len(rotors)), key=lambda k: len(self._moved[k]))
        self._is_moved = np.zeros((n_atoms, len(rotors)))
        for k, moved in enumerate(self._moved):
            self._is_moved[moved, k] = 1

    def angles(self, positions: Float[np.ndarray, "*batch N 3"]) -> Float[np.ndarray, "*batch R"]:
        """How each rotor stands, degrees: halfway between its dihedral and that of its twin."""
        found = dihedrals(positions, self._dihedrals)
        own, twins = found[..., : len(self._moved)], found[..., len(self._moved) :]
        if self._has_twin.any():
            towards = np.exp(1j * np.radians(own[..., self._has_twin])) + np.exp(1j * np.radians(twins))
            own[..., self._has_twin] = np.degrees(np.angle(towards))
        return own

    def rotate(
        self, positions: Float[np.ndarray, "N 3"], changes: Float[np.ndarray, "n R"]
    ) -> Iterator[Float[np.ndarray, "N 3"]]:
        """Structures with the dihedrals of rotors larger by θ, one by one: a part becomes p + R (r - p), p on its axis.

        Args:
            positions: where all of them begin, Å.
            changes: θ, degrees.
        """
        places, along = self._axes_of(positions)
        rotations = Rotation.from_rotvec((np.radians(changes)[..., None] * along).reshape(-1, 3)).as_matrix()
        turns = rotations.reshape(*changes.shape, 3, 3).swapaxes(-1, -2)  # of rows of positions
        shifts = places - (places[:, None] @ turns)[..., 0, :]
        for row in range(len(changes)):
            result = positions.copy()
            for k in self._inner_first:
                if changes[row, k]:
                    moved = self._moved[k]
                    result[moved] = result[moved] @ turns[row, k] + shifts[row, k]
            yield result

    def tangent(self, positions: Float[np.ndarray, "N 3"], rates: Float[np.ndarray, "R"]) -> Float[np.ndarray, "N 3"]:
        """Derivative of the positions, Å, when the dihedrals of all rotors grow by so many rad."""
        places, along = self._axes_of(positions)
        rates = rates[:, None] * along
        return np.cross(self._is_moved @ rates, positions) - self._is_moved @ np.cross(rates, places)

    def _axes_of(self, positions: np.ndarray) -> tuple[Float[np.ndarray, "R 3"], Float[np.ndarray, "R 3"]]:
        """A place on the axis about which each part turns, and the unit vector along it."""
        places, ends = positions[self._axes[:, 0]], positions[self._axes[:, 1]]
        along = ends - places
        return places, along * (self._senses / np.linalg.norm(along, axis=1, keepdims=True))
