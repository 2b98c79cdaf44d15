"""Bonds that turn, and after which part of a turn a group looks as before."""

import numpy as np
import pytest

from explorer.io.build import from_smiles
from explorer.topology.bonds import topology_of
from explorer.topology.rotors import find_rotors
from explorer.topology.torsion_rotation import TorsionRotation


def folds(smiles: str) -> dict[frozenset[int], int]:
    """Fold by the elements of the bond, for molecules where these tell the bonds apart."""
    topology = topology_of(from_smiles(smiles))
    turnable, _ = find_rotors(topology)
    return {frozenset(topology.atomic_numbers[r.quadruple[1:3]].tolist()): r.fold for r in turnable}


CN, CO, CC = frozenset({6, 7}), frozenset({6, 8}), frozenset({6})


@pytest.mark.parametrize(
    ("smiles", "expected"),
    [
        ("NCC(=O)O", {CN: 1, CC: 1, CO: 1}),  # glycine: the lone pair of the amine is in one of three places
        ("[NH3+]CC(=O)[O-]", {CC: 2}),  # as a zwitterion: an ammonium has one place only
        ("NC(=O)C", {}),  # an amide is flat, and no single bond of it turns
        ("Nc1ccccc1", {}),  # so is aniline
    ],
)
def test_an_amine_turns_and_has_no_symmetry(smiles, expected):
    assert folds(smiles) == expected


def test_hydrogens_of_an_amine_may_change_places_and_its_lone_pair_may_not():
    molecule = from_smiles("NCC(=O)O")
    (rotors, _), x = find_rotors(topology_of(molecule)), molecule.positions
    (amine,) = (k for k, r in enumerate(rotors) if (r.quadruple != r.twin).any())
    hydrogens = np.setdiff1d([rotors[amine].quadruple, rotors[amine].twin], rotors[amine].quadruple[1:3])
    hydrogens = hydrogens[molecule.atomic_numbers[hydrogens] == 1]
    exchanged = x.copy()
    exchanged[hydrogens] = x[hydrogens[::-1]]
    turns, is_amine = TorsionRotation(rotors, molecule.n_atoms), np.arange(len(rotors)) == amine
    assert turns.angles(exchanged) == pytest.approx(turns.angles(x), abs=1e-6)
    (after,) = turns.rotate(x, np.where(is_amine, 120.0, 0.0)[None])
    change = turns.angles(after) - turns.angles(x)
    change = (change + 180) % 360 - 180
    assert change == pytest.approx(np.where(is_amine, 120, 0), abs=1e-6)
