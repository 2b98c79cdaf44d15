"""Mirror images: whether they count as one minimum, and the resulting degeneracy of each minimum."""

import numpy as np
from jaxtyping import Float, Int

from explorer.config import IdentitySettings
from explorer.similarity.identity import identity_distances
from explorer.similarity.symmetry import Symmetry, mirror_images


def merges_mirror_images(symmetry: Symmetry, settings: IdentitySettings) -> bool:
    """Return whether mirror images count as one minimum.

    `settings.mirror` decides; its value "auto" merges mirror images of achiral molecules.

    Args:
        symmetry: Symmetry of the molecule.
        settings: Identity settings.
    """
    return settings.mirror == "merge" or (settings.mirror == "auto" and symmetry.is_achiral)


def mirror_degeneracies(
    symmetry: Symmetry, settings: IdentitySettings, positions: Float[np.ndarray, "B N 3"]
) -> Int[np.ndarray, "B"]:
    """Return the number of minima that each distinct minimum represents.

    Args:
        symmetry: Symmetry of the molecule.
        settings: Identity settings: whether mirror images are merged, and the RMSD within which a structure equals its
            mirror image.
        positions: Positions of distinct minima, Å.

    Returns:
        2 for a minimum that differs from its mirror image if these are merged, else 1.
    """
    if not merges_mirror_images(symmetry, settings):
        return np.ones(len(positions), dtype=int)
    images = np.stack(mirror_images(symmetry, positions), axis=1)
    nearest = [
        identity_distances(symmetry, x, own, limit=settings.rmsd).min()
        for x, own in zip(positions, images, strict=True)
    ]
    return np.where(np.array(nearest) <= settings.rmsd, 1, 2)
