"""Test whether a minimum is a result: the network must know it. One notion for searches and all later work."""

from copy import copy
from typing import NamedTuple, Self

import numpy as np
from jaxtyping import Float

from explorer.records.molecule import Molecule
from explorer.records.uncertainty import ANY_LEVEL, TrustLevel, UncertaintyEstimate, is_within_limit
from explorer.topology.bonds import keeps_bonds, topology_of
from explorer.topology.distortion import distortions
from explorer.uncertainty.assessor import MoleculeAssessor
from explorer.uncertainty.closest_pairs import ClosestPairs
from explorer.uncertainty.domain import Domain
from explorer.units import KCAL_PER_MOL

# eV that a change of bonds may gain: a zwitterion whose proton moves gains 2.6 in the training data. Not tuned.
MAX_GAIN = 3.0


class Assessment(NamedTuple):
    """What is known about a minimum of a network.

    Attributes:
        uncertainty: Uncertainty of the model at it; None where it is not estimated.
        exclusion: Why it is no result; empty for a result.
    """

    uncertainty: UncertaintyEstimate | None
    exclusion: str


class ResultCriteria:
    """Test of minima of one molecule. Its first call compiles.

    A minimum is a result if all of these hold. The trust level is not worse than the limit. Its energy is not below
    what the groups of the molecule can have; a change of bonds may gain 3 eV. No bond has an impossible length, and no
    hydrogen lies between two heavy atoms. With the bonds of the molecule, no pair of atoms is closer than in the
    training data.

    Args:
        molecule: The molecule; its positions are not used.
        limit: Worst trust level of a result, or `any`.
        estimate: Uncertainty of structures; None for a model without a calibration.
        domain: Domain of the training data; None where it is not known.

    Attributes:
        unseen: Chemistry of the molecule that the training data never had, in words.
    """

    def __init__(
        self,
        molecule: Molecule,
        limit: str,
        estimate: MoleculeAssessor | None = None,
        domain: Domain | None = None,
    ):
        self.limit, self.estimate = limit, estimate
        self.unseen = tuple(domain.unseen(molecule)) if domain else ()
        self._topology = topology_of(molecule)
        self._floor = domain.energy_floor(molecule) if domain else -np.inf
        self._closest = ClosestPairs(domain.closest, molecule.atomic_numbers, molecule.bonds) if domain else None

    def without_limit(self) -> Self:
        """Return criteria that exclude holes of the model, and nothing for its trust level."""
        other = copy(self)
        other.limit = ANY_LEVEL
        return other

    @property
    def is_unknown_chemistry(self) -> bool:
        """Whether the chemistry alone rules out every result."""
        return bool(self.unseen) and not is_within_limit(TrustLevel.OUT_OF_DISTRIBUTION, self.limit)

    def __call__(
        self,
        positions: Float[np.ndarray, "n N 3"],
        energies: Float[np.ndarray, "n"],
        ordinary: Float[np.ndarray, "n_bonds"] | None = None,
    ) -> list[Assessment]:
        """Assess structures.

        Args:
            positions: Å.
            energies: eV.
            ordinary: Length of each bond in the relaxed input, Å; None where there is none.
        """
        estimates = self._estimates(positions)
        topology = self._topology
        distorted = distortions(topology, positions, ordinary)
        same_groups = keeps_bonds(topology.atomic_numbers, positions, topology.bonds)
        return [
            Assessment(
                estimates[k],
                self._hole(float(energies[k]), bool(same_groups[k]), positions[k], distorted[k])
                or self._beyond_limit(estimates[k]),
            )
            for k in range(len(positions))
        ]

    def _estimates(self, positions: Float[np.ndarray, "n N 3"]) -> list[UncertaintyEstimate | None]:
        if self.estimate is not None:
            estimates = self.estimate(positions)
            if not self.unseen:
                return list(estimates)
            return [one._replace(trust_level=TrustLevel.OUT_OF_DISTRIBUTION) for one in estimates]
        if not self.unseen:
            return [None] * len(positions)
        nothing = UncertaintyEstimate(np.nan, np.nan, np.nan, np.nan, TrustLevel.OUT_OF_DISTRIBUTION)
        return [nothing] * len(positions)

    def _hole(self, energy: float, same_groups: bool, positions: Float[np.ndarray, "N 3"], distortion: str) -> str:
        """Return why a structure is a hole of the network; empty for others."""
        floor = self._floor - (0.0 if same_groups else MAX_GAIN)
        if energy < floor:
            below = (floor - energy) / KCAL_PER_MOL
            return f"energy {below:.0f} kcal/mol below the lowest that its groups can have"
        if distortion:
            return distortion
        close = self._closest.closer_pair(positions) if self._closest and same_groups else None
        if close is not None:
            names, (i, j, distance, least) = self._topology.atom_names, close
            return f"{names[i]} and {names[j]} at {distance:.2f} Å, never below {least:.2f} Å in the training data"
        return ""

    def _beyond_limit(self, estimate: UncertaintyEstimate | None) -> str:
        """Return why the trust level rules a structure out; empty for others."""
        if estimate is None or is_within_limit(estimate.trust_level, self.limit):
            return ""
        if self.unseen:
            return f"{estimate.trust_level}: {self.unseen[0]} is not in the training data"
        return f"{estimate.trust_level}: expected force error {estimate.expected_error:.2f} eV/Å"
