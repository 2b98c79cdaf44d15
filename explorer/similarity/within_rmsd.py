"""Which structures are conformers that are known: by the RMSD of heavy atoms, as a validation tells them apart."""

import numpy as np
from jaxtyping import Bool, Float

from explorer.records.comparisons import SAME_CONFORMER
from explorer.similarity.alignment import rmsd_batch
from explorer.similarity.symmetry import Symmetry, mirror_images


def within_rmsd(
    symmetry: Symmetry,
    positions: Float[np.ndarray, "n N 3"],
    known: Float[np.ndarray, "m N 3"],
    mirror: bool = False,
    limit: float = SAME_CONFORMER,
) -> Bool[np.ndarray, "n"]:
    """Whether the heavy atoms of each structure are within a limit of those of any known one.

    Args:
        symmetry: of the molecule.
        positions: Å.
        known: Å.
        mirror: whether mirror images are the same.
        limit: RMSD, Å.
    """
    chosen = np.ones(symmetry.is_heavy.shape, bool) if symmetry.heavy is None else symmetry.is_heavy
    images = [positions, *(mirror_images(symmetry, positions) if mirror and len(positions) else [])]
    found = np.zeros(len(positions), dtype=bool)
    for one in known:
        for image in images:
            rest = np.flatnonzero(~found)
            distances = rmsd_batch(symmetry.heavy or symmetry, one[chosen], image[rest][:, chosen], limit=limit)
            found[rest] = distances < limit
    return found
