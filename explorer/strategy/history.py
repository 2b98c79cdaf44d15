"""The minima that all walkers have found so far: who is known, how often it was visited, and how often left."""

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
    """All distinct minima of a run, sorted by energy, and their visits.

    A query looks only at minima of its class within the energy window, compares fingerprints, and superposes those
    few that pass; among several matches the geometrically nearest is taken, so the answer does not depend on order.

    Args:
        symmetry: of the molecule.
        settings: when two structures are the same minimum.
        minima: known from the start, as after a resume; they are added in this order.
        visits: how often each of them was visited; once where nothing is said.
        departures: how many hops have begun at each of them; none where nothing is said.
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
        self._energies: list[float] = []  # ascending, with the id of each in the same place of `_order`
        self._order: list[int] = []
        self._fingerprints = GrowingArray(fingerprint_batch(symmetry, np.empty((0, len(symmetry.orbits), 3))))
        for minimum in minima:
            self.add(minimum)
        self._visits.update(visits or {})

    def __len__(self) -> int:
        return len(self._minima)

    @property
    def minima(self) -> tuple[Minimum, ...]:
        """In order of id."""
        return tuple(self._minima)

    @property
    def visits(self) -> Mapping[int, int]:
        """Number of visits by id, read-only."""
        return MappingProxyType(self._visits)

    @property
    def departures(self) -> Mapping[int, int]:
        """Number of finished hops that began at each minimum, by id, 0 for all others; read-only."""
        return MappingProxyType(self._departures)

    def __getitem__(self, known: int) -> Minimum:
        return self._minima[known]

    def identify(
        self, energy: float, positions: Float[np.ndarray, "N 3"], structure_class: StructureClass
    ) -> int | None:
        """The id of the minimum that a relaxed structure is; None for one that nobody has seen.

        Args:
            energy: eV.
            positions: Å.
            structure_class: what it is, compared with the input.
        """
        return self._find(energy, positions, structure_class, fingerprint_batch(self._symmetry, positions[None])[0])

    def identify_batch(
        self,
        energies: Float[np.ndarray, "B"],
        positions: Float[np.ndarray, "B N 3"],
        structure_classes: Sequence[StructureClass],
    ) -> list[int | None]:
        """`identify` for several structures; they are not compared with each other."""
        fingerprints = fingerprint_batch(self._symmetry, positions)
        return [self._find(*query) for query in zip(energies, positions, structure_classes, fingerprints, strict=True)]

    def add(self, minimum: Minimum) -> int:
        """Remember a new minimum, visited once; returns its id.

        Raises:
            ValueError: when its id is not the next one.
        """
        known = len(self._minima)
        if minimum.id != known:
            raise ValueError(f"The next minimum must have the id {known}, received {minimum.id}.")
        self._fingerprints.add(fingerprint_batch(self._symmetry, minimum.positions[None]))
        place = bisect_right(self._energies, minimum.energy)
        self._energies.insert(place, minimum.energy)
        self._order.insert(place, known)
        self._minima.append(minimum)
        self._visits[known] = 1
        return known

    def record_visit(self, known: int) -> int:
        """Count one more visit of a known minimum; returns how many there are now."""
        self._visits[known] += 1
        return self._visits[known]

    def record_departure(self, known: int) -> None:
        """Count one more hop that began at a known minimum and is done."""
        self._departures[known] += 1

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
