"""RMSD against brute force, RDKit and the irmsd package."""

import numpy as np
import pytest
from rdkit.Chem import BondType, RemoveHs, RWMol, rdMolAlign
from scipy.spatial.transform import Rotation
from test_fingerprint import cluster, random_automorphism
from test_symmetry import feasible_automorphisms

from explorer.io.build import embed, from_sequence, from_smiles, to_rdkit
from explorer.similarity.alignment import heavy_rmsd, rmsd, rmsd_batch
from explorer.similarity.symmetry import symmetry_of


def brute_force(group: np.ndarray, a: np.ndarray, b: np.ndarray) -> float:
    """Smallest RMSD over all permutations, each with SciPy's rotation."""
    a, b = a - a.mean(axis=0), b - b.mean(axis=0)
    return min(Rotation.align_vectors(a, b[row])[1] for row in group) / np.sqrt(len(a))


@pytest.mark.filterwarnings("ignore:Optimal rotation is not uniquely")
@pytest.mark.parametrize("smiles", ["O", "C", "CC", "CCO", "CC(=O)C", "CC(=O)[O-]", "CC#CC", "NC(N)=[NH2+]"])
def test_rmsd_of_small_molecules_equals_brute_force(smiles):
    molecule = from_smiles(smiles)
    symmetry, group = symmetry_of(molecule), feasible_automorphisms(molecule)
    rng = np.random.default_rng(0)
    for size in (0.05, 0.5):
        other = molecule.positions[random_automorphism(symmetry, rng)] + size * rng.normal(size=(molecule.n_atoms, 3))
        expected = brute_force(group, molecule.positions, other)
        assert rmsd(symmetry, molecule.positions, other) == pytest.approx(expected, abs=1e-6)


def test_rmsd_near_the_threshold_equals_brute_force_over_all_relabellings():
    molecule = from_sequence("A")
    symmetry, group = symmetry_of(molecule), feasible_automorphisms(molecule)
    assert len(group) == symmetry.order == 27
    rng = np.random.default_rng(3)
    for size in (0.01, 0.07, 0.15):
        moved = molecule.positions[random_automorphism(symmetry, rng)]
        other = Rotation.random(rng=rng).apply(moved) + size * rng.normal(size=moved.shape)
        expected = brute_force(group, molecule.positions, other)
        assert rmsd(symmetry, molecule.positions, other) == pytest.approx(expected, abs=1e-6)


def feasible_matches(mol) -> list[tuple[int, ...]]:
    """RDKit's matches of the heavy atoms that keep the parity of every CH with three heavy neighbours."""
    positions = mol.GetConformer().GetPositions()
    carbons = [a for a in mol.GetAtoms() if a.GetAtomicNum() == 6 and not a.GetIsAromatic() and a.GetTotalNumHs() == 1]
    corners = [[n.GetIdx() for n in a.GetNeighbors()] for a in carbons if a.GetDegree() == 3]
    centres = [a.GetIdx() for a in mol.GetAtoms() if [n.GetIdx() for n in a.GetNeighbors()] in corners]

    def parities(x):
        return [np.sign(np.linalg.det(x[three] - x[atom])) for atom, three in zip(centres, corners, strict=True)]

    plain = RWMol(mol)  # without bond orders and charges: the two O of a carboxylate are equal
    for bond in plain.GetBonds():
        bond.SetBondType(BondType.SINGLE)
    for atom in plain.GetAtoms():
        atom.SetFormalCharge(0)
    matches = plain.GetSubstructMatches(plain, uniquify=False)
    return [m for m in matches if parities(positions[list(m)]) == parities(positions)]


@pytest.mark.parametrize("sequence", ["AAA", "VF", "LD"])
def test_heavy_rmsd_of_conformers_equals_rdkit_best_rms(sequence):
    molecule = from_sequence(sequence)
    symmetry, mol = symmetry_of(molecule), to_rdkit(molecule)
    structures = embed(mol, 6, seed=3)
    mols = [RemoveHs(to_rdkit(molecule, positions)) for positions in structures]
    maps = [list(enumerate(row)) for row in feasible_matches(mols[0])]
    for i in range(5):
        expected = rdMolAlign.GetBestRMS(mols[i], mols[i + 1], map=maps)
        assert heavy_rmsd(symmetry, structures[i], structures[i + 1]) == pytest.approx(expected, abs=1e-4)


def test_rmsd_of_conformers_equals_irmsd():
    irmsd = pytest.importorskip("irmsd")
    molecule = from_sequence("A")
    symmetry = symmetry_of(molecule)
    structures = embed(to_rdkit(molecule), 4, seed=5)
    for i in range(3):
        expected = irmsd.get_irmsd(
            molecule.atomic_numbers, structures[i], molecule.atomic_numbers, structures[i + 1], iinversion=2
        )[0]
        assert rmsd(symmetry, structures[i], structures[i + 1]) == pytest.approx(expected, abs=1e-3)


def test_rmsd_is_symmetric_and_a_row_of_the_batch():
    molecule = from_sequence("AA")
    symmetry = symmetry_of(molecule)
    structures = embed(to_rdkit(molecule), 5, seed=5)
    batch = rmsd_batch(symmetry, structures[0], structures)
    assert batch[0] == pytest.approx(0, abs=1e-6)
    for k, other in enumerate(structures):
        assert rmsd(symmetry, other, structures[0]) == pytest.approx(batch[k], abs=1e-6)


@pytest.mark.parametrize("molecule", [from_sequence("A"), cluster(9)], ids=["peptide", "cluster"])
def test_mirror_image_is_close_only_if_allowed(molecule):
    symmetry = symmetry_of(molecule)
    mirrored = molecule.positions * np.array([1.0, 1.0, -1.0])
    assert rmsd(symmetry, molecule.positions, mirrored) > 0.3
    assert rmsd(symmetry, molecule.positions, mirrored, allow_mirror=True) == pytest.approx(0, abs=1e-6)


def test_heavy_rmsd_ignores_moved_hydrogens():
    molecule = from_smiles("CO")
    symmetry = symmetry_of(molecule)
    other = molecule.positions.copy()
    other[molecule.atomic_numbers == 1] += 0.4
    assert heavy_rmsd(symmetry, molecule.positions, other) == pytest.approx(0, abs=1e-6)
    assert rmsd(symmetry, molecule.positions, other) > 0.1


@pytest.mark.parametrize("n_atoms", [1, 2, 3, 7, 13, 38])
def test_permuted_and_rotated_cluster_is_recognised(n_atoms):
    molecule = cluster(n_atoms, seed=n_atoms)
    symmetry = symmetry_of(molecule)
    rng = np.random.default_rng(n_atoms)
    noise = rng.normal(size=(n_atoms, 3))
    noise *= 0.05 * np.sqrt(n_atoms) / np.linalg.norm(noise)
    other = Rotation.random(rng=rng).apply((molecule.positions + noise)[rng.permutation(n_atoms)]) - 1.0
    assert rmsd(symmetry, molecule.positions, other) <= 0.05 + 1e-9


def test_rmsd_of_small_clusters_equals_brute_force():
    from itertools import permutations

    molecule = cluster(6)
    group = np.array(list(permutations(range(6))))
    rng = np.random.default_rng(4)
    for size in (0.05, 0.3):
        other = molecule.positions[rng.permutation(6)] + size * rng.normal(size=(6, 3))
        expected = brute_force(group, molecule.positions, other)
        assert rmsd(symmetry_of(molecule), molecule.positions, other) == pytest.approx(expected, abs=1e-6)
