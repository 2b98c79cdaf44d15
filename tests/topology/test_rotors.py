"""Rotors, and the rotation after which a group has the same geometry."""

import numpy as np
import pytest

from explorer.io.build import from_smiles
from explorer.topology.bonds import topology_of
from explorer.topology.rotors import find_rotors
from explorer.topology.torsion_rotation import TorsionRotation


def folds(smiles: str) -> dict[frozenset[int], int]:
    """Fold by the elements of the bond, for molecules in which these identify the bonds."""
    topology = topology_of(from_smiles(smiles))
    rotors, _ = find_rotors(topology)
    return {frozenset(topology.atomic_numbers[r.quadruple[1:3]].tolist()): r.fold for r in rotors}


CN, CO, CC = frozenset({6, 7}), frozenset({6, 8}), frozenset({6})


@pytest.mark.parametrize(
    ("smiles", "expected"),
    [
        ("NCC(=O)O", {CN: 1, CC: 1, CO: 1}),  # glycine: the lone pair of the amine has three positions
        ("[NH3+]CC(=O)[O-]", {CC: 2}),  # zwitterion: an ammonium has one position only
        ("NC(=O)C", {}),  # an amide is planar and has no rotatable single bond
        ("Nc1ccccc1", {}),  # so is aniline
        ("O", {}),  # a bond of water has nothing beyond its hydrogen that could turn
        ("OCl", {}),  # nor has one of hypochlorous acid beyond its chlorine
    ],
)
def test_amine_rotates_without_symmetry(smiles, expected):
    assert folds(smiles) == expected


def test_exchange_of_amine_hydrogens_keeps_the_angle_and_rotation_of_the_lone_pair_does_not():
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
