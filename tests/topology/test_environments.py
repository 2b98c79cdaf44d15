"""Local environments of atoms against molecules whose environments are known."""

import numpy as np
import pytest

from explorer.io.build import from_sequence, from_smiles
from explorer.topology.environments import (
    describe_environment,
    describe_unseen,
    local_environments,
    resonance_environments,
)


def environments(smiles):
    molecule = from_smiles(smiles)
    return local_environments(molecule.atomic_numbers, molecule.bonds, molecule.formal_charges)


@pytest.mark.parametrize(
    ("smiles", "present"),
    [
        ("CC(=O)[O-]", {"O C", "O- C(C O O)", "C C O O-", "C C H H H", "H C"}),
        ("CC(=O)O", {"O C", "O C H", "C C O O"}),
        ("CNC(N)=[NH2+]", {"C N N N+", "C H H H N"}),
        (
            "CN=C(N)N",
            {"C N N N", "N C C"},
        ),  # unlike the cation, though each atom has the same bonds as one in its domain
        ("CC[S-]", {"S- C(C H H S)"}),
        ("[O-]c1ccccc1", {"O- C(C C O)"}),  # unlike that of a carboxylate
        ("C[NH3+]", {"N+ C(H H H N) H H H", "H N"}),
        ("CN=[N+]=[N-]", {"N C N", "N+ N(C N) N(N)", "N- N(N N)"}),
        ("C1CC1O", {"C C C H H (ring of 3)", "C C C H O (ring of 3)", "O C H", "H C"}),
        ("O=C1CCN1", {"C C N O (ring of 4)", "N C C H (ring of 4)", "O C"}),
        ("C1CCCC1", {"C C C H H"}),  # a ring of five is hardly strained
    ],
)
def test_environments_of_known_groups(smiles, present):
    assert present <= set(environments(smiles))


@pytest.mark.parametrize("smiles", ["CC(=O)[O-]", "CNC(N)=[NH2+]", "Cc1c[nH]c[nH+]1"])
def test_the_place_of_a_charge_within_a_group_does_not_matter(smiles):
    molecule = from_smiles(smiles)
    numbers, bonds, charges = molecule.atomic_numbers, molecule.bonds, molecule.formal_charges
    orders = np.ones(len(bonds))
    orders[np.isin(bonds, np.flatnonzero(charges)).any(axis=1)] = 2  # unsaturated around the charge, as perceived
    found = resonance_environments(numbers, bonds, orders, charges)
    (charged,) = np.flatnonzero(charges)
    bonded = [set(pair) for pair in bonds.tolist()]
    centres = [k for k in range(len(numbers)) if {k, charged} in bonded]
    equal = [
        k
        for k in np.flatnonzero(numbers == numbers[charged]).tolist()
        if k != charged and any({c, k} in bonded for c in centres)
    ]
    assert equal
    for other in equal:
        moved = charges.copy()
        moved[[charged, other]] = 0, charges[charged]
        assert set(local_environments(numbers, bonds, moved)) <= found


def test_environments_are_described_as_a_chemist_names_them():
    assert describe_environment("C C C H H (ring of 3)") == "carbon C bonded to C, C, H, H, in a ring of 3 atoms"
    assert describe_environment("S- C(C H H S)") == "thiolate sulfur S(-) bonded to C"
    assert describe_environment("C C C C H") == "carbon C bonded to C, C, C, H"
    assert describe_environment("N+ C(N N N) H H") == "nitrogen N(+) bonded to C, H, H"


def test_unseen_environments_are_named_with_their_atoms():
    known = set(environments("CCO"))
    peptide = from_sequence("S")
    found = describe_unseen(peptide, known)
    assert any(text.startswith("nitrogen N bonded to C, C, H (atom ") for text in found)
    assert not any(text.startswith("oxygen O bonded to C, H") for text in found)  # the hydroxyl group of ethanol
    assert describe_unseen(from_smiles("CCO"), known) == []
