"""Deliberate changes of a structure: a rotated torsion, an inverted centre."""

from dataclasses import replace

import networkx as nx
import numpy as np
from rdkit.Chem import AllChem, rdMolTransforms
from scipy.spatial.transform import Rotation

from explorer.io.build import to_rdkit
from explorer.records.molecule import Molecule
from explorer.records.structure_class import StructureClass
from explorer.topology.bonds import topology_of
from explorer.topology.classify import classify_batch


def relaxed(molecule: Molecule) -> Molecule:
    mol = to_rdkit(molecule)
    AllChem.MMFFOptimizeMolecule(mol, maxIters=2000)
    return replace(molecule, positions=mol.GetConformer().GetPositions())


def classify(molecule: Molecule, positions: np.ndarray) -> tuple[StructureClass, str]:
    classification = classify_batch(topology_of(molecule), positions[None])[0]
    return classification.structure_class, classification.reason


def rotate_torsion(molecule: Molecule, quadruple, angle: float) -> np.ndarray:
    mol = to_rdkit(molecule)
    rdMolTransforms.SetDihedralDeg(mol.GetConformer(), *map(int, quadruple), angle)
    return mol.GetConformer().GetPositions()


def mirrored_at_centre(molecule: Molecule, centre: int) -> np.ndarray:
    """The epimer: a half turn about the bisector exchanges the alpha hydrogen and the methyl group."""
    bonds, numbers = nx.Graph(molecule.bonds.tolist()), molecule.atomic_numbers
    hydrogen = next(k for k in bonds[centre] if numbers[k] == 1)
    methyl = next(k for k in bonds[centre] if sum(numbers[m] == 1 for m in bonds[k]) == 3)
    group = [methyl, *(k for k in bonds[methyl] if numbers[k] == 1)]
    positions = molecule.positions.copy()
    arms = positions[[hydrogen, methyl]] - positions[centre]
    axis = (arms / np.linalg.norm(arms, axis=1, keepdims=True)).sum(axis=0)
    turn = Rotation.from_rotvec(np.pi * axis / np.linalg.norm(axis))
    moving = [hydrogen, *group]
    positions[moving] = positions[centre] + turn.apply(positions[moving] - positions[centre])
    return positions
