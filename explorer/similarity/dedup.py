"""When two relaxed structures are the same minimum, and how many different ones a set holds."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int

from explorer.config import IdentitySettings
from explorer.similarity.alignment import rmsd_batch
from explorer.similarity.fingerprint import fingerprint_batch, fingerprint_radius
from explorer.similarity.symmetry import Symmetry


def merges_mirror_images(symmetry: Symmetry, settings: IdentitySettings) -> bool:
    """Whether a structure and its mirror image count as one: always where the molecule is achiral."""
    return settings.merge_mirror_images or symmetry.is_achiral


def nearest_match(
    symmetry: Symmetry,
    settings: IdentitySettings,
    positions: Float[np.ndarray, "N 3"],
    candidates: Float[np.ndarray, "B N 3"],
) -> int | None:
    """Which candidate is the same geometry: the nearest within `settings.rmsd`, the first of equals; None if none is.

    Args:
        symmetry: of the molecule.
        settings: thresholds.
        positions: Å.
        candidates: positions of structures that agree in class and energy, Å.
    """
    if not len(candidates):
        return None
    distances = rmsd_batch(symmetry, positions, candidates, merges_mirror_images(symmetry, settings))
    nearest = int(np.argmin(distances))
    return nearest if distances[nearest] <= settings.rmsd else None


def deduplicate(
    symmetry: Symmetry,
    energies: Float[np.ndarray, "n"],
    positions: Float[np.ndarray, "n N 3"],
    classes: Sequence[str],
    settings: IdentitySettings,
) -> Int[np.ndarray, "n"]:
    """For each structure the index of the structure that represents its minimum.

    Structures are taken in ascending order of energy (then of index); each joins the nearest representative of its
    class within the energy window and the RMSD, or becomes one. Cheap tests first: energy, class, fingerprint, RMSD.

    Args:
        symmetry: of the molecule.
        energies: eV.
        positions: Å.
        classes: what each structure is; different classes are never the same minimum.
        settings: thresholds.

    Returns:
        labels; `labels[i] == i` for representatives.
    """
    energies, positions = np.asarray(energies, dtype=float), np.asarray(positions, dtype=float)
    fingerprints = fingerprint_batch(symmetry, positions)
    radius = fingerprint_radius(symmetry, settings.rmsd)
    kinds = np.unique(np.asarray(classes, dtype=str), return_inverse=True)[1]
    labels = np.empty(len(energies), dtype=int)
    representatives = np.empty(len(energies), dtype=int)
    n_found = first = 0
    for index in np.argsort(energies, kind="stable"):
        while first < n_found and energies[representatives[first]] < energies[index] - settings.energy_window:
            first += 1
        near = representatives[first:n_found]
        near = near[kinds[near] == kinds[index]]
        near = near[np.linalg.norm(fingerprints[near] - fingerprints[index], axis=1) <= radius]
        match = nearest_match(symmetry, settings, positions[index], positions[near])
        labels[index] = index if match is None else near[match]
        if match is None:
            representatives[n_found] = index
            n_found += 1
    return labels
