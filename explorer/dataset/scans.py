"""Geometries between minima: scans of one torsion, and paths on which all torsions go from one conformer to another."""

import numpy as np
from jaxtyping import Float
from rdkit import Chem
from rdkit.Chem import rdMolTransforms

from explorer.dataset.force_field import ForceField, Torsion

# acyclic single bonds that are no methyl rotor; a peptide bond is one of them, so that cis and trans are joined
ROTOR = Chem.MolFromSmarts("[!D1;!$([CX4H3])]-;!@[!D1;!$([CX4H3])]")
HELD_STEPS = 30  # of the relaxation with held torsions: contacts go, bonds and angles give way


def rotors(mol: Chem.Mol) -> list[Torsion]:
    """One torsion for each bond that can be turned, over the heaviest neighbours."""
    return [(_beyond(mol, j, k), j, k, _beyond(mol, k, j)) for j, k in mol.GetSubstructMatches(ROTOR)]


def scan(
    surrogate: ForceField, positions: Float[np.ndarray, "N 3"], torsion: Torsion, n_points: int
) -> list[Float[np.ndarray, "N 3"]]:
    """A full turn of one torsion in equal steps, each relaxed for a while with the torsion held; Å."""
    points = []
    for _ in range(n_points):
        turned = _set(
            surrogate.mol, positions, [torsion], _angles(surrogate.mol, positions, [torsion]) + 360 / n_points
        )
        positions = surrogate.relax(turned, HELD_STEPS, [torsion])
        points.append(positions)
    return points


def path(
    surrogate: ForceField, start: Float[np.ndarray, "N 3"], end: Float[np.ndarray, "N 3"], n_points: int
) -> list[Float[np.ndarray, "N 3"]]:
    """Points from one conformer towards another, all torsions the shorter way round, relaxed as in `scan`; Å."""
    torsions = rotors(surrogate.mol)
    first = _angles(surrogate.mol, start, torsions)
    way = (_angles(surrogate.mol, end, torsions) - first + 180) % 360 - 180
    fractions = np.arange(1, n_points + 1) / (n_points + 1)
    turned = (_set(surrogate.mol, start, torsions, first + t * way) for t in fractions)
    return [surrogate.relax(positions, HELD_STEPS, torsions) for positions in turned]


def _beyond(mol: Chem.Mol, atom: int, other: int) -> int:
    neighbours = [a for a in mol.GetAtomWithIdx(atom).GetNeighbors() if a.GetIdx() != other]
    return max(neighbours, key=lambda a: (a.GetAtomicNum(), -a.GetIdx())).GetIdx()


def _angles(mol: Chem.Mol, positions: np.ndarray, torsions: list[Torsion]) -> np.ndarray:
    conformer = mol.GetConformer()
    conformer.SetPositions(np.array(positions))
    return np.array([rdMolTransforms.GetDihedralDeg(conformer, *torsion) for torsion in torsions])


def _set(mol: Chem.Mol, positions: np.ndarray, torsions: list[Torsion], degrees: np.ndarray) -> np.ndarray:
    conformer = mol.GetConformer()
    conformer.SetPositions(np.array(positions))
    for torsion, angle in zip(torsions, degrees, strict=True):
        rdMolTransforms.SetDihedralDeg(conformer, *torsion, float(angle))
    return np.array(conformer.GetPositions())
