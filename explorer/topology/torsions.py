"""Dihedral angles of batches of structures."""

import numpy as np
from jaxtyping import Float, Int

# |omega| in degrees: below the first limit an amide is cis, above the second trans, between them twisted. Not tuned.
_CIS_LIMIT, _TRANS_LIMIT = 30.0, 150.0
CIS_SIDE = 90.0  # degrees; an amide with a smaller |omega| is on the cis side of the barrier


def dihedrals(
    positions: Float[np.ndarray, "*batch N 3"], quadruples: Int[np.ndarray, "... 4"]
) -> Float[np.ndarray, "..."]:
    """Compute dihedral angles in degrees, from -180 to 180, 0 for cis, positive clockwise (IUPAC).

    tan φ = |b2| b1·(b2 × b3) / (b1 × b2)·(b2 × b3) with the bond vectors b1, b2, b3. The numerator contains their
    determinant, and the denominator equals (b1·b2)(b2·b3) - (b1·b3)(b2·b2).

    Args:
        positions: Å, any leading axes.
        quadruples: Atom indices, any leading axes.

    Source: Blondel & Karplus, J. Comput. Chem. 17, 1132 (1996),
    doi:10.1002/(SICI)1096-987X(19960715)17:9<1132::AID-JCC5>3.0.CO;2-T.
    """
    corners = np.asarray(positions)[..., np.asarray(quadruples, dtype=int), :]
    bonds = np.diff(corners, axis=-2)
    dots = bonds @ np.swapaxes(bonds, -1, -2)
    with np.errstate(invalid="ignore"):  # unknown positions are NaN
        sine = np.sqrt(dots[..., 1, 1]) * np.linalg.det(bonds)
    cosine = dots[..., 0, 1] * dots[..., 1, 2] - dots[..., 0, 2] * dots[..., 1, 1]
    return np.degrees(np.arctan2(sine, cosine))


def backbone_torsions(
    positions: Float[np.ndarray, "*batch N 3"], backbone: Int[np.ndarray, "n_residues 2 4"]
) -> Float[np.ndarray, "*batch n_residues 2"]:
    """Compute (φ, ψ) of each residue in degrees.

    Args:
        positions: Å, any leading axes.
        backbone: Quadruples of `Topology.backbone`.
    """
    return dihedrals(positions, backbone)


def amide_conformation(omega: float) -> str:
    """Name the conformation of an amide: "cis" for |omega| below 30, "trans" above 150, else "twisted".

    Args:
        omega: Amide torsion, degrees.
    """
    size = abs(omega)
    return "cis" if size < _CIS_LIMIT else "trans" if size > _TRANS_LIMIT else "twisted"
