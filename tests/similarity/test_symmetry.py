"""The automorphism group against an enumeration of the whole bond graph."""

import networkx as nx
import numpy as np
import pytest
from networkx.algorithms.isomorphism import GraphMatcher, categorical_node_match

from explorer.errors import InputError
from explorer.io.build import from_sequence, from_smiles
from explorer.records import Molecule
from explorer.similarity.symmetry import from_molecule


def all_automorphisms(molecule: Molecule) -> np.ndarray:
    """Every element-preserving automorphism of the whole bond graph, one by one."""
    graph = nx.Graph()
    graph.add_nodes_from((i, {"z": int(z)}) for i, z in enumerate(molecule.atomic_numbers))
    graph.add_edges_from((int(i), int(j)) for i, j in molecule.bonds)
    matcher = GraphMatcher(graph, graph, categorical_node_match("z", None))
    return np.array([[m[i] for i in range(molecule.n_atoms)] for m in matcher.isomorphisms_iter()])


@pytest.mark.parametrize(
    "smiles", ["O", "C", "CC", "CCO", "CC(=O)C", "CC#CC", "c1ccccc1", "CC(=O)[O-]", "NC(N)=[NH2+]", "CC(C)C", "C1CC1"]
)
def test_order_and_orbits_equal_those_of_the_enumerated_group(smiles):
    molecule = from_smiles(smiles)
    symmetry = from_molecule(molecule)
    group = all_automorphisms(molecule)
    assert symmetry.order == len(group)
    expected = {frozenset(group[:, i].tolist()) for i in range(molecule.n_atoms)}
    assert {frozenset(np.flatnonzero(symmetry.orbits == k).tolist()) for k in symmetry.orbits} == expected


def test_starts_and_local_factors_generate_only_automorphisms():
    molecule = from_smiles("CC(C)C[C@@H](C(=O)[O-])[NH3+]")
    symmetry = from_molecule(molecule)
    bonds = {tuple(bond) for bond in molecule.bonds.tolist()}
    rows = list(symmetry.starts)
    for factor in symmetry.local_factors:
        for permutation in factor.permutations:
            row = np.arange(molecule.n_atoms)
            row[factor.support] = factor.support[permutation]
            rows.append(row)
    for row in rows:
        assert {tuple(sorted((row[i], row[j]))) for i, j in bonds} == bonds


def test_trialanine_has_7776_automorphisms_and_one_start():
    symmetry = from_molecule(from_sequence("AAA"))
    assert symmetry.order == 6**5
    assert len(symmetry.starts) == 1
    assert len(symmetry.local_factors) == 5


def test_flips_of_many_side_chains_are_not_multiplied_out():
    symmetry = from_molecule(from_sequence("VVFFLLV"))
    assert len(symmetry.starts) <= 64
    # V and L exchange two methyls, F flips, each CH2 of F and L has two H, the caps are methyls
    assert symmetry.order == 72**5 * 2**2 * 2**4 * 6**2


def test_carboxylic_oxygens_of_the_acid_are_not_exchanged():
    acid, anion = from_molecule(from_smiles("CC(=O)O")), from_molecule(from_smiles("CC(=O)[O-]"))
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
    ],
)
def test_molecule_is_achiral_when_its_mirror_image_has_the_same_name(smiles, expected):
    assert from_molecule(from_smiles(smiles)).is_achiral is expected


def test_atoms_of_a_cluster_are_interchangeable_by_element():
    empty = np.empty((0, 2), dtype=int)
    cluster = Molecule("mix", np.array([18, 18, 10]), np.eye(3), empty, np.empty(0), np.zeros(3, int))
    symmetry = from_molecule(cluster)
    assert symmetry.order == 2
    assert symmetry.orbits[0] == symmetry.orbits[1] != symmetry.orbits[2]
    assert symmetry.is_achiral
    assert not symmetry.has_bonds


def test_too_many_equal_molecules_are_refused():
    water = from_smiles("O")
    bonds = np.concatenate([water.bonds + 3 * k for k in range(8)])
    many = Molecule(
        "water8",
        np.tile(water.atomic_numbers, 8),
        np.arange(72.0).reshape(24, 3),
        bonds,
        np.ones(16),
        np.zeros(24, int),
    )
    with pytest.raises(InputError, match="5040"):
        from_molecule(many)
