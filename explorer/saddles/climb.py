"""Starts that no pair of minima decides: a bond that is turned and followed, or a cluster that is displaced."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from explorer.records.minimum import Minimum
from explorer.records.molecule import Molecule
from explorer.records.transition_states import AttemptKind, TransitionState
from explorer.strategy.cluster_moves import random_restart
from explorer.topology.bonds import topology_of
from explorer.topology.contacts import contact_distance
from explorer.topology.rotors import find_methyls, find_rotors
from explorer.topology.torsion_rotation import TorsionRotation

_TURN, _METHYL_TURN = 25.0, 60.0  # degrees
_SOFT_MODES = 8  # softest directions of a cluster that are followed in both senses; not tuned
# Lengths of displacements of all atoms of a cluster, Å (σ of a Lennard-Jones cluster); not tuned
_SHIFT, _RANDOM_SHIFT, _SADDLE_SHIFT = 0.25, (0.25, 1.5), (0.2, 0.7)


class Displacement(NamedTuple):
    """Start of a refinement.

    Attributes:
        positions: Å.
        direction: Cartesian displacements to follow uphill, of any length.
    """

    positions: Float[np.ndarray, "N 3"]
    direction: Float[np.ndarray, "N 3"]


class Climber:
    """Starts of searches from one minimum or saddle of a molecule or cluster, by number.

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
        """Turn one methyl group of a minimum or a saddle by 60 degrees.

        Args:
            positions: The minimum or saddle, Å.
            number: Number of the group.
        """
        return _turned(self._methyl_turning, positions, number, _METHYL_TURN)

    def displaced(
        self,
        minimum: Minimum,
        modes: Float[np.ndarray, "n N 3"],
        number: int,
        saddles: Sequence[TransitionState] = (),
    ) -> Displacement:
        """Displace a minimum of a cluster along a soft mode; starts with higher numbers are random.

        Of four random starts two are random clusters, one is the minimum displaced along a combination of modes with
        more of the soft ones, and one is a known saddle displaced at random. On LJ8 they differ in the rare saddles
        that they find.

        Args:
            minimum: The minimum.
            modes: Its orthonormal modes in ascending order of their curvature, without rigid motions.
            number: Number of the start.
            saddles: Known saddles.
        """
        positions = minimum.positions
        if number < 2 * self._n_modes:
            direction = modes[(number // 2) % len(modes)] * (1 if number % 2 == 0 else -1)
            return Displacement(positions + _SHIFT * direction, direction)
        rng = np.random.default_rng([self._seed, minimum.id, number])
        if number % 4 == 1:
            weights = rng.normal(size=len(modes)) / np.arange(1, len(modes) + 1)
            direction = np.tensordot(weights / np.linalg.norm(weights), modes, axes=1)
            return Displacement(positions + rng.uniform(*_RANDOM_SHIFT) * direction, direction)
        direction = rng.normal(size=positions.shape)
        if number % 4 == 3 and saddles:
            shift = rng.uniform(*_SADDLE_SHIFT) * direction / np.linalg.norm(direction)
            return Displacement(saddles[int(rng.integers(len(saddles)))].positions + shift, direction)
        return Displacement(random_restart(len(positions), contact_distance(positions), rng), direction)


def _turned(turning: TorsionRotation, positions: Float[np.ndarray, "N 3"], rotor: int, angle: float) -> Displacement:
    change = np.zeros((1, turning.angles(positions).shape[-1]))
    change[0, rotor] = angle
    (turned,) = turning.rotate(positions, change)
    return Displacement(turned, turning.tangent(turned, np.radians(change[0])))
