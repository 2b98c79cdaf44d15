"""Recognition of known conformers by the RMSD of heavy atoms."""

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
    """Return whether the heavy atoms of each structure are within a limit of those of any known structure.

    Args:
        symmetry: Symmetry of the molecule.
        positions: Positions of the structures, Å.
        known: Positions of the known structures, Å.
        mirror: Whether mirror images count as equal.
        limit: Heavy-atom RMSD, Å.
    """
    is_compared = np.ones(symmetry.is_heavy.shape, bool) if symmetry.heavy is None else symmetry.is_heavy
    images = [positions, *(mirror_images(symmetry, positions) if mirror and len(positions) else [])]
    is_known = np.zeros(len(positions), dtype=bool)
    for one in known:
        for image in images:
            rest = np.flatnonzero(~is_known)
            distances = rmsd_batch(
                symmetry.heavy or symmetry, one[is_compared], image[rest][:, is_compared], limit=limit
            )
            is_known[rest] = distances < limit
    return is_known
