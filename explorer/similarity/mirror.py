"""Whether a structure and its mirror image are one minimum, and how many each one stands for then."""

import numpy as np
from jaxtyping import Float, Int

from explorer.config import IdentitySettings
from explorer.similarity.alignment import rmsd_batch
from explorer.similarity.symmetry import Symmetry, mirror_images


def merges_mirror_images(symmetry: Symmetry, settings: IdentitySettings) -> bool:
    """Whether mirror images count as one: as `settings.mirror` says, by default where the molecule is achiral."""
    return settings.mirror == "merge" or (settings.mirror == "auto" and symmetry.is_achiral)


def mirror_degeneracies(
    symmetry: Symmetry, settings: IdentitySettings, positions: Float[np.ndarray, "B N 3"]
) -> Int[np.ndarray, "B"]:
    """2 for a minimum that stands for itself and its mirror image, 1 for one that is its own or where both are counted.

    Args:
        symmetry: of the molecule.
        settings: whether mirror images are merged, and the RMSD within which a structure is its own.
        positions: of distinct minima, Å.
    """
    if not merges_mirror_images(symmetry, settings):
        return np.ones(len(positions), dtype=int)
    images = mirror_images(symmetry, positions)
    own = [
        min(rmsd_batch(symmetry, x, np.stack([image[k] for image in images]), limit=settings.rmsd)) <= settings.rmsd
        for k, x in enumerate(positions)
    ]
    return np.where(own, 1, 2)
