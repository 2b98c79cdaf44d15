"""Invariance, the proven radius, and chirality of the fingerprint."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from clusters import argon_cluster
from scipy.spatial.transform import Rotation

from explorer.io.build import embed, from_sequence, from_smiles, to_rdkit
from explorer.records.molecule import Molecule
from explorer.similarity.alignment import rmsd_batch
from explorer.similarity.fingerprint import fingerprint_atoms, fingerprint_batch, fingerprint_radius, fingerprints_of
from explorer.similarity.symmetry import symmetry_of


def cluster(n_atoms: int, seed: int = 0) -> Molecule:
    return argon_cluster(np.random.default_rng(seed).normal(size=(n_atoms, 3)))


def random_automorphism(symmetry, rng) -> np.ndarray:
    row = symmetry.starts[rng.integers(len(symmetry.starts))].copy()
    for factor in symmetry.local_factors:
        row[factor.support] = row[factor.support][factor.permutations[rng.integers(len(factor.permutations))]]
    return row if symmetry.has_bonds else rng.permutation(len(row))


@pytest.mark.parametrize("molecule", [from_sequence("AF"), from_smiles("O"), cluster(38)], ids=lambda m: m.name)
def test_fingerprint_is_invariant_under_motion_and_relabelling(molecule):
    rng = np.random.default_rng(1)
    symmetry = symmetry_of(molecule)
    moved = Rotation.random(rng=rng).apply(molecule.positions[random_automorphism(symmetry, rng)]) + 3.0
    a, b = fingerprint_batch(symmetry, np.stack([molecule.positions, moved]), signed=True)
    np.testing.assert_allclose(a, b, atol=1e-9)


@pytest.mark.parametrize("molecule", [from_sequence("A"), cluster(8), cluster(38)], ids=["peptide", "lj8", "lj38"])
@pytest.mark.parametrize("size", [0.01, 0.2])
def test_fingerprint_distance_is_within_the_proven_radius(molecule, size):
    rng = np.random.default_rng(2)
    symmetry = symmetry_of(molecule)
    noisy = molecule.positions + size * rng.normal(size=(20, *molecule.positions.shape))
    fingerprints = fingerprint_batch(symmetry, noisy)
    distances = np.linalg.norm(fingerprints - fingerprint_batch(symmetry, molecule.positions[None]), axis=1)
    bounds = [fingerprint_radius(symmetry, r) for r in rmsd_batch(symmetry, molecule.positions, noisy)]
    assert np.all(distances <= bounds)
    assert np.all(distances > 0)


@pytest.mark.parametrize("molecule", [from_sequence("FDK"), from_smiles("CCO")], ids=["peptide", "ethanol"])
def test_traced_fingerprints_are_those_of_numpy(molecule):
    symmetry, shapes = symmetry_of(molecule), embed(to_rdkit(molecule), 5, seed=0)
    traced = jax.jit(fingerprints_of)(fingerprint_atoms(symmetry), jnp.asarray(shapes))
    np.testing.assert_allclose(traced, fingerprint_batch(symmetry, shapes, signed=True), atol=1e-10)


def test_conformers_are_mostly_outside_the_radius_of_identity():
    molecule = from_sequence("AAA")
    symmetry = symmetry_of(molecule)
    fingerprints = fingerprint_batch(symmetry, embed(to_rdkit(molecule), 20, seed=0))
    distances = np.linalg.norm(fingerprints[:, None] - fingerprints[None], axis=2)[np.triu_indices(20, 1)]
    assert np.mean(distances > fingerprint_radius(symmetry, 0.125)) > 0.8


def test_only_the_signed_part_distinguishes_mirror_images():
    molecule = from_sequence("A")
    symmetry = symmetry_of(molecule)
    both = np.stack([molecule.positions, -molecule.positions])
    unsigned, signed = fingerprint_batch(symmetry, both), fingerprint_batch(symmetry, both, signed=True)
    np.testing.assert_allclose(unsigned[0], unsigned[1])
    n = unsigned.shape[1]
    assert signed.shape[1] > n
    np.testing.assert_allclose(signed[0, n:], -signed[1, n:])
    assert np.abs(signed[0, n:]).max() > 0.1


@pytest.mark.parametrize("molecule", [from_sequence("AAAAAAAAAA"), cluster(75)], ids=["peptide", "lj75"])
def test_large_molecules_have_about_five_hundred_features(molecule):
    features = fingerprint_batch(symmetry_of(molecule), molecule.positions[None])
    assert 250 <= features.shape[1] <= 510


def test_no_structures_give_no_rows():
    molecule = from_smiles("O")
    assert fingerprint_batch(symmetry_of(molecule), np.empty((0, 3, 3))).shape[0] == 0
