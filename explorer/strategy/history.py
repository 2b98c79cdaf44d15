"""Minima found by all walkers, with the numbers of visits and departures."""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

import numpy as np
from jaxtyping import Float

from explorer.config import IdentitySettings
from explorer.records.minimum import Minimum
from explorer.records.structure_class import StructureClass
from explorer.similarity.dedup import nearest_match
from explorer.similarity.fingerprint import fingerprint_batch, fingerprint_radius
from explorer.similarity.symmetry import Symmetry
from explorer.strategy.growing_array import GrowingArray


class History:
    """All distinct minima of a run, sorted by energy, with their visits and departures.

    A query considers only minima of its structure class within the energy window. It compares their fingerprints and
    superposes the few that pass. If several match, the one with the smallest RMSD is taken, so the answer does not
    depend on the order.

    Args:
        symmetry: Symmetry of the molecule.
        settings: When two structures are the same minimum.
        minima: Minima known from the start, as after a resume, in order of id.
        visits: Number of visits by id; one where it is missing.
        departures: Number of finished hops that began at each minimum, by id; zero where it is missing.
    """

    def __init__(
        self,
        symmetry: Symmetry,
        settings: IdentitySettings,
        minima: Iterable[Minimum] = (),
        visits: Mapping[int, int] | None = None,
        departures: Mapping[int, int] | None = None,
    ):
        self._symmetry = symmetry
        self._settings = settings
        self._radius = fingerprint_radius(symmetry, settings.rmsd)
        self._minima: list[Minimum] = []
        self._visits: dict[int, int] = {}
        self._departures: Counter[int] = Counter(departures or {})
        self._energies: list[float] = []  # ascending; `_order` has the id of each at the same index
        self._order: list[int] = []
        self._fingerprints = GrowingArray(fingerprint_batch(symmetry, np.empty((0, len(symmetry.orbits), 3))))
        for minimum in minima:
            self.add(minimum)
        self._visits.update(visits or {})

    def __len__(self) -> int:
        return len(self._minima)

    @property
    def minima(self) -> tuple[Minimum, ...]:
        """All minima in order of id."""
        return tuple(self._minima)

    @property
    def visits(self) -> Mapping[int, int]:
        """Number of visits by id, read-only."""
        return MappingProxyType(self._visits)

    @property
    def departures(self) -> Mapping[int, int]:
        """Number of finished hops that began at each minimum, by id; 0 for all others; read-only."""
        return MappingProxyType(self._departures)

    def __getitem__(self, minimum_id: int) -> Minimum:
        return self._minima[minimum_id]

    def identify(
        self, energy: float, positions: Float[np.ndarray, "N 3"], structure_class: StructureClass
    ) -> int | None:
        """Return the id of the known minimum that a relaxed structure belongs to, or None if it is new.

        Args:
            energy: Energy, eV.
            positions: Positions, Å.
            structure_class: Class of the structure relative to the input.
        """
        fingerprint = fingerprint_batch(self._symmetry, positions[None])[0]
        return self._find(energy, positions, structure_class, fingerprint)

    def identify_batch(
        self,
        energies: Float[np.ndarray, "B"],
        positions: Float[np.ndarray, "B N 3"],
        structure_classes: Sequence[StructureClass],
    ) -> list[int | None]:
        """Identify several structures as `identify` does; they are not compared with each other.

        Args:
            energies: Energies, eV.
            positions: Positions, Å.
            structure_classes: Class of each structure relative to the input.
        """
        fingerprints = fingerprint_batch(self._symmetry, positions)
        return [self._find(*query) for query in zip(energies, positions, structure_classes, fingerprints, strict=True)]

    def add(self, minimum: Minimum) -> int:
        """Add a new minimum with one visit and return its id.

        Args:
            minimum: New minimum, whose id is the number of minima so far.

        Raises:
            ValueError: When its id is not the next one.
        """
        minimum_id = len(self._minima)
        if minimum.id != minimum_id:
            raise ValueError(f"The next minimum must have the id {minimum_id}, received {minimum.id}.")
        self._fingerprints.add(fingerprint_batch(self._symmetry, minimum.positions[None]))
        place = bisect_right(self._energies, minimum.energy)
        self._energies.insert(place, minimum.energy)
        self._order.insert(place, minimum_id)
        self._minima.append(minimum)
        self._visits[minimum_id] = 1
        return minimum_id

    def record_visit(self, minimum_id: int) -> int:
        """Count one more visit of a known minimum and return the new number of visits."""
        self._visits[minimum_id] += 1
        return self._visits[minimum_id]

    def record_departure(self, minimum_id: int) -> None:
        """Count one more finished hop that began at a known minimum."""
        self._departures[minimum_id] += 1

    def _find(
        self,
        energy: float,
        positions: Float[np.ndarray, "N 3"],
        structure_class: StructureClass,
        fingerprint: Float[np.ndarray, "d"],
    ) -> int | None:
        window = self._settings.energy_window
        first, last = bisect_left(self._energies, energy - window), bisect_right(self._energies, energy + window)
        near = sorted(k for k in self._order[first:last] if self._minima[k].structure_class == structure_class)
        if not near:
            return None
        distances = np.linalg.norm(self._fingerprints.rows[near] - fingerprint, axis=1)
        near = [k for k, distance in zip(near, distances, strict=True) if distance <= self._radius]
        candidates = np.array([self._minima[k].positions for k in near])
        match = nearest_match(self._symmetry, self._settings, positions, candidates)
        return None if match is None else near[match]
