"""Number of distinct structures as a function of the RMSD threshold."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int

from explorer.config import IdentitySettings
from explorer.similarity.identity import identity_distances
from explorer.similarity.mirror import merges_mirror_images
from explorer.similarity.symmetry import Symmetry


def count_distinct(
    symmetry: Symmetry,
    energies: Float[np.ndarray, "n"],
    positions: Float[np.ndarray, "n N 3"],
    classes: Sequence[str],
    settings: IdentitySettings,
    thresholds: Float[np.ndarray, "t"],
) -> Int[np.ndarray, "t"]:
    """Count distinct structures, as `deduplicate` does, for each threshold in place of `settings.rmsd`.

    The RMSD of a pair is computed once, so all thresholds together cost little more than the largest one.

    Args:
        symmetry: Symmetry of the molecule.
        energies: Energies, eV.
        positions: Positions, Å.
        classes: Class of each structure.
        settings: Energy window, and whether mirror images are merged.
        thresholds: RMSD thresholds, Å.
    """
    order = np.argsort(energies, kind="stable")
    values, ordered = np.asarray(energies, dtype=float)[order], np.asarray(positions, dtype=float)[order]
    class_numbers = np.unique(np.asarray(classes, dtype=str), return_inverse=True)[1][order]
    thresholds = np.asarray(thresholds, dtype=float)
    mirror = merges_mirror_images(symmetry, settings)
    ends = np.searchsorted(values, values + settings.energy_window, side="right")
    is_new = np.ones((len(thresholds), len(order)), dtype=bool)
    for k in range(len(order)):
        limits = np.where(is_new[:, k], thresholds, -np.inf)  # a structure that is not new merges no others
        later = k + 1 + np.flatnonzero(class_numbers[k + 1 : ends[k]] == class_numbers[k])
        if len(later) and is_new[:, k].any():
            distances = identity_distances(symmetry, ordered[k], ordered[later], mirror, limits.max())
            is_new[:, later] &= distances > limits[:, None]
    return is_new.sum(axis=1)
