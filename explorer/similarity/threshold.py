"""How the number of distinct structures depends on the RMSD within which two are the same."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int

from explorer.config import IdentitySettings
from explorer.similarity.alignment import rmsd_batch
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
    """Distinct structures for each threshold in place of `settings.rmsd`, counted as `deduplicate` does.

    Distances of a pair are computed once, so that all thresholds cost little more than the largest.

    Args:
        symmetry: of the molecule.
        energies: eV.
        positions: Å.
        classes: what each structure is.
        settings: energy window, and whether mirror images are merged.
        thresholds: Å.
    """
    order = np.argsort(energies, kind="stable")
    values, kinds = np.asarray(energies, dtype=float)[order], np.asarray(classes, dtype=str)[order]
    sorted_positions = np.asarray(positions, dtype=float)[order]
    thresholds = np.asarray(thresholds, dtype=float)
    mirror, limit = merges_mirror_images(symmetry, settings), float(thresholds.max())
    ends = np.searchsorted(values, values + settings.energy_window, side="right")
    is_new = np.ones((len(thresholds), len(order)), dtype=bool)
    for k in range(len(order)):
        later = k + 1 + np.flatnonzero(kinds[k + 1 : ends[k]] == kinds[k])
        if len(later) and is_new[:, k].any():
            distances = rmsd_batch(symmetry, sorted_positions[k], sorted_positions[later], mirror, limit)
            same = (distances <= thresholds[:, None]) & is_new[:, k, None]
            is_new[:, later] &= ~same
    return is_new.sum(axis=1)
