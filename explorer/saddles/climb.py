"""Starts from one minimum: a bond that is turned and followed, or a soft direction of a cluster."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from explorer.records.molecule import Molecule
from explorer.records.transition_states import AttemptKind
from explorer.topology.bonds import topology_of
from explorer.topology.rotors import find_methyls, find_rotors
from explorer.topology.torsion_rotation import TorsionRotation

_TURN, _METHYL_TURN = 25.0, 60.0  # degrees
_SOFT_MODES = 8  # softest directions of a cluster that are followed in both senses; not tuned
_SHIFT, _RANDOM_SHIFT = 0.25, (0.25, 1.5)  # length of the displacement of all atoms, Å (σ of a cluster); not tuned


class Displacement(NamedTuple):
    """A displaced minimum.

    Attributes:
        positions: Å.
        direction: Cartesian displacements to follow uphill, of any length.
        is_planar: Whether the atoms lie in the xy plane and have not been relaxed there yet.
    """

    positions: Float[np.ndarray, "N 3"]
    direction: Float[np.ndarray, "N 3"]
    is_planar: bool = False


class Climber:
    """Starts of searches from one minimum of a molecule or cluster, by number.

    Args:
        molecule: The molecule.
        seed: Seed of random directions of clusters.
        turns_amides: Whether to turn the bonds of amides too.
    """

    def __init__(self, molecule: Molecule, seed: int, turns_amides: bool = True):
        self._seed, self.has_bonds = seed, len(molecule.bonds) > 0
        topology = topology_of(molecule)
        rotatable, amides = find_rotors(topology) if self.has_bonds else ([], [])
        self._rotors = [*rotatable, *amides] if turns_amides else [*rotatable]
        self._methyls = find_methyls(topology) if self.has_bonds else []
        self._turning = TorsionRotation(self._rotors, molecule.n_atoms)
        self._methyl_turning = TorsionRotation(self._methyls, molecule.n_atoms)
        self._n_modes = min(_SOFT_MODES, 3 * molecule.n_atoms)

    @property
    def kind(self) -> AttemptKind:
        """Kind of the attempts of this molecule."""
        return AttemptKind.TORSION if self.has_bonds else AttemptKind.MODE

    @property
    def n_starts(self) -> int:
        """Number of starts from one minimum: both senses of each torsion or soft direction.

        Starts of clusters with higher numbers are random.
        """
        return 2 * len(self._rotors) if self.has_bonds else 2 * self._n_modes

    @property
    def n_methyls(self) -> int:
        """Number of methyl groups and the like."""
        return len(self._methyls)

    def angles(self, positions: Float[np.ndarray, "n N 3"]) -> Float[np.ndarray, "n R"]:
        """Return the angles of the torsions that are turned, degrees.

        Args:
            positions: Structures, Å.
        """
        return self._turning.angles(positions)

    def turned(self, positions: Float[np.ndarray, "N 3"], number: int) -> Displacement:
        """Turn one torsion of a minimum by 25 degrees; even numbers turn it forwards, odd ones back.

        Args:
            positions: The minimum, Å.
            number: Number of the start.
        """
        return _turned(self._turning, positions, number // 2, _TURN if number % 2 == 0 else -_TURN)

    def methyl_turned(self, positions: Float[np.ndarray, "N 3"], number: int) -> Displacement:
        """Turn one methyl group of a minimum by 60 degrees.

        Args:
            positions: The minimum, Å.
            number: Number of the group.
        """
        return _turned(self._methyl_turning, positions, number, _METHYL_TURN)

    def displaced(
        self, positions: Float[np.ndarray, "N 3"], modes: Float[np.ndarray, "n N 3"], minimum: int, number: int
    ) -> Displacement:
        """Displace a minimum of a cluster along a soft mode or at random.

        Random starts are, in turn, combinations of modes with more of the soft ones, of all modes alike, and clusters
        that are projected on a random plane, since planar saddles are far from compact minima.

        Args:
            positions: The minimum, Å.
            modes: Orthonormal modes in ascending order of their curvature, without rigid motions.
            minimum: Id of the minimum, which decides the random numbers.
            number: Number of the start.
        """
        if number < 2 * self._n_modes:
            direction = modes[(number // 2) % len(modes)] * (1 if number % 2 == 0 else -1)
            return Displacement(positions + _SHIFT * direction, direction)
        rng = np.random.default_rng([self._seed, minimum, number])
        if number % 3 == 0:
            rotation, _ = np.linalg.qr(rng.normal(size=(3, 3)))
            normal = np.array([0.0, 0.0, 1.0])
            direction = rng.normal(size=(len(positions), 1)) * normal
            return Displacement((positions @ rotation) * (1 - normal), direction, is_planar=True)
        weights = rng.normal(size=len(modes))
        if number % 3 == 1:
            weights /= np.arange(1, len(modes) + 1)
        direction = np.tensordot(weights / np.linalg.norm(weights), modes, axes=1)
        return Displacement(positions + rng.uniform(*_RANDOM_SHIFT) * direction, direction)


def _turned(turning: TorsionRotation, positions: Float[np.ndarray, "N 3"], rotor: int, angle: float) -> Displacement:
    change = np.zeros((1, turning.angles(positions).shape[-1]))
    change[0, rotor] = angle
    (turned,) = turning.rotate(positions, change)
    return Displacement(turned, turning.tangent(turned, np.radians(change[0])))
