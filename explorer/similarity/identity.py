"""Distance by which two structures of equal energy and class are one minimum or two."""

import numpy as np
from jaxtyping import Float

from explorer.similarity.alignment import rmsd_batch
from explorer.similarity.cluster import IDENTICAL_RMSD
from explorer.similarity.symmetry import Symmetry, mirror_images

# Share of the RMSD of identity within which structures are equal apart from turned methyls: 0.05 Å. 24 pairs of minima
# of Ac-Ala3-NHMe that differ by the acetyl methyl alone are within 0.04 Å, most of them within 0.01 Å.
_METHYL_SHARE = 0.4


def identity_distances(
    symmetry: Symmetry,
    a: Float[np.ndarray, "N 3"],
    b: Float[np.ndarray, "B N 3"],
    allow_mirror: bool = False,
    limit: float = np.inf,
) -> Float[np.ndarray, "B"]:
    """Compute the distance of one structure from each structure of a batch, which identity compares with its RMSD, Å.

    It is the RMSD of all atoms or, if that is smaller, 2.5 times the RMSD of all atoms but the hydrogens of methyls.
    Methyls beside a carbonyl turn almost freely, so that minima of equal energy can differ by their turn alone. These
    are one conformer. Where less than four atoms remain without equal leaves, as in ethane, only the first counts.

    Args:
        symmetry: Symmetry of the molecule.
        a: Positions of one structure, Å.
        b: Positions of the structures of the batch, Å.
        allow_mirror: Use the mirror image of b if it is closer.
        limit: Distance above which values are not needed, Å; most of these are returned as infinity.
    """
    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    distances = rmsd_batch(symmetry, a, b, limit=limit)
    rest, kept = np.flatnonzero(distances >= IDENTICAL_RMSD), ~symmetry.in_methyl
    if symmetry.without_methyls is not None and len(rest):
        apart = rmsd_batch(symmetry.without_methyls, a[kept], b[rest][:, kept], limit=_METHYL_SHARE * limit)
        distances[rest] = np.minimum(distances[rest], apart / _METHYL_SHARE)
    rest = rest[distances[rest] >= IDENTICAL_RMSD]
    for image in mirror_images(symmetry, b[rest]) if allow_mirror and len(rest) else []:
        distances[rest] = np.minimum(distances[rest], identity_distances(symmetry, a, image, limit=limit))
    return distances


def identity_distance(symmetry: Symmetry, a: Float[np.ndarray, "N 3"], b: Float[np.ndarray, "N 3"]) -> float:
    """Compute `identity_distances` of two structures, Å.

    Args:
        symmetry: Symmetry of the molecule.
        a: Positions of one structure, Å.
        b: Positions of the other structure, Å.
    """
    return float(identity_distances(symmetry, a, np.asarray(b)[None])[0])
