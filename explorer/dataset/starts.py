"""Where sampling begins: embeddings with random torsions, and the name of the conformer they are in."""

import numpy as np
from jaxtyping import Float
from rdkit import Chem
from rdkit.Chem import rdForceFieldHelpers, rdMolTransforms
from scipy.spatial.distance import cdist
from scipy.spatial.transform import Rotation

from explorer.io.build import embed

BACKBONE = Chem.MolFromSmarts("[CX3](=O)[NX3][CX4][CX3](=O)[NX3]")
AMIDES = (  # of a proline, the torsion over its alpha carbon
    Chem.MolFromSmarts("[#6][CX3](=O)[NX3;H1][#6]"),
    Chem.MolFromSmarts("[#6][CX3](=O)[NX3;R][CX4;R][CX3](=O)"),
)
TOUCH = 2.2  # Å between the nearest atoms of two molecules that are put beside each other


def torsion_driven_start(mol: Chem.Mol, cis_probability: float, rng: np.random.Generator) -> Float[np.ndarray, "N 3"]:
    """An embedding with random backbone torsions and some amides turned to cis, free of clashes, Å.

    Several molecules are turned at random and put side by side.
    """
    mol = Chem.Mol(mol)
    mol.RemoveAllConformers()
    mol.AddConformer(Chem.Conformer(mol.GetNumAtoms()))
    for _ in range(50):
        positions = embed(mol, 1, int(rng.integers(2**31 - 2)))[0]
        mol.GetConformer().SetPositions(_side_by_side(mol, positions, rng))
        for c, n, ca, c2, n2 in _backbone(mol):
            _turn(mol, (c, n, ca, c2), rng.uniform(-180, 180))
            _turn(mol, (n, ca, c2, n2), rng.uniform(-180, 180))
        for torsion in _amides(mol):
            target = 0.0 if rng.random() < cis_probability else 180.0
            _turn(mol, torsion, target + rng.normal(0, 8))
        rdForceFieldHelpers.MMFFOptimizeMolecule(
            mol, maxIters=int(rng.integers(3, 40)), ignoreInterfragInteractions=False
        )
        if not _clashes(mol):
            break
    return np.array(mol.GetConformer().GetPositions())


def conformer_name(mol: Chem.Mol, positions: Float[np.ndarray, "N 3"]) -> str:
    """Backbone torsions in bins of 60 degrees and c/t for each amide, such as `-1,2;2,-1|ttc`."""
    mol = Chem.Mol(mol)
    mol.RemoveAllConformers()
    conformer = Chem.Conformer(mol.GetNumAtoms())
    conformer.SetPositions(np.array(positions))
    angle = rdMolTransforms.GetDihedralDeg
    bins = [
        f"{round(angle(conformer, c, n, ca, c2) / 60) % 6},{round(angle(conformer, n, ca, c2, n2) / 60) % 6}"
        for c, n, ca, c2, n2 in _backbone(mol)
    ]
    amides = [abs(angle(conformer, *torsion)) < 90 for torsion in _amides(mol)]
    return ";".join(bins) + "|" + "".join("c" if cis else "t" for cis in amides)


def _backbone(mol: Chem.Mol) -> list[tuple[int, int, int, int, int]]:
    return [(c, n, ca, c2, n2) for c, _, n, ca, c2, _, n2 in mol.GetSubstructMatches(BACKBONE)]


def _amides(mol: Chem.Mol) -> list[tuple[int, int, int, int]]:
    matches = [match for pattern in AMIDES for match in mol.GetSubstructMatches(pattern)]
    return [(a, c, n, b) for a, c, _, n, b, *_ in matches]


def _turn(mol: Chem.Mol, torsion: tuple[int, int, int, int], degrees: float) -> None:
    """Turn about a bond; one in a ring stays as embedded."""
    if not mol.GetBondBetweenAtoms(torsion[1], torsion[2]).IsInRing():
        rdMolTransforms.SetDihedralDeg(mol.GetConformer(), *torsion, degrees)


def _side_by_side(mol: Chem.Mol, positions: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Each further molecule, turned at random, touches what is there from a random side."""
    positions, (first, *others) = np.array(positions), [list(f) for f in Chem.GetMolFrags(mol)]
    placed = first
    for fragment in others:
        turned = positions[fragment] - positions[fragment].mean(axis=0)
        turned = turned @ Rotation.random(rng=rng).as_matrix().T + positions[placed].mean(axis=0)
        direction = rng.normal(size=3)
        direction /= np.linalg.norm(direction)
        shifts = np.arange(0.0, 30.0, 0.1)
        near = [cdist(turned + s * direction, positions[placed]).min() < TOUCH for s in shifts]
        positions[fragment] = turned + (shifts[np.flatnonzero(near).max(initial=0)] + 0.1) * direction
        placed = placed + fragment
    return positions


def _clashes(mol: Chem.Mol) -> bool:
    distances = Chem.Get3DDistanceMatrix(mol)
    far = Chem.GetDistanceMatrix(mol) > 2.5
    return bool((distances[far] < 1.3).any())
