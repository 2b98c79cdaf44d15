"""Fingerprints: vectors that are invariant under rotation, translation and permutation of equal atoms."""

from functools import lru_cache
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from explorer.similarity.symmetry import Symmetry

_MAX_FEATURES = 500  # approximate length of a fingerprint of distances; not tuned
_MAX_SIGNED_VOLUMES = 64  # largest number of volumes in a signed fingerprint; not tuned
_N_DIRECTIONS = 24  # principal directions contain most of the variance of one molecule's fingerprints; not tuned
_MAX_SAMPLED = 1000  # structures from which the principal directions are computed; not tuned
_STRUCTURES_PER_CHUNK = 1024  # structures computed at a time, to limit memory; not tuned


class FeatureBlock(NamedTuple):
    """Atom pairs whose distances are sorted together: `n_blocks` orbit pairs with `n_pairs` atom pairs each.

    Attributes:
        first: First atom of each pair.
        second: Second atom of each pair.
    """

    first: Int[np.ndarray, "n_blocks n_pairs"]
    second: Int[np.ndarray, "n_blocks n_pairs"]


class FingerprintAtoms(NamedTuple):
    """Atoms of a signed fingerprint: pairs whose distances, and groups of four whose signed volumes it contains."""

    blocks: tuple[FeatureBlock, ...]
    corners: Int[np.ndarray, "n_volumes 4"]


class FingerprintPlan(NamedTuple):
    """Atom pairs and compression of the fingerprints of one molecule."""

    blocks: tuple[FeatureBlock, ...]
    chunk: int  # number of neighbouring sorted distances that are added up to one feature
    max_degree: int  # largest number of pairs to which one atom belongs


def fingerprint_batch(
    symmetry: Symmetry, positions: Float[np.ndarray, "B N 3"], signed: bool = False
) -> Float[np.ndarray, "B d"]:
    """Compute sorted distances for each pair of orbits, Å; if `signed`, also volumes that distinguish mirror images.

    If a cluster has too many distances, m neighbouring sorted distances are added up and divided by sqrt(m). For very
    large molecules only every k-th pair of orbits is used. Both keep the length d near 500. They can only shorten the
    difference vector of two fingerprints, which `fingerprint_radius` relies on.

    Args:
        symmetry: Symmetry of the molecule.
        positions: Positions, Å.
        signed: Append det(r_1, r_2, r_3) / (|r_1| |r_2| |r_3|)^(2/3), Å, of consecutive skeleton atoms that no
            automorphism moves. A molecule with fewer than four such atoms has no volumes.
    """
    positions = np.asarray(positions, dtype=float)
    plan = _plan(symmetry)
    size = _STRUCTURES_PER_CHUNK
    chunks = [positions[k : k + size] for k in range(0, len(positions), size)] or [positions]
    distances = np.concatenate([_distances(plan.blocks, plan.chunk, chunk) for chunk in chunks])
    return np.concatenate([distances, _signed_volumes(_corners(symmetry), positions)], axis=1) if signed else distances


def fingerprint_atoms(symmetry: Symmetry) -> FingerprintAtoms:
    """Return the atoms of the signed fingerprints of a molecule with bonds, as arguments of a compiled program."""
    return FingerprintAtoms(_plan(symmetry).blocks, _corners(symmetry))


def fingerprints_of(atoms: FingerprintAtoms, positions: Any) -> Any:
    """Compute signed fingerprints, as `fingerprint_batch` does, also inside compiled code.

    Args:
        atoms: Result of `fingerprint_atoms`.
        positions: Å, shape (B, N, 3), an array of NumPy or of JAX.

    Returns:
        Fingerprints as an array of the same library, shape (B, d).
    """
    xp = positions.__array_namespace__()
    return xp.concatenate([_distances(atoms.blocks, 1, positions), _signed_volumes(atoms.corners, positions)], axis=1)


def fingerprint_radius(symmetry: Symmetry, rmsd: float) -> float:
    """Return the largest Euclidean distance between unsigned fingerprints of two structures within an RMSD ρ, Å.

    For displacements δ_i, a distance changes by at most |δ_i| + |δ_j|. Because (x + y)² <= 2 (x² + y²), the squared
    changes of all pairs add up to at most 2 k Σ_i |δ_i|² = 2 k N ρ², where k is the largest number of pairs of an
    atom. Sorting both vectors can only reduce their distance. The filter therefore never separates two copies of a
    minimum.

    Args:
        symmetry: Symmetry of the molecule.
        rmsd: ρ, Å.
    """
    return float(np.sqrt(2 * _plan(symmetry).max_degree * len(symmetry.orbits)) * rmsd)


