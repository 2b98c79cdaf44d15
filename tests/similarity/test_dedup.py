"""Planted duplicates and near-duplicates; minima of Lennard-Jones clusters counted as in the literature."""

import time

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import rdMolTransforms
from scipy.optimize import minimize
from scipy.spatial.transform import Rotation
from test_fingerprint import cluster, random_automorphism

from explorer.config import IdentitySettings
from explorer.io.build import embed, from_sequence, from_smiles, to_rdkit
from explorer.similarity.dedup import deduplicate
from explorer.similarity.mirror import merges_mirror_images
from explorer.similarity.symmetry import symmetry_of

SETTINGS = IdentitySettings()


def n_distinct(symmetry, structures, settings=SETTINGS, energies=None, classes=None) -> int:
    energies = np.zeros(len(structures)) if energies is None else energies
    classes = ["intact"] * len(structures) if classes is None else classes
    return len(set(deduplicate(symmetry, energies, np.array(structures), classes, settings).tolist()))


def planted_copies(molecule, symmetry, structures, n_copies, rng, noise=0.01):
    """Rotated, permuted and noisy copies, and the index of the original of each."""
    originals = np.repeat(np.arange(len(structures)), n_copies)
    copies = [
        Rotation.random(rng=rng).apply(structures[k][random_automorphism(symmetry, rng)])
        + noise * rng.normal(size=(molecule.n_atoms, 3))
        for k in originals
    ]
    return np.array(copies), originals


@pytest.mark.parametrize("molecule", [from_sequence("AA"), from_smiles("CCO"), cluster(13)], ids=lambda m: m.name)
def test_planted_duplicates_are_found_and_lowest_energies_represent_them(molecule):
    rng = np.random.default_rng(0)
    symmetry = symmetry_of(molecule)
    copies, _ = planted_copies(molecule, symmetry, molecule.positions[None], 12, rng)
    energies = rng.uniform(0, 1e-3, size=12)
    labels = deduplicate(symmetry, energies, copies, ["intact"] * 12, SETTINGS)
    assert set(labels) == {np.argmin(energies)}


@pytest.mark.parametrize("angle", [30, 120])
def test_structure_with_a_rotated_backbone_torsion_is_another_minimum(angle):
    molecule = from_sequence("A")
    mol = to_rdkit(molecule)
    phi = mol.GetSubstructMatch(Chem.MolFromSmarts("[C;$(C=O)]N[C;X4;H1][C;$(C=O)]"))
    conformer = mol.GetConformer()
    rdMolTransforms.SetDihedralDeg(conformer, *phi, rdMolTransforms.GetDihedralDeg(conformer, *phi) + angle)
    assert n_distinct(symmetry_of(molecule), [molecule.positions, conformer.GetPositions()]) == 2


def test_mirror_image_of_a_chiral_molecule_is_distinct_unless_merged():
    molecule = from_sequence("A")
    symmetry = symmetry_of(molecule)
    both = [molecule.positions, -molecule.positions]
    merging = IdentitySettings(mirror="merge")
    assert n_distinct(symmetry, both) == 2
    assert n_distinct(symmetry, both, merging) == 1


def test_mirror_images_of_an_achiral_molecule_count_once():
    glycine = from_sequence("G")
    symmetry = symmetry_of(glycine)
    assert merges_mirror_images(symmetry, SETTINGS)
    assert n_distinct(symmetry, [glycine.positions, -glycine.positions]) == 1


def test_class_and_energy_separate_equal_geometries():
    molecule = from_smiles("CCO")
    symmetry = symmetry_of(molecule)
    twice = [molecule.positions, molecule.positions]
    assert n_distinct(symmetry, twice, classes=["intact", "cis-amide"]) == 2
    assert n_distinct(symmetry, twice, energies=np.array([0, 1.01 * SETTINGS.energy_window])) == 2
    assert n_distinct(symmetry, twice, energies=np.array([0, 0.99 * SETTINGS.energy_window])) == 1


