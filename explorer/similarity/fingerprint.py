"""Vectors that do not change under rotation, translation and exchange of equal atoms."""

from functools import lru_cache
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from explorer.similarity.symmetry import Symmetry

MAX_FEATURES = 500
MAX_VOLUMES = 64
MAIN_DIRECTIONS = 24  # of fingerprints of one molecule hold most of what tells them apart
MAX_SAMPLE = 1000  # structures that the directions are found from
ROWS = 1024  # structures at a time, so that memory stays small


class FeatureBlock(NamedTuple):
    """Pairs whose distances are sorted together: `n_blocks` orbit pairs of `n_pairs` atom pairs each."""

    first: Int[np.ndarray, "n_blocks n_pairs"]
    second: Int[np.ndarray, "n_blocks n_pairs"]


class Plan(NamedTuple):
    blocks: tuple[FeatureBlock, ...]
    chunk: int  # neighbouring sorted distances that are summed up into one feature
    max_degree: int  # largest number of pairs that one atom is part of


def fingerprint_batch(
    symmetry: Symmetry, positions: Float[np.ndarray, "B N 3"], signed: bool = False
) -> Float[np.ndarray, "B d"]:
    """Sorted distances of each pair of orbits, Å; with `signed` also volumes that tell mirror images apart.

    Neighbouring sorted distances are summed up in chunks of m and divided by sqrt(m) where there are too many of them,
    and of very large molecules only every k-th pair of orbits is taken: d stays near 500. Both shorten the vector
    between two fingerprints, never lengthen it, which `fingerprint_radius` relies on.

    Args:
        symmetry: of the molecule.
        positions: Å.
        signed: append det(r_1, r_2, r_3) / (|r_1| |r_2| |r_3|)^(2/3), Å, of consecutive skeleton atoms that no
            automorphism moves; there are none where fewer than four such atoms are.
    """
    positions = np.asarray(positions, dtype=float)
    plan = _plan(symmetry)
    parts = [_distances(plan, positions[k : k + ROWS]) for k in range(0, len(positions), ROWS)]
    distances = np.concatenate(parts) if parts else _distances(plan, positions)
    return np.concatenate([distances, _signed_volumes(symmetry, positions)], axis=1) if signed else distances


def traced_fingerprints(symmetry: Symmetry, positions: Any) -> Any:
    """Signed fingerprints of molecules as `fingerprint_batch` gives them, of JAX's arrays in code that is compiled.

    Args:
        symmetry: of a molecule with bonds.
        positions: Å, shape (B, N, 3).

    Returns:
        An array of the same kind, shape (B, d).
    """
    parts = [_distances(_plan(symmetry), positions), _signed_volumes(symmetry, positions)]
    return positions.__array_namespace__().concatenate(parts, axis=1)


def fingerprint_radius(symmetry: Symmetry, rmsd: float) -> float:
    """The largest Euclidean distance of unsigned fingerprints of two structures within an RMSD ρ, Å.

    With displacements δ_i, a distance changes by at most |δ_i| + |δ_j|, and (x + y)² <= 2 (x² + y²), so the squared
    changes of all pairs add up to at most 2 k Σ_i |δ_i|² = 2 k N ρ², where k is the largest number of pairs of an
    atom. Sorting both sides only brings them closer. The filter therefore never separates two copies of a minimum.
    """
    return float(np.sqrt(2 * _plan(symmetry).max_degree * len(symmetry.orbits)) * rmsd)


def compressed(fingerprints: Float[np.ndarray, "B d"]) -> Float[np.ndarray, "B e"]:
    """Fingerprints projected on their main directions: a projection never lengthens, so the radius stays valid.

    Args:
        fingerprints: of `fingerprint_batch`.
    """
    if len(fingerprints) <= MAIN_DIRECTIONS:
        return fingerprints
    sample = fingerprints[:: max(1, len(fingerprints) // MAX_SAMPLE)]
    centred = sample - sample.mean(axis=0)
    _, directions = np.linalg.eigh(centred.T @ centred)  # by ascending variance
    return fingerprints @ directions[:, -MAIN_DIRECTIONS:]


@lru_cache(maxsize=16)
def _plan(symmetry: Symmetry) -> Plan:
    atoms = symmetry.skeleton if len(symmetry.skeleton) >= 4 else np.arange(len(symmetry.orbits))
    pairs: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for i, j in combinations(atoms.tolist(), 2):
        low, high = sorted((int(symmetry.orbits[i]), int(symmetry.orbits[j])))
        pairs.setdefault((low, high), []).append((i, j))
    n_pairs = sum(len(block) for block in pairs.values())
    excess = max(1, -(-n_pairs // MAX_FEATURES))
    # a cluster has few orbits with many pairs each, a molecule many orbits with few
    chunk, stride = (1, excess) if symmetry.has_bonds else (excess, 1)
    chosen = [pairs[key] for key in sorted(pairs)][::stride]
    degrees = np.bincount([atom for block in chosen for pair in block for atom in pair], minlength=1)
    blocks = []
    for length in sorted({len(block) for block in chosen}):
        same = np.array([block for block in chosen if len(block) == length])
        blocks.append(FeatureBlock(same[..., 0], same[..., 1]))
    return Plan(tuple(blocks), chunk, int(degrees.max()))


def _distances(plan: Plan, positions: Any) -> Any:
    xp = positions.__array_namespace__()
    features = [xp.zeros((len(positions), 0), positions.dtype)]
    for first, second in plan.blocks:
        difference = positions[:, first] - positions[:, second]
        distances = xp.sqrt(xp.einsum("bnpx,bnpx->bnp", difference, difference))
        if distances.shape[-1] > 1:
            distances = xp.sort(distances, axis=-1)
        if plan.chunk > 1:
            starts = np.arange(0, distances.shape[-1], plan.chunk)
            lengths = np.diff(np.append(starts, distances.shape[-1]))
            distances = np.add.reduceat(distances, starts, axis=-1) / np.sqrt(lengths)
        features.append(distances.reshape(len(positions), distances.shape[1] * distances.shape[2]))
    return xp.concatenate(features, axis=1)


def _signed_volumes(symmetry: Symmetry, positions: Any) -> Any:
    xp = positions.__array_namespace__()
    is_fixed = np.bincount(symmetry.orbits)[symmetry.orbits] == 1
    fixed = symmetry.skeleton[is_fixed[symmetry.skeleton]]
    n_volumes = min(max(len(fixed) - 3, 0), MAX_VOLUMES)
    corners = np.array([fixed[k : k + 4] for k in range(n_volumes)], dtype=int).reshape(-1, 4)
    edges = positions[:, corners[:, 1:]] - positions[:, corners[:, :1]]
    volumes = xp.einsum("bnx,bnx->bn", xp.cross(edges[..., 0, :], edges[..., 1, :]), edges[..., 2, :])
    return volumes / xp.prod(xp.linalg.norm(edges, axis=-1), axis=-1) ** (2 / 3)