def compressed(fingerprints: Float[np.ndarray, "B d"]) -> Float[np.ndarray, "B e"]:
    """Project fingerprints on their principal directions.

    A projection never increases a distance, so `fingerprint_radius` remains valid.

    Args:
        fingerprints: Fingerprints of `fingerprint_batch`.
    """
    if len(fingerprints) <= _N_DIRECTIONS:
        return fingerprints
    sample = fingerprints[:: max(1, len(fingerprints) // _MAX_SAMPLED)]
    centred = sample - sample.mean(axis=0)
    _, directions = np.linalg.eigh(centred.T @ centred)  # in order of ascending variance
    return fingerprints @ directions[:, -_N_DIRECTIONS:]


@lru_cache(maxsize=16)
def _plan(symmetry: Symmetry) -> FingerprintPlan:
    atoms = symmetry.skeleton if len(symmetry.skeleton) >= 4 else np.arange(len(symmetry.orbits))
    pairs: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for i, j in combinations(atoms.tolist(), 2):
        low, high = sorted((int(symmetry.orbits[i]), int(symmetry.orbits[j])))
        pairs.setdefault((low, high), []).append((i, j))
    n_pairs = sum(len(block) for block in pairs.values())
    excess = max(1, -(-n_pairs // _MAX_FEATURES))
    # a cluster has few orbits with many pairs, a molecule has many orbits with few pairs
    chunk, stride = (1, excess) if symmetry.has_bonds else (excess, 1)
    chosen = [pairs[key] for key in sorted(pairs)][::stride]
    degrees = np.bincount([atom for block in chosen for pair in block for atom in pair], minlength=1)
    blocks = []
    for length in sorted({len(block) for block in chosen}):
        same = np.array([block for block in chosen if len(block) == length])
        blocks.append(FeatureBlock(same[..., 0], same[..., 1]))
    return FingerprintPlan(tuple(blocks), chunk, int(degrees.max()))


def _distances(blocks: tuple[FeatureBlock, ...], chunk: int, positions: Any) -> Any:
    xp = positions.__array_namespace__()
    features = [xp.zeros((len(positions), 0), positions.dtype)]
    for first, second in blocks:
        difference = positions[:, first] - positions[:, second]
        distances = xp.sqrt(xp.einsum("bnpx,bnpx->bnp", difference, difference))
        if distances.shape[-1] > 1:
            distances = xp.sort(distances, axis=-1)
        if chunk > 1:
            starts = np.arange(0, distances.shape[-1], chunk)
            lengths = np.diff(np.append(starts, distances.shape[-1]))
            distances = np.add.reduceat(distances, starts, axis=-1) / np.sqrt(lengths)
        features.append(distances.reshape(len(positions), distances.shape[1] * distances.shape[2]))
    return xp.concatenate(features, axis=1)


def _corners(symmetry: Symmetry) -> Int[np.ndarray, "n_volumes 4"]:
    """Groups of four consecutive skeleton atoms that no automorphism moves."""
    is_fixed = np.bincount(symmetry.orbits)[symmetry.orbits] == 1
    fixed = symmetry.skeleton[is_fixed[symmetry.skeleton]]
    n_volumes = min(max(len(fixed) - 3, 0), _MAX_SIGNED_VOLUMES)
    return np.array([fixed[k : k + 4] for k in range(n_volumes)], dtype=int).reshape(-1, 4)


def _signed_volumes(corners: Int[np.ndarray, "n_volumes 4"], positions: Any) -> Any:
    xp = positions.__array_namespace__()
    edges = positions[:, corners[:, 1:]] - positions[:, corners[:, :1]]
    volumes = xp.einsum("bnx,bnx->bn", xp.cross(edges[..., 0, :], edges[..., 1, :]), edges[..., 2, :])
    return volumes / xp.prod(xp.linalg.norm(edges, axis=-1), axis=-1) ** (2 / 3)
