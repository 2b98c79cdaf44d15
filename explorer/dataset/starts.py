"""Initial structures of the sampling: embeddings with random torsions, and names of their conformers."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from rdkit import Chem
from rdkit.Chem import rdForceFieldHelpers, rdMolTransforms
from scipy.spatial.distance import cdist
from scipy.spatial.transform import Rotation

from explorer.dataset.force_field import Torsion
from explorer.io.build import embed, from_rdkit
from explorer.topology.groups import find_amides, find_backbone, molecular_graph
from explorer.topology.symmetry_classes import symmetry_classes

_CONTACT = 2.2  # Å between the nearest atoms of two molecules that are placed side by side; not tuned
_CLASH = 1.3  # Å between atoms that are three or more bonds apart; not tuned
_MAX_EMBEDDINGS = 50  # attempts at a start without clashes; not tuned
_AMIDE_SPREAD = 8.0  # degrees, standard deviation of ω around cis and trans; not tuned


class NamedTorsions(NamedTuple):
    """Torsions that are driven in a start and that the name of a conformer contains."""

    backbone: list[tuple[Torsion, Torsion]]  # phi and psi of each residue
    amides: list[Torsion]


def named_torsions(mol: Chem.Mol) -> NamedTorsions:
    """Return the backbone torsions and the amides of a molecule, as `topology` defines them.

    Amides with a hydrogen on nitrogen come first. The random numbers of a start and the letters in the names of
    conformers have this order.

    Args:
        mol: Molecule with explicit hydrogens.
    """
    molecule = from_rdkit(mol, np.zeros((mol.GetNumAtoms(), 3)), name="", source="")
    graph = molecular_graph(molecule)
    amides = _as_tuples(find_amides(graph, symmetry_classes(molecule.atomic_numbers, molecule.bonds)))
    amides.sort(key=lambda amide: all(molecule.atomic_numbers[k] != 1 for k in graph[amide[2]]))
    phi, psi = find_backbone(graph).swapaxes(0, 1)
    return NamedTorsions(list(zip(_as_tuples(phi), _as_tuples(psi), strict=True)), amides)


def torsion_driven_start(mol: Chem.Mol, cis_probability: float, rng: np.random.Generator) -> Float[np.ndarray, "N 3"]:
    """Return an embedding with random backbone torsions and some cis amides, without clashes.

    Several molecules are rotated at random and placed side by side.

    Args:
        mol: Molecule with explicit hydrogens.
        cis_probability: Probability that an amide is cis.
        rng: Random number generator.

    Returns:
        Positions, Å. They have clashes if all attempts failed.
    """
    torsions, mol = named_torsions(mol), Chem.Mol(mol)
    mol.RemoveAllConformers()
    mol.AddConformer(Chem.Conformer(mol.GetNumAtoms()))
    for _ in range(_MAX_EMBEDDINGS):
        positions = embed(mol, 1, int(rng.integers(2**31 - 2)))[0]
        mol.GetConformer().SetPositions(_side_by_side(mol, positions, rng))
        for phi, psi in torsions.backbone:
            _set_torsion(mol, phi, rng.uniform(-180, 180))
            _set_torsion(mol, psi, rng.uniform(-180, 180))
        for amide in torsions.amides:
            omega = 0.0 if rng.random() < cis_probability else 180.0
            _set_torsion(mol, amide, omega + rng.normal(0, _AMIDE_SPREAD))
        rdForceFieldHelpers.MMFFOptimizeMolecule(
            mol, maxIters=int(rng.integers(3, 40)), ignoreInterfragInteractions=False
        )
        if not _clashes(mol):
            break
    return np.array(mol.GetConformer().GetPositions())


def conformer_name(mol: Chem.Mol, positions: Float[np.ndarray, "N 3"]) -> str:
    """Return the name of a conformer: bins of its backbone torsions and c or t for each amide, such as `5,2;2,5|ttc`.

    The bin k of a torsion is centred at 60° k, with k from 0 to 5.

    Args:
        mol: Molecule with explicit hydrogens.
        positions: Positions, Å.
    """
    torsions, mol = named_torsions(mol), Chem.Mol(mol)
    mol.RemoveAllConformers()
    conformer = Chem.Conformer(mol.GetNumAtoms())
    conformer.SetPositions(np.array(positions))
    angle = rdMolTransforms.GetDihedralDeg
    bins = [
        f"{round(angle(conformer, *phi) / 60) % 6},{round(angle(conformer, *psi) / 60) % 6}"
        for phi, psi in torsions.backbone
    ]
    is_cis = [abs(angle(conformer, *amide)) < 90 for amide in torsions.amides]
    return ";".join(bins) + "|" + "".join("c" if cis else "t" for cis in is_cis)


def _as_tuples(quadruples: Int[np.ndarray, "n 4"]) -> list[Torsion]:
    return [(a, b, c, d) for a, b, c, d in quadruples.tolist()]


def _set_torsion(mol: Chem.Mol, torsion: Torsion, degrees: float) -> None:
    """Set a torsion, degrees. A torsion about a bond of a ring stays as embedded."""
    if not mol.GetBondBetweenAtoms(torsion[1], torsion[2]).IsInRing():
        rdMolTransforms.SetDihedralDeg(mol.GetConformer(), *torsion, degrees)


def _side_by_side(mol: Chem.Mol, positions: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Rotate each further molecule at random and bring it into contact with the others from a random direction."""
    positions, (first, *others) = np.array(positions), [list(f) for f in Chem.GetMolFrags(mol)]
    placed = first
    for fragment in others:
        rotated = positions[fragment] - positions[fragment].mean(axis=0)
        rotated = rotated @ Rotation.random(rng=rng).as_matrix().T + positions[placed].mean(axis=0)
        direction = rng.normal(size=3)
        direction /= np.linalg.norm(direction)
        shifts = np.arange(0.0, 30.0, 0.1)  # Å
        near = [cdist(rotated + s * direction, positions[placed]).min() < _CONTACT for s in shifts]
        positions[fragment] = rotated + (shifts[np.flatnonzero(near).max(initial=0)] + 0.1) * direction
        placed = placed + fragment
    return positions


def _clashes(mol: Chem.Mol) -> bool:
    distances = Chem.Get3DDistanceMatrix(mol)
    not_bonded = Chem.GetDistanceMatrix(mol) > 2.5  # bonds between two atoms
    return bool((distances[not_bonded] < _CLASH).any())
