"""Geometries between minima: scans of one torsion, and paths along all torsions from one conformer to another."""

import numpy as np
from jaxtyping import Float
from rdkit import Chem
from rdkit.Chem import rdMolTransforms

from explorer.dataset.force_field import ForceField, Torsion

# Acyclic single bonds except those of methyl groups. Unlike the rotors of a search (`topology.rotors`), they include
# ammonium groups and primary amides, whose rotation a model must describe too, and peptide bonds, so that the frames
# join cis and trans.
_SCANNED_BOND = Chem.MolFromSmarts("[!D1;!$([CX4H3])]-;!@[!D1;!$([CX4H3])]")
_HELD_STEPS = 30  # steps of the relaxation with held torsions: enough to resolve contacts; not tuned


def scan_torsions(mol: Chem.Mol) -> list[Torsion]:
    """Return one torsion for each bond that is scanned, with the heaviest neighbours at its ends.

    Args:
        mol: Molecule with explicit hydrogens.
    """
    bonds = mol.GetSubstructMatches(_SCANNED_BOND)
    return [(_heaviest_neighbour(mol, j, k), j, k, _heaviest_neighbour(mol, k, j)) for j, k in bonds]


def torsion_scan(
    force_field: ForceField, positions: Float[np.ndarray, "N 3"], torsion: Torsion, n_points: int
) -> list[Float[np.ndarray, "N 3"]]:
    """Rotate about one bond by 360° in equal steps, and relax each point with the torsion held.

    Args:
        force_field: Force field of the molecule.
        positions: Initial positions, Å.
        torsion: Torsion to scan.
        n_points: Number of steps of 360° / n_points.

    Returns:
        Positions of each point, Å.
    """
    points = []
    for _ in range(n_points):
        angle = _angles(force_field.mol, positions, [torsion]) + 360 / n_points
        rotated = _with_angles(force_field.mol, positions, [torsion], angle)
        positions = force_field.relax(rotated, _HELD_STEPS, [torsion])
        points.append(positions)
    return points


def torsion_path(
    force_field: ForceField, start: Float[np.ndarray, "N 3"], end: Float[np.ndarray, "N 3"], n_points: int
) -> list[Float[np.ndarray, "N 3"]]:
    """Interpolate all torsions between two conformers, each in the shorter direction, and relax as in `torsion_scan`.

    Args:
        force_field: Force field of the molecule.
        start: Positions of the first conformer, Å.
        end: Positions of the second conformer, Å.
        n_points: Number of points between the two.

    Returns:
        Positions of each point, Å.
    """
    torsions = scan_torsions(force_field.mol)
    first = _angles(force_field.mol, start, torsions)
    change = (_angles(force_field.mol, end, torsions) - first + 180) % 360 - 180
    fractions = np.arange(1, n_points + 1) / (n_points + 1)
    rotated = (_with_angles(force_field.mol, start, torsions, first + t * change) for t in fractions)
    return [force_field.relax(positions, _HELD_STEPS, torsions) for positions in rotated]


def _heaviest_neighbour(mol: Chem.Mol, atom: int, other: int) -> int:
    neighbours = [a for a in mol.GetAtomWithIdx(atom).GetNeighbors() if a.GetIdx() != other]
    return max(neighbours, key=lambda a: (a.GetAtomicNum(), -a.GetIdx())).GetIdx()


def _angles(mol: Chem.Mol, positions: np.ndarray, torsions: list[Torsion]) -> np.ndarray:
    conformer = mol.GetConformer()
    conformer.SetPositions(np.array(positions))
    return np.array([rdMolTransforms.GetDihedralDeg(conformer, *torsion) for torsion in torsions])


def _with_angles(mol: Chem.Mol, positions: np.ndarray, torsions: list[Torsion], degrees: np.ndarray) -> np.ndarray:
    conformer = mol.GetConformer()
    conformer.SetPositions(np.array(positions))
    for torsion, angle in zip(torsions, degrees, strict=True):
        rdMolTransforms.SetDihedralDeg(conformer, *torsion, float(angle))
    return np.array(conformer.GetPositions())
