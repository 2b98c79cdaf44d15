"""Ensembles with planted copies, isomers and numberings, compared with known counts and RDKit."""

from dataclasses import replace

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import AllChem, rdMolAlign
from scipy.spatial.transform import Rotation

from explorer.comparison.distinct import distinct_structures
from explorer.config import IdentitySettings
from explorer.io.build import embed, from_sequence, from_smiles, to_rdkit

SETTINGS = IdentitySettings()
NO_ENERGY = np.nan


def n_distinct(molecules, energies=None, settings=SETTINGS) -> int:
    energies = np.full(len(molecules), NO_ENERGY) if energies is None else energies
    return len(distinct_structures(molecules, energies, settings).representatives)


def moved(molecule, order=None, seed=0):
    """The same structure, rotated, in another atom order."""
    order = np.arange(molecule.n_atoms) if order is None else order
    place = np.argsort(order)
    bonds = np.sort(place[molecule.bonds], axis=1)
    rows = np.lexsort(bonds.T[::-1])
    return replace(
        molecule,
        atomic_numbers=molecule.atomic_numbers[order],
        positions=Rotation.random(rng=np.random.default_rng(seed)).apply(molecule.positions[order]),
        bonds=bonds[rows],
        bond_orders=molecule.bond_orders[rows],
        formal_charges=molecule.formal_charges[order],
    )


def test_isomers_with_other_bonds_are_distinct():
    ethanol, ether = from_smiles("CCO"), from_smiles("COC")
    result = distinct_structures([ethanol, ether, moved(ethanol)], np.full(3, NO_ENERGY), SETTINGS)
    assert result.n_graphs == 2
    assert result.representatives.tolist() == [0, 1]
    assert result.counts.tolist() == [2, 1]


def test_copies_in_another_order_of_atoms_are_recognised_and_a_diastereomer_is_not():
    threonine, allo = from_smiles("C[C@H](O)[C@@H](NC=O)C(=O)NC"), from_smiles("C[C@@H](O)[C@@H](NC=O)C(=O)NC")
    order = np.random.default_rng(3).permutation(threonine.n_atoms)
    assert n_distinct([threonine, moved(threonine, order)]) == 1
    assert n_distinct([threonine, moved(allo, order), moved(threonine, order, seed=2)]) == 2


@pytest.mark.parametrize(("mirror", "expected"), [("auto", 2), ("distinct", 2), ("merge", 1)])
def test_enantiomers_count_once_only_where_mirror_images_are_merged(mirror, expected):
    molecule = from_sequence("F")
    image = moved(replace(molecule, positions=-molecule.positions))
    assert n_distinct([molecule, image], settings=IdentitySettings(mirror=mirror)) == expected


@pytest.mark.parametrize(("mirror", "expected"), [("auto", 1), ("distinct", 2)])
def test_mirror_images_of_an_achiral_molecule_can_be_counted_twice(mirror, expected):
    molecule = from_sequence("GG")
    image = moved(replace(molecule, positions=-molecule.positions))
    assert n_distinct([molecule, image], settings=IdentitySettings(mirror=mirror)) == expected


def test_exchanged_hydrogens_of_a_methylene_are_a_difference():
    molecule = from_smiles("CC(=O)NCC(=O)[O-]")
    mol = to_rdkit(molecule)
    (carbon,) = mol.GetSubstructMatch(Chem.MolFromSmarts("[CH2]"))
    a, b = (n.GetIdx() for n in mol.GetAtomWithIdx(carbon).GetNeighbors() if n.GetAtomicNum() == 1)
    exchanged = molecule.positions.copy()
    exchanged[[a, b]] = exchanged[[b, a]]
    settings = IdentitySettings(mirror="distinct")
    result = distinct_structures([molecule, replace(molecule, positions=exchanged)], np.full(2, NO_ENERGY), settings)
    assert len(result.representatives) == 2
    assert "1 structures have equal atoms" in result.remarks[0]


def test_embedded_ensemble_has_as_many_distinct_structures_as_rdkit_finds():
    molecule = from_smiles("CC(C)CCNC=O")
    mol = Chem.Mol(to_rdkit(molecule))
    parameters = AllChem.ETKDGv3()
    parameters.randomSeed = 5
    AllChem.EmbedMultipleConfs(mol, 40, parameters)
    AllChem.MMFFOptimizeMoleculeConfs(mol, maxIters=5000)
    conformers = [replace(molecule, positions=c.GetPositions()) for c in mol.GetConformers()]
    representatives: list[int] = []
    for k in range(len(conformers)):  # any exchange of equal atoms: the numbering of embedded structures is arbitrary
        images = [Chem.Mol(mol), Chem.Mol(mol)]
        images[1].GetConformer(k).SetPositions(-conformers[k].positions)
        if all(rdMolAlign.GetBestRMS(m, mol, k, r) > SETTINGS.rmsd for m in images for r in representatives):
            representatives.append(k)
    result = distinct_structures(conformers, np.full(len(conformers), NO_ENERGY), SETTINGS)
    assert 5 < len(representatives) < 35
    assert result.representatives.tolist() == representatives
    assert "renumbered" in result.remarks[0]


def test_lowest_structure_is_the_representative_and_missing_energies_are_reported():
    molecule = from_sequence("A")
    other = replace(molecule, positions=embed(to_rdkit(molecule), 1, seed=9)[0])
    molecules, energies = [molecule, other, moved(molecule), molecule], np.array([0.001, -1.0, 0.0, 0.5])
    result = distinct_structures(molecules, energies, SETTINGS)
    assert result.representatives.tolist() == [1, 2, 3]
    assert result.labels.tolist() == [2, 1, 2, 3]
    assert result.by_energy
    energies[0] = np.nan
    without = distinct_structures(molecules, energies, SETTINGS)
    assert without.representatives.tolist() == [0, 1]
    assert "1 structures have no energy" in without.remarks[0]
