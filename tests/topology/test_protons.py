"""Transferred hydrogens and charge states against hand-made bond matrices and a table of known ions."""

import numpy as np
import pytest

from explorer.io.build import from_smiles
from explorer.records.molecule import Molecule
from explorer.topology.bonds import topology_of
from explorer.topology.protons import charge_state, describe_transfers, moved_hydrogens


def bond_matrix(molecule: Molecule) -> np.ndarray:
    matrix = np.zeros((molecule.n_atoms, molecule.n_atoms), bool)
    for i, j in molecule.bonds:
        matrix[i, j] = matrix[j, i] = True
    return matrix


def transferred(matrix: np.ndarray, hydrogen: int, acceptor: int | None) -> np.ndarray:
    """The bond matrix with a hydrogen bonded to another atom, or to none."""
    result = matrix.copy()
    result[hydrogen] = result[:, hydrogen] = False
    if acceptor is not None:
        result[hydrogen, acceptor] = result[acceptor, hydrogen] = True
    return result


@pytest.fixture(scope="module")
def glycine() -> Molecule:
    """N1, C2, C3, O4, O5-, three H of the ammonium, two H of the methylene."""
    return from_smiles("[NH3+]CC(=O)[O-]")


def test_transfer_is_hydrogen_donor_and_acceptor(glycine):
    matrix, topology = bond_matrix(glycine), topology_of(glycine)
    assert moved_hydrogens(topology, matrix, matrix).shape == (0, 3)
    once = transferred(matrix, 5, 4)
    assert moved_hydrogens(topology, matrix, once).tolist() == [[5, 0, 4]]
    assert moved_hydrogens(topology, once, matrix).tolist() == [[5, 4, 0]]
    twice = transferred(once, 8, 0)
    assert moved_hydrogens(topology, matrix, twice).tolist() == [[5, 0, 4], [8, 1, 0]]


def test_hydrogen_that_is_lost_or_bonded_to_hydrogen_only_is_not_transferred(glycine):
    matrix, topology = bond_matrix(glycine), topology_of(glycine)
    for lost in (transferred(matrix, 5, None), transferred(matrix, 5, 6)):
        assert len(moved_hydrogens(topology, matrix, lost)) == 0


@pytest.mark.parametrize(
    ("smiles", "expected"),
    [
        ("NCC(=O)O", "neutral"),
        ("[NH3+]CC(=O)[O-]", "zwitterion"),
        ("[NH3+]CC(=O)O", "cation"),
        ("CC(=O)[O-]", "anion"),
        ("C[N+](=O)[O-]", "neutral"),  # both charges are in one group
        ("NC(N)=[NH2+]", "cation"),
        ("[O-]C(=O)CC(=O)[O-]", "anion"),
        ("C[N+](C)(C)CC(=O)[O-]", "zwitterion"),
        ("[O-][N+](=O)c1ccc([O-])cc1", "anion"),
    ],
)
def test_charge_state_of_known_ions(smiles, expected):
    molecule = from_smiles(smiles)
    assert charge_state(topology_of(molecule), molecule.formal_charges) == expected


def test_description_gives_the_change_of_charge_state_for_protons_only(glycine):
    topology = topology_of(glycine)
    proton, from_carbon = np.array([[5, 0, 4]]), np.array([[8, 1, 4]])
    assert describe_transfers(topology, proton) == ["H6 moved from N1 to O5 (zwitterion to neutral)"]
    assert describe_transfers(topology, from_carbon) == ["H9 moved from C2 to O5"]
    assert describe_transfers(topology, np.empty((0, 3), int)) == []


def test_proton_on_either_oxygen_neutralises_a_carboxylate(glycine):
    topology = topology_of(glycine)
    for oxygen in (3, 4):
        (text,) = describe_transfers(topology, np.array([[5, 0, oxygen]]))
        assert text.endswith("(zwitterion to neutral)")
