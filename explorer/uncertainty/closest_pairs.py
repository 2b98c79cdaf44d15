"""Closest approach of each kind of pair of atoms in training data: bonded, across an angle, and farther apart."""

from collections.abc import Iterable, Mapping

import numpy as np
from ase.data import chemical_symbols
from jaxtyping import Float, Int

_FAR = 3  # bonds between two atoms from which pairs are not distinguished any more


def closest_pairs(
    atomic_numbers: Int[np.ndarray, "N"], bonds: Int[np.ndarray, "n_bonds 2"], positions: Float[np.ndarray, "F N 3"]
) -> dict[str, float]:
    """Return the smallest distance of each kind of pair, Å.

    A kind such as `H-O 3` has the elements, and the number of bonds between the atoms: 1, 2, or 3 for all farther ones.

    Args:
        atomic_numbers: Atomic number of each atom.
        bonds: Index pairs.
        positions: Structures with these bonds, Å.
    """
    i, j = np.triu_indices(len(atomic_numbers), 1)
    smallest = np.full(len(i), np.inf)
    for one in positions:
        np.minimum(smallest, np.linalg.norm(one[i] - one[j], axis=1), out=smallest)
    kinds = _kinds(atomic_numbers, bonds, i, j)
    return smallest_of({kind: distance} for kind, distance in zip(kinds, smallest.tolist(), strict=True))


def smallest_of(parts: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """Return the smallest distance of each kind of pair over several molecules."""
    found: dict[str, float] = {}
    for part in parts:
        for kind, distance in part.items():
            found[kind] = min(found.get(kind, np.inf), distance)
    return found


class ClosestPairs:
    """Test of structures of one molecule for pairs that are closer than any in the training data.

    Args:
        closest: Smallest distances by kind of pair, Å, from `closest_pairs`.
        atomic_numbers: Atomic number of each atom.
        bonds: Index pairs.
    """

    def __init__(
        self, closest: Mapping[str, float], atomic_numbers: Int[np.ndarray, "N"], bonds: Int[np.ndarray, "n_bonds 2"]
    ):
        self._i, self._j = np.triu_indices(len(atomic_numbers), 1)
        kinds = _kinds(atomic_numbers, bonds, self._i, self._j)
        self._limits = np.array([closest.get(kind, 0.0) for kind in kinds])  # a kind that was never seen has none

    def closer_pair(self, positions: Float[np.ndarray, "N 3"]) -> tuple[int, int, float, float] | None:
        """Return the pair that is the most too close: both atoms, its distance and the smallest one seen, Å.

        Args:
            positions: Å.
        """
        distances = np.linalg.norm(positions[self._i] - positions[self._j], axis=1)
        excess = self._limits - distances
        k = int(np.argmax(excess)) if len(excess) else 0
        if not len(excess) or excess[k] <= 0:
            return None
        return int(self._i[k]), int(self._j[k]), float(distances[k]), float(self._limits[k])


def _kinds(
    atomic_numbers: Int[np.ndarray, "N"],
    bonds: Int[np.ndarray, "n_bonds 2"],
    i: Int[np.ndarray, "P"],
    j: Int[np.ndarray, "P"],
) -> list[str]:
    """Return elements and number of bonds between the atoms of each pair, with 3 for all farther ones."""
    bonded = np.zeros((len(atomic_numbers), len(atomic_numbers)), bool)
    bonded[tuple(np.asarray(bonds).T)] = bonded[tuple(np.asarray(bonds).T[::-1])] = True
    across = bonded.astype(int) @ bonded.astype(int) > 0
    between = np.where(bonded, 1, np.where(across, 2, _FAR))[i, j].tolist()
    symbols = np.array(chemical_symbols)[atomic_numbers]
    return [
        "-".join(sorted(pair)) + f" {n}"
        for pair, n in zip(zip(symbols[i], symbols[j], strict=True), between, strict=True)
    ]
