"""Unordered pairs of atoms within a cutoff, padded to a static capacity."""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

GLOBULE_DENSITY = 0.1  # atoms (hydrogens included) per Å³ in folded peptides
MIN_PAIR_DISTANCE = 1e-3  # Å; smaller distances are replaced by it, so that energies and forces stay finite


class NeighbourPairs(NamedTuple):
    """Unordered pairs first < second, sorted by `first`; padding has index 0 and a false mask."""

    first: Int[Array, "P"]
    second: Int[Array, "P"]
    mask: Bool[Array, "P"]


def n_all_pairs(n_atoms: int) -> int:
    """Return the number of unordered pairs, at least 1 so that arrays are never empty."""
    return max(1, n_atoms * (n_atoms - 1) // 2)


def find_pairs(
    positions: Float[Array, "N 3"], atom_mask: Bool[Array, "N"], cutoff: float, capacity: int
) -> tuple[NeighbourPairs, Bool[Array, ""]]:
    """Find all pairs closer than the cutoff.

    Args:
        positions: Positions, Å.
        atom_mask: False on padding.
        cutoff: Å; may be infinite.
        capacity: Static number of pairs that fit.

    Returns:
        The pairs, and whether there are more of them than fit.
    """
    first, second = (jnp.asarray(k, jnp.int32) for k in np.triu_indices(positions.shape[0], k=1))
    if first.size == 0:
        zero = jnp.zeros(capacity, jnp.int32)
        return NeighbourPairs(zero, zero, jnp.zeros(capacity, bool)), jnp.asarray(False)
    squared = jnp.sum((positions[first] - positions[second]) ** 2, axis=-1)
    near = (squared < cutoff**2) & atom_mask[first] & atom_mask[second]
    if capacity >= first.size:
        return NeighbourPairs(first, second, near), jnp.asarray(False)
    (index,) = jnp.nonzero(near, size=capacity, fill_value=0)
    n_near = jnp.sum(near)
    mask = jnp.arange(capacity) < n_near
    return NeighbourPairs(jnp.where(mask, first[index], 0), jnp.where(mask, second[index], 0), mask), n_near > capacity


def count_pairs(positions: Float[np.ndarray, "*batch N 3"], cutoff: float) -> int:
    """Count the pairs within the cutoff (Å) on the host; the largest number over structures (Å)."""
    first, second = np.triu_indices(positions.shape[-2], k=1)
    distances = np.linalg.norm(positions[..., first, :] - positions[..., second, :], axis=-1)
    return int(np.max(np.sum(distances < cutoff, axis=-1), initial=1))


def globule_pairs(n_atoms: int, cutoff: float) -> float:
    """Estimate the number of pairs within the cutoff (Å) in a ball with the density of folded peptides.

    Of the n (n - 1) / 2 pairs in a ball of radius R, the share s³ - 9 s⁴ / 16 + s⁶ / 32 is closer than s R, s ≤ 2.
    In minima of three peptides with 34 to 42 atoms, the ratio of actual to estimated pairs is 0.97 to 1.03 in the
    median and 1.2 at most.
    """
    radius = (3 * n_atoms / (4 * np.pi * GLOBULE_DENSITY)) ** (1 / 3)
    s = min(cutoff / radius, 2.0)
    return n_all_pairs(n_atoms) * (s**3 - 9 * s**4 / 16 + s**6 / 32)
