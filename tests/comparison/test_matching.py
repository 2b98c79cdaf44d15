"""Atoms of one molecule are matched in any order, with the same chirality; the stereo SMILES of RDKit is the oracle."""

import numpy as np
import pytest
from rdkit import Chem

from explorer.comparison.matching import match_atoms, reorder_frames
from explorer.io.build import embed, from_sequence, from_smiles, to_rdkit
from explorer.records.molecule import Molecule


def shuffled(molecule: Molecule, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Atomic numbers, bonds and the order of a copy with permuted atoms."""
    order = np.random.default_rng(seed).permutation(molecule.n_atoms)
    return molecule.atomic_numbers[order], np.argsort(order)[molecule.bonds], order


def tetrahedral_parities(molecule: Molecule, positions: np.ndarray) -> list[float]:
    """Sign of the volume at each four-coordinate atom, its neighbours by index."""
    parities = []
    for i in range(molecule.n_atoms):
        near = sorted({int(j) for bond in molecule.bonds if i in bond for j in bond} - {i})
        if len(near) == 4:
            a, b, c = positions[near[:3]] - positions[near[3]]
            parities.append(np.sign(np.linalg.det([a, b, c])))
    return parities


@pytest.mark.parametrize("sequence", ["AAA", "V", "L", "I", "P", "K", "F", "T"])
def test_shuffled_conformers_are_reordered_with_all_parities(sequence):
    molecule = from_sequence(sequence)
    conformers = embed(to_rdkit(molecule), 3, seed=11)  # RDKit numbers the hydrogens of a CH2 in either order
    atomic_numbers, bonds, order = shuffled(molecule, seed=0)
    frames, indices = reorder_frames(molecule, atomic_numbers, bonds, conformers[:, order])
    assert indices.tolist() == [0, 1, 2]
    for frame, conformer in zip(frames, conformers, strict=True):
        assert tetrahedral_parities(molecule, frame) == tetrahedral_parities(molecule, molecule.positions)
        assert Chem.MolToSmiles(to_rdkit(molecule, frame)) == Chem.MolToSmiles(to_rdkit(molecule))
        lengths = np.linalg.norm(np.subtract(*frame[molecule.bonds.T]), axis=-1)
        assert lengths.max() < 1.7  # every bond is a bond again
        for number in set(molecule.atomic_numbers):
            mine = molecule.atomic_numbers == number
            assert sorted(map(tuple, frame[mine])) == sorted(map(tuple, conformer[mine]))


def test_frames_with_an_inverted_stereocentre_are_left_out():
    molecule = from_sequence("A")
    frames = molecule.positions * np.array([[[1, 1, 1]], [[-1, 1, 1]], [[1, -1, -1]]])
    reordered, indices = reorder_frames(molecule, molecule.atomic_numbers, molecule.bonds, frames)
    assert indices.tolist() == [0, 2]
    heavy = molecule.atomic_numbers > 1
    np.testing.assert_array_equal(reordered[:, heavy], frames[[0, 2]][:, heavy])


def test_shuffled_copy_is_reordered_up_to_hydrogens():
    molecule = from_sequence("V")
    atomic_numbers, bonds, order = shuffled(molecule, 1)
    found = match_atoms(molecule, atomic_numbers, bonds, molecule.positions[order])
    heavy = molecule.atomic_numbers > 1
    np.testing.assert_array_equal(molecule.positions[order][found][heavy], molecule.positions[heavy])


def test_mirror_image_of_a_chiral_peptide_is_another_molecule():
    molecule = from_sequence("A")
    atomic_numbers, bonds, order = shuffled(molecule, 0)
    mirrored = molecule.positions[order] * [-1, 1, 1]
    assert match_atoms(molecule, atomic_numbers, bonds, mirrored) is None


def test_mirror_image_of_an_achiral_peptide_is_the_same_molecule():
    molecule = from_sequence("G")
    atomic_numbers, bonds, order = shuffled(molecule, 0)
    mirrored = molecule.positions[order] * [-1, 1, 1]
    found = match_atoms(molecule, atomic_numbers, bonds, mirrored)
    assert tetrahedral_parities(molecule, mirrored[found]) == tetrahedral_parities(molecule, molecule.positions)


def test_isomers_with_the_same_formula_do_not_match():
    propanol, ether = from_smiles("CCCO"), from_smiles("CCOC")
    assert match_atoms(propanol, ether.atomic_numbers, ether.bonds, ether.positions) is None


def test_other_elements_do_not_match():
    molecule = from_smiles("CO")
    sulfur = np.where(molecule.atomic_numbers == 8, 16, molecule.atomic_numbers)
    assert match_atoms(molecule, sulfur, molecule.bonds, molecule.positions) is None
    frames, indices = reorder_frames(molecule, sulfur, molecule.bonds, molecule.positions[None])
    assert frames.shape == (0, molecule.n_atoms, 3)
    assert len(indices) == 0
