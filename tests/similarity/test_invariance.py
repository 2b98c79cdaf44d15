"""Identity is invariant under motion and permutation of equal atoms; distances agree with RDKit."""

from functools import lru_cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rdkit import Chem
from rdkit.Chem import AllChem, rdMolAlign
from test_symmetry import feasible_automorphisms

from explorer.bench.planted_pairs import copied, distorted
from explorer.config import IdentitySettings
from explorer.io.build import embed, from_sequence, from_smiles, to_rdkit
from explorer.similarity.alignment import rmsd
from explorer.similarity.dedup import deduplicate
from explorer.similarity.symmetry import symmetry_of

SETTINGS = IdentitySettings()
SEEDS = st.integers(min_value=0, max_value=2**32 - 1)


@lru_cache
def prepared(sequence: str):
    molecule = from_sequence(sequence)
    return molecule, symmetry_of(molecule), embed(to_rdkit(molecule), 3, seed=4)


@settings(max_examples=60, deadline=None)
@given(seed=SEEDS, sequence=st.sampled_from(["AF", "RD", "VY", "LE", "GK"]), which=st.integers(0, 2))
def test_rotated_and_permuted_copy_is_the_same_structure(seed, sequence, which):
    molecule, symmetry, structures = prepared(sequence)
    copy = copied(molecule, structures[which], np.random.default_rng(seed), noise=0.0)
    assert rmsd(symmetry, structures[which], copy) == pytest.approx(0, abs=1e-6)
    assert deduplicate(symmetry, np.zeros(2), np.stack([structures[which], copy]), ["a", "a"], SETTINGS)[1] == 0


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS, sequence=st.sampled_from(["AF", "RD", "VY"]), size=st.sampled_from([0.05, 0.12, 0.13, 0.3]))
def test_distance_to_a_distorted_copy_is_the_distortion(seed, sequence, size):
    molecule, symmetry, structures = prepared(sequence)
    rng = np.random.default_rng(seed)
    other = copied(molecule, distorted(size)(molecule, structures[0], rng), rng, noise=0.0)
    assert rmsd(symmetry, structures[0], other) == pytest.approx(size, abs=1e-6)
    labels = deduplicate(symmetry, np.zeros(2), np.stack([structures[0], other]), ["a", "a"], SETTINGS)
    assert (labels[1] == 0) == (size <= SETTINGS.rmsd)


@pytest.mark.parametrize("smiles", ["CCO", "CC(=O)[O-]", "NC(N)=[NH2+]", "C[NH3+]", "CC(C)O", "Cc1ccccc1"])
def test_distances_of_all_conformers_are_those_of_rdkit(smiles):
    molecule = from_smiles(smiles)
    mol, symmetry = Chem.Mol(to_rdkit(molecule)), symmetry_of(molecule)
    AllChem.EmbedMultipleConfs(mol, 5, randomSeed=3)
    maps = [[(int(i), j) for j, i in enumerate(row)] for row in feasible_automorphisms(molecule)]
    expected = rdMolAlign.GetAllConformerBestRMS(mol, map=maps)
    positions = [c.GetPositions() for c in mol.GetConformers()]
    found = [rmsd(symmetry, positions[j], positions[i]) for i in range(5) for j in range(i)]
    np.testing.assert_allclose(found, list(expected), atol=1e-4)
