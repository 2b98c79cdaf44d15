"""Bond orders and charges of small molecules from a table, and bonds against RDKit's molecules."""

import numpy as np
import pytest
from rdkit import Chem

from explorer.io.build import from_sequence, from_smiles
from explorer.io.perceive import bonded_pairs, is_cluster, perceive, perceive_with_charge


@pytest.mark.parametrize(
    ("smiles", "orders", "charge"),
    [
        ("N#N", [3], 0),
        ("C=O", [2, 1, 1], 0),
        ("O=C=O", [2, 2], 0),
        ("C#N", [3, 1], 0),
        ("C=C", [2, 1, 1, 1, 1], 0),
        ("[NH4+]", [1, 1, 1, 1], 1),
        ("C[N+](=O)[O-]", [1, 1, 1, 1, 2, 1], 0),
        ("CC(=O)[O-]", [1, 1, 1, 1, 2, 1], -1),
        ("NC(N)=[NH2+]", [1, 1, 1, 2, 1, 1, 1, 1, 1], 1),
        ("CS(C)(=O)=O", [1, 1, 1, 1, 1, 1, 1, 1, 2, 2], 0),
        ("C[S+](C)C", [1] * 12, 1),
    ],
)
def test_orders_and_charge_of_small_molecules(smiles, orders, charge):
    molecule = from_smiles(smiles)
    perception = perceive(molecule.atomic_numbers, molecule.positions)
    np.testing.assert_array_equal(perception.bonds, molecule.bonds)
    assert sorted(perception.orders.tolist()) == sorted(orders)
    assert perception.charges.sum() == charge
    assert perception.unsaturated == perception.ambiguous == ()


@pytest.mark.parametrize("seed", range(3))
def test_bonds_of_a_peptide_are_those_of_its_smiles(seed):
    molecule = from_sequence("KFDW", seed=seed)
    np.testing.assert_array_equal(bonded_pairs(molecule.atomic_numbers, molecule.positions), molecule.bonds)


def test_hydrogen_is_bonded_to_its_nearest_neighbour_only():
    numbers = np.array([8, 1, 8])
    line = np.array([[0.0, 0, 0], [1.0, 0, 0], [2.2, 0, 0]])  # a short hydrogen bond
    assert bonded_pairs(numbers, line).tolist() == [[0, 1]]
    line[1, 0] = 1.3
    assert bonded_pairs(numbers, line).tolist() == [[1, 2]]


@pytest.mark.parametrize(
    ("smiles", "removed", "unsaturated", "ambiguous"),
    [
        ("CC", 2, (0,), ()),  # a tetrahedral carbon without a hydrogen
        ("CO", 5, (), (1,)),  # an alcohol, or an alkoxide
        ("CNC", 6, (), (1,)),
    ],
)
def test_missing_hydrogen_is_found_at_its_neighbour(smiles, removed, unsaturated, ambiguous):
    molecule = from_smiles(smiles)
    assert molecule.atomic_numbers[removed] == 1
    kept = np.arange(molecule.n_atoms) != removed
    perception = perceive(molecule.atomic_numbers[kept], molecule.positions[kept])
    assert (perception.unsaturated, perception.ambiguous) == (unsaturated, ambiguous)


@pytest.mark.parametrize(
    ("numbers", "expected"), [([18, 18], True), ([6], True), ([26, 29], True), ([1, 1], False), ([18, 6], False)]
)
def test_noble_gases_metals_and_single_atoms_are_clusters(numbers, expected):
    assert is_cluster(np.array(numbers)) is expected


def test_unusual_valences_are_perceived_with_the_charge():
    cation = from_smiles("C[C+](C)C")
    mol = perceive_with_charge(cation.atomic_numbers, cation.positions, 1)
    assert mol is not None
    assert Chem.GetFormalCharge(mol) == 1
    methane = from_smiles("C")
    assert perceive_with_charge(methane.atomic_numbers, methane.positions, 1) is None
