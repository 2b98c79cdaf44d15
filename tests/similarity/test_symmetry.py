"""The automorphism group against an enumeration of the whole bond graph."""

import networkx as nx
import numpy as np
import pytest
from networkx.algorithms.isomorphism import GraphMatcher, categorical_node_match
from rdkit import Chem

from explorer.errors import InputError
from explorer.io.build import from_sequence, from_smiles, to_rdkit
from explorer.records.molecule import Molecule
from explorer.similarity.factors import product_of
from explorer.similarity.stereo import parities
from explorer.similarity.symmetry import renumber, symmetry_of


def all_automorphisms(molecule: Molecule) -> np.ndarray:
    """Every element-preserving automorphism of the whole bond graph, one by one."""
    graph = nx.Graph()
    graph.add_nodes_from((i, {"z": int(z)}) for i, z in enumerate(molecule.atomic_numbers))
    graph.add_edges_from((int(i), int(j)) for i, j in molecule.bonds)
    matcher = GraphMatcher(graph, graph, categorical_node_match("z", None))
    return np.array([[m[i] for i in range(molecule.n_atoms)] for m in matcher.isomorphisms_iter()])


def feasible_automorphisms(molecule: Molecule) -> np.ndarray:
    """Return those that preserve the signed volume of the neighbours of every four-coordinate atom, and cis at C=C.

    Nitrogen with several hydrogens is left out because it inverts whenever it has lost one.
    """
    rows = all_automorphisms(molecule)
    neighbours = {i: sorted({int(k) for b in molecule.bonds if i in b for k in b} - {i}) for i in range(len(rows[0]))}
    shuffled, kept = molecule.positions[rows], np.ones(len(rows), dtype=bool)
    is_labile = [
        z == 7 and (molecule.atomic_numbers[n] == 1).sum() > 1
        for z, n in zip(molecule.atomic_numbers, neighbours.values(), strict=True)
    ]
    for around in (n for atom, n in neighbours.items() if len(n) == 4 and not is_labile[atom]):
        edges = shuffled[:, around[1:]] - shuffled[:, around[:1]]
        signs = np.sign(np.linalg.det(edges))
        kept &= signs == np.sign(np.linalg.det(molecule.positions[around[1:]] - molecule.positions[around[0]]))
    for (i, j), order in zip(molecule.bonds.tolist(), molecule.bond_orders, strict=True):
        ends = [[k for k in neighbours[a] if k != b] for a, b in ((i, j), (j, i))]
        if order == 2 and set(molecule.atomic_numbers[[i, j]]) == {6} and all(ends):
            arms = [molecule.positions[ends[0][0]] - molecule.positions[i]]
            arms += [molecule.positions[ends[1][0]] - molecule.positions[j]]
            moved = [shuffled[:, ends[0][0]] - shuffled[:, i], shuffled[:, ends[1][0]] - shuffled[:, j]]
            kept &= (np.sum(moved[0] * moved[1], axis=1) > 0) == (arms[0] @ arms[1] > 0)
    return rows[kept]


SMALL = ["O", "C", "CC", "CCO", "CC(=O)C", "CC#CC", "c1ccccc1", "CC(=O)[O-]", "NC(N)=[NH2+]", "CC(C)C", "C1CC1"]


@pytest.mark.parametrize("smiles", SMALL)
def test_orbits_are_those_of_the_enumerated_group(smiles):
    molecule = from_smiles(smiles)
    symmetry = symmetry_of(molecule)
    group = all_automorphisms(molecule)
    expected = {frozenset(group[:, i].tolist()) for i in range(molecule.n_atoms)}
    assert {frozenset(np.flatnonzero(symmetry.orbits == k).tolist()) for k in symmetry.orbits} == expected


STEREO = [
    "C=C",
    "CC=C",
    "C=C(C)C",
    "C(C#C)(C#C)(C#C)C#C",
    "FC(F)(F)F",
    "FC(F)Cl",
    "CCC",
    "C[C@H](O)[C@H](O)C",
    "C[C@@H](O)[C@H](O)C",
    "C[C@H](N)C(=O)O",
    "OC(O)(CC)CC",  # two pairs of like groups at one atom
    "C/C=C/C",
    "C[NH3+]",
    "CC(C)CO",
    "CS(=O)(=O)[O-]",
    "C1CCCCC1",
]


@pytest.mark.parametrize("smiles", SMALL + STEREO)
def test_feasible_group_preserves_all_parities_in_the_enumerated_group(smiles):
    molecule = from_smiles(smiles)
    symmetry, expected = symmetry_of(molecule), feasible_automorphisms(molecule)
    factors = list(symmetry.local_factors)
    rows = {tuple(row) for start in symmetry.starts for row in start[product_of(factors, molecule.n_atoms)]}
    assert rows == {tuple(row) for row in expected}
    assert symmetry.order == len(expected)


@pytest.mark.parametrize(
    ("smiles", "order"),
    [
        ("CC", 18),  # 3 x 3 rotations and the exchange of the ends
        ("OCC(=O)[O-]", 2),  # the H of a CH2 are not exchanged, the O of the carboxylate are
        ("Cc1ccccc1", 6),  # 3 rotations of the methyl, flip of the ring
        ("CNC(N)=[NH2+]", 24),  # 3, and two NH2 that rotate (2 x 2) and are exchanged (2)
        ("CC(C)C(=O)[O-]", 18),  # methyls rotate (3 x 3) and are not exchanged; O are
    ],
)
def test_groups_of_a_peptide_have_the_order_that_motion_allows(smiles, order):
    assert symmetry_of(from_smiles(smiles)).order == order