def test_labels_do_not_depend_on_the_order_of_the_structures():
    molecule = from_sequence("AA")
    symmetry = symmetry_of(molecule)
    rng = np.random.default_rng(2)
    structures = embed(to_rdkit(molecule), 8, seed=2)
    copies, _ = planted_copies(molecule, symmetry, structures, 3, rng)
    energies = rng.uniform(0, 1e-3, size=24)
    order = rng.permutation(24)
    labels = deduplicate(symmetry, energies, copies, ["intact"] * 24, SETTINGS)
    shuffled = deduplicate(symmetry, energies[order], copies[order], ["intact"] * 24, SETTINGS)
    assert np.array_equal(order[shuffled], labels[order])


def test_no_structures_have_no_labels():
    symmetry = symmetry_of(from_smiles("CCO"))
    assert len(deduplicate(symmetry, np.empty(0), np.empty((0, 9, 3)), [], SETTINGS)) == 0


def test_a_thousand_conformers_of_42_atoms_are_deduplicated_exactly_and_fast():
    molecule = from_sequence("AAA")
    symmetry = symmetry_of(molecule)
    rng = np.random.default_rng(1)
    conformers = embed(to_rdkit(molecule), 12, seed=1)
    structures = np.repeat(conformers, 12, axis=0) + 0.1 * rng.normal(size=(144, 42, 3))
    copies, originals = planted_copies(molecule, symmetry, structures, 7, rng)
    energies = rng.uniform(0, 0.5, size=144)[originals] + rng.uniform(0, 1e-4, size=len(originals))
    begin = time.process_time()
    labels = deduplicate(symmetry, energies, copies, ["intact"] * len(copies), SETTINGS)
    assert time.process_time() - begin < 5
    assert len(set(labels.tolist())) == 144
    assert np.array_equal(originals[labels], originals)


def lennard_jones(flat):
    """Energy and gradient of a free cluster, ε = σ = 1."""
    x = flat.reshape(-1, 3)
    difference = x[:, None] - x[None]
    squared = np.sum(difference**2, axis=-1) + np.eye(len(x))
    sixth = squared**-3 * (1 - np.eye(len(x)))
    energy = 2 * np.sum(sixth**2 - sixth)
    slope = (-48 * sixth**2 + 24 * sixth) / squared
    return energy, np.sum(slope[..., None] * difference, axis=1).reshape(-1)


def relaxed(starts):
    """Energies and positions of the minima to which the starts relax, without dissociated ones."""
    ends = [minimize(lennard_jones, x.reshape(-1), jac=True, method="BFGS", options={"gtol": 1e-5}) for x in starts]
    positions = np.array([end.x.reshape(-1, 3) for end in ends])
    distances = np.linalg.norm(positions[:, :, None] - positions[:, None], axis=-1) + 9 * np.eye(positions.shape[1])
    kept = (distances.min(axis=-1).max(axis=-1) < 1.3) & (np.array([np.abs(end.jac).max() for end in ends]) < 1e-4)
    return np.array([end.fun for end in ends])[kept], positions[kept]


OCTAHEDRON = 0.8 * np.concatenate([np.eye(3), -np.eye(3)])


@pytest.mark.parametrize(("n_atoms", "n_minima", "n_caps"), [(7, 4, 12), (8, 8, 14)])
def test_lennard_jones_clusters_have_the_known_numbers_of_minima(n_atoms, n_minima, n_caps):
    """Clusters are built atom by atom: every minimum gets an atom in random directions and is relaxed."""
    rng = np.random.default_rng(0)
    minima = [OCTAHEDRON, np.concatenate([1.1 * np.eye(3), [[0, 0, 0], [0.8, 0.8, 0.8], [0.9, 0.9, -0.4]]])]
    for size in range(7, n_atoms + 1):
        caps = rng.normal(size=(len(minima), n_caps, 1, 3))
        caps *= 1.5 / np.linalg.norm(caps, axis=-1, keepdims=True)
        grown = [np.concatenate([x - x.mean(axis=0), cap]) for x, row in zip(minima, caps, strict=True) for cap in row]
        energies, positions = relaxed(grown)
        labels = deduplicate(symmetry_of(cluster(size)), energies, positions, ["intact"] * len(energies), SETTINGS)
        minima = positions[sorted(set(labels.tolist()))]
    assert len(minima) == n_minima
