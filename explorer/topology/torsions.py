"""Dihedral angles of many structures at once."""

import numpy as np
from jaxtyping import Float, Int

CIS, TRANS = 30.0, 150.0  # degrees
CIS_SIDE = 90.0  # degrees; an amide with a smaller omega lies on the cis side


def dihedrals(
    positions: Float[np.ndarray, "*batch N 3"], quadruples: Int[np.ndarray, "... 4"]
) -> Float[np.ndarray, "..."]:
    """Dihedral angles in degrees, -180 to 180, 0 for cis, positive clockwise (IUPAC).

    tan φ = |b2| b1·(b2 × b3) / (b1 × b2)·(b2 × b3) with the bond vectors b1, b2, b3; the numerator has their
    determinant, and the denominator is (b1·b2)(b2·b3) - (b1·b3)(b2·b2).

    Args:
        positions: Å, any leading axes.
        quadruples: atom indices, any leading axes.

    Source: Blondel & Karplus, J. Comput. Chem. 17, 1132 (1996),
    doi:10.1002/(SICI)1096-987X(19960715)17:9<1132::AID-JCC5>3.0.CO;2-T.
    """
    corners = np.asarray(positions)[..., np.asarray(quadruples, dtype=int), :]
    bonds = np.diff(corners, axis=-2)
    dots = bonds @ np.swapaxes(bonds, -1, -2)
    with np.errstate(invalid="ignore"):  # positions that nobody knows are NaN
        sine = np.sqrt(dots[..., 1, 1]) * np.linalg.det(bonds)
    cosine = dots[..., 0, 1] * dots[..., 1, 2] - dots[..., 0, 2] * dots[..., 1, 1]
    return np.degrees(np.arctan2(sine, cosine))


def backbone_torsions(
    positions: Float[np.ndarray, "*batch N 3"], backbone: Int[np.ndarray, "n_residues 2 4"]
) -> Float[np.ndarray, "*batch n_residues 2"]:
    """(φ, ψ) of each residue in degrees; `backbone` is that of a `Topology`."""
    return dihedrals(positions, backbone)


def amide_kind(omega: float) -> str:
    """What an amide torsion in degrees is: cis below 30, trans above 150, else twisted."""
    size = abs(omega)
    return "cis" if size < CIS else "trans" if size > TRANS else "twisted"