def test_exchanged_hydrogens_of_a_methylene_are_renumbered_and_a_real_centre_is_not():
    molecule = from_sequence("F")
    symmetry = symmetry_of(molecule)
    (beta,) = (i for i in range(molecule.n_atoms) if _is_methylene(molecule, i))
    first, second = (int(k) for b in molecule.bonds if beta in b for k in b if molecule.atomic_numbers[k] == 1)
    exchanged = molecule.positions.copy()
    exchanged[[first, second]] = exchanged[[second, first]]
    np.testing.assert_array_equal(renumber(symmetry, exchanged[None])[0], molecule.positions)
    mirrored = renumber(symmetry, -molecule.positions[None])[0]
    assert np.sum(parities(symmetry.stereo_elements, mirrored) != symmetry.parities) == 1  # C alpha


def _is_methylene(molecule: Molecule, atom: int) -> bool:
    neighbours = [int(k) for b in molecule.bonds if atom in b for k in b if k != atom]
    return len(neighbours) == 4 and sum(molecule.atomic_numbers[neighbours] == 1) == 2


def test_starts_and_local_factors_generate_only_automorphisms():
    molecule = from_smiles("CC(C)C[C@@H](C(=O)[O-])[NH3+]")
    symmetry = symmetry_of(molecule)
    bonds = {tuple(bond) for bond in molecule.bonds.tolist()}
    rows = list(symmetry.starts)
    for factor in symmetry.local_factors:
        for permutation in factor.permutations:
            row = np.arange(molecule.n_atoms)
            row[factor.support] = factor.support[permutation]
            rows.append(row)
    for row in rows:
        assert {tuple(sorted((row[i], row[j]))) for i, j in bonds} == bonds


def test_trialanine_has_243_feasible_automorphisms_and_one_start():
    symmetry = symmetry_of(from_sequence("AAA"))
    assert symmetry.order == 3**5
    assert len(symmetry.starts) == 1
    assert len(symmetry.local_factors) == 5


def test_flips_of_many_side_chains_are_not_enumerated():
    symmetry = symmetry_of(from_sequence("VVFFLLV"))
    assert len(symmetry.starts) <= 64
    # the two methyls of V and L rotate and are not exchanged, F flips, the caps are methyls
    assert symmetry.order == 9**5 * 2**2 * 3**2


def test_carboxylic_oxygens_of_the_acid_are_not_exchanged():
    acid, anion = symmetry_of(from_smiles("CC(=O)O")), symmetry_of(from_smiles("CC(=O)[O-]"))
    oxygen_orbits = [len(set(s.orbits[s.atomic_numbers == 8].tolist())) for s in (acid, anion)]
    assert oxygen_orbits == [2, 1]
    assert [s.heavy.order for s in (acid, anion)] == [1, 2]


@pytest.mark.parametrize(
    ("smiles", "expected"),
    [
        ("C[C@H](N)C(=O)O", False),
        ("NCC(=O)O", True),
        ("C[C@@H](O)[C@H](O)C", False),  # R,R or S,S
        ("C[C@H](O)[C@H](O)C", True),  # R,S: meso
        ("C/C=C/C", True),
        ("C[S@](=O)CC", False),
        ("CS(C)=O", True),
        ("CC(C)C[C@@H](C(=O)[O-])[NH3+]", False),
        ("NCC(=O)NCC(=O)NCC", True),
    ],
)
def test_molecule_is_achiral_when_its_mirror_image_has_the_same_name(smiles, expected):
    molecule = from_smiles(smiles)
    name, mirror_name = (Chem.MolToSmiles(to_rdkit(molecule, sign * molecule.positions)) for sign in (1, -1))
    assert symmetry_of(molecule).is_achiral is (name == mirror_name) is expected


def test_atoms_of_a_cluster_are_interchangeable_by_element():
    empty = np.empty((0, 2), dtype=int)
    cluster = Molecule(
        name="mix",
        atomic_numbers=np.array([18, 18, 10]),
        positions=np.eye(3),
        bonds=empty,
        bond_orders=np.empty(0),
        formal_charges=np.zeros(3, int),
    )
    symmetry = symmetry_of(cluster)
    assert symmetry.order == 2
    assert symmetry.orbits[0] == symmetry.orbits[1] != symmetry.orbits[2]
    assert symmetry.is_achiral
    assert not symmetry.has_bonds


def test_too_many_equal_molecules_are_refused():
    water = from_smiles("O")
    bonds = np.concatenate([water.bonds + 3 * k for k in range(8)])
    many = Molecule(
        name="water8",
        atomic_numbers=np.tile(water.atomic_numbers, 8),
        positions=np.arange(72.0).reshape(24, 3),
        bonds=bonds,
        bond_orders=np.ones(16),
        formal_charges=np.zeros(24, int),
    )
    with pytest.raises(InputError, match="5040"):
        symmetry_of(many)
