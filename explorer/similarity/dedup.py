"""Identification of equal minima: nearest match and deduplication of relaxed structures."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int

from explorer.config import IdentitySettings
from explorer.similarity.fingerprint import compressed, fingerprint_batch, fingerprint_radius
from explorer.similarity.identity import identity_distances
from explorer.similarity.mirror import merges_mirror_images
from explorer.similarity.symmetry import Symmetry, mirror_images


def nearest_match(
    symmetry: Symmetry,
    settings: IdentitySettings,
    positions: Float[np.ndarray, "N 3"],
    candidates: Float[np.ndarray, "B N 3"],
) -> int | None:
    """Find the nearest candidate within `settings.rmsd`.

    Args:
        symmetry: Symmetry of the molecule.
        settings: Identity thresholds.
        positions: Positions of the structure, Å.
        candidates: Positions of structures with the same class and energy, Å.

    Returns:
        Index of the candidate, the first of equally near ones; None if no candidate is near enough.
    """
    if not len(candidates):
        return None
    mirror = merges_mirror_images(symmetry, settings)
    distances = identity_distances(symmetry, positions, candidates, mirror, settings.rmsd)
    nearest = int(np.argmin(distances))
    return nearest if distances[nearest] <= settings.rmsd else None


def deduplicate(
    symmetry: Symmetry,
    energies: Float[np.ndarray, "n"],
    positions: Float[np.ndarray, "n N 3"],
    classes: Sequence[str],
    settings: IdentitySettings,
) -> Int[np.ndarray, "n"]:
    """Assign each structure to the structure that represents its minimum.

    Structures are processed in ascending order of energy, then of index. Each joins the nearest representative of its
    class within the energy window and the RMSD threshold, or becomes a representative. A new representative is
    compared with all later structures. Cheap tests come first: energy, class, fingerprint, fixed atoms, RMSD.

    Args:
        symmetry: Symmetry of the molecule.
        energies: Energies, eV.
        positions: Positions, Å.
        classes: Class of each structure. Structures of different classes are never the same minimum.
        settings: Identity thresholds.

    Returns:
        Index of the representative of each structure; `labels[i] == i` for representatives.
    """
    if not len(energies):
        return np.empty(0, dtype=int)
    order = np.argsort(np.asarray(energies, dtype=float), kind="stable")
    energies, positions = np.asarray(energies, dtype=float)[order], np.asarray(positions, dtype=float)[order]
    class_numbers = np.unique(np.asarray(classes, dtype=str), return_inverse=True)[1][order]
    mirrored = mirror_images(symmetry, positions) if merges_mirror_images(symmetry, settings) else []
    fingerprints = compressed(fingerprint_batch(symmetry, positions))
    radius = fingerprint_radius(symmetry, settings.rmsd)
    ends = np.searchsorted(energies, energies + settings.energy_window, side="right")
    nearest, joined = np.full(len(order), np.inf), np.arange(len(order))
    for k in range(len(order)):
        if np.isfinite(nearest[k]):
            continue
        later = slice(k + 1, ends[k])
        close = np.linalg.norm(fingerprints[later] - fingerprints[k], axis=1) <= radius
        near = k + 1 + np.flatnonzero(close & (class_numbers[later] == class_numbers[k]))
        if not len(near):
            continue
        images = (positions, *mirrored)
        versions = [identity_distances(symmetry, positions[k], x[near], limit=settings.rmsd) for x in images]
        distances = np.minimum.reduce(versions)
        joins = (distances <= settings.rmsd) & (distances < nearest[near])
        nearest[near[joins]], joined[near[joins]] = distances[joins], k
    labels = np.empty(len(order), dtype=int)
    labels[order] = order[joined]
    return labels
