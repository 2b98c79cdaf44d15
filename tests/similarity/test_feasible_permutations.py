"""Feasible permutations of small groups by hand, and of rigid molecules by their rotational point groups."""

import networkx as nx
import numpy as np
import pytest

from explorer.io.build import from_sequence, from_smiles
from explorer.records.molecule import Molecule
from explorer.similarity.factors import leaf_factors, leaf_groups, skeleton_factors
from explorer.similarity.feasible_permutations import FeasiblePermutations, renumbered, restrict
from explorer.similarity.stereo import StereoElements, find_stereo_elements, parities
from explorer.similarity.symmetry import symmetry_of
from explorer.topology.symmetry_classes import symmetry_classes


def feasible_of(molecule: Molecule) -> tuple[FeasiblePermutations, StereoElements]:
    graph = nx.empty_graph(molecule.n_atoms)
    graph.add_edges_from(molecule.bonds.tolist())
    classes = symmetry_classes(molecule.atomic_numbers, molecule.bonds).tolist()
    leaves = leaf_groups(graph, classes)
    elements = find_stereo_elements(molecule)
    outer = skeleton_factors(graph, classes, leaves)
    return restrict(outer, leaf_factors(leaves), elements, molecule.positions), elements


def permutations_of(feasible: FeasiblePermutations) -> list[set[tuple[int, ...]]]:
    return [{tuple(row) for row in factor.permutations.tolist()} for factor in feasible.inner]


def test_hydrogens_of_a_methyl_are_permuted_cyclically():
    feasible, _ = feasible_of(from_smiles("CF"))
    assert permutations_of(feasible) == [{(0, 1, 2), (1, 2, 0), (2, 0, 1)}]
    assert len(feasible.homotopic) == 1
    assert len(feasible.exchanges) == 1


def test_hydrogens_of_a_methylene_are_not_exchanged():
    feasible, _ = feasible_of(from_smiles("FCCl"))
    assert feasible.inner == []
    assert feasible.outer == []
    assert len(feasible.homotopic) == 0
    assert len(feasible.exchanges) == 1  # but the two can be renumbered


def test_oxygens_of_a_carboxylate_are_exchanged():
    feasible, _ = feasible_of(from_smiles("[O-]C(=O)F"))
    assert permutations_of(feasible) == [{(0, 1), (1, 0)}]
    assert feasible.exchanges == ()


@pytest.mark.parametrize(
    ("smiles", "order"),
    [
        ("O", 2),  # C2
        ("C", 12),  # T
        ("C=C", 4),  # D2
        ("c1ccccc1", 12),  # D6
        ("C1CC1", 6),  # D3
        ("FC(F)(F)F", 12),  # T
        ("FC(F)Cl", 1),  # Cs has no rotation
        ("F/C=C/F", 2),  # C2h has C2
        ("C#C", 2),  # of a linear molecule the exchange of its ends
    ],
)
def test_order_of_a_rigid_molecule_is_that_of_its_rotation_group(smiles, order):
    assert symmetry_of(from_smiles(smiles)).order == order


@pytest.mark.parametrize("sequence", ["F", "KV", "P"])
def test_renumbering_restores_parities_after_any_exchange_of_hydrogens(sequence):
    molecule = from_sequence(sequence)
    feasible, elements = feasible_of(molecule)
    wanted = parities(elements, molecule.positions)
    rng = np.random.default_rng(0)
    positions = np.repeat(molecule.positions[None], 8, axis=0)
    for structure in positions:
        for parent in range(molecule.n_atoms):
            bonded = {int(k) for bond in molecule.bonds if parent in bond for k in bond} - {parent}
            hydrogens = sorted(k for k in bonded if molecule.atomic_numbers[k] == 1)
            structure[hydrogens] = structure[rng.permutation(hydrogens)] if hydrogens else structure[hydrogens]
    assert (parities(elements, positions) != wanted).any()
    restored = renumbered(positions, wanted, elements, feasible.exchanges)
    np.testing.assert_array_equal(parities(elements, restored), np.tile(wanted, (8, 1)))
    for before, after in zip(positions, restored, strict=True):  # the same points, only renumbered
        assert sorted(map(tuple, before)) == sorted(map(tuple, after))


def test_enantiomer_is_not_converted_by_renumbering():
    molecule = from_smiles("C[C@H](F)Cl")
    feasible, elements = feasible_of(molecule)
    wanted = parities(elements, molecule.positions)
    image = renumbered(-molecule.positions[None], wanted, elements, feasible.exchanges)[0]
    differs = parities(elements, image) != wanted
    assert elements.centres[differs[: len(elements.centres)], 0].tolist() == [1]
