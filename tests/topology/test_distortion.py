"""Distorted bonds and shared hydrogens, against structures that are built with them."""

import numpy as np
import pytest

from explorer.io.build import from_smiles
from explorer.topology.bonds import keeps_bonds, topology_of
from explorer.topology.classify import classify_batch
from explorer.topology.distortion import bond_lengths, distortions

ACID = from_smiles("OCCC(=O)O")  # 3-hydroxypropanoic acid
TOPOLOGY = topology_of(ACID)
LENGTHS = bond_lengths(ACID.bonds, ACID.positions)


def stretched(bond, factor):
    """The acid with one bond stretched, moving the atoms on the side of its second atom that is not in a ring."""
    i, j = ACID.bonds[bond]
    others = [pair for k, pair in enumerate(ACID.bonds.tolist()) if k != bond]
    side, grown = {int(j)}, True
    while grown:
        grown = {b for a, b in [*others, *(p[::-1] for p in others)] if a in side} - side
        side |= grown
    positions = ACID.positions.copy()
    positions[sorted(side)] += (factor - 1) * (positions[j] - positions[i])
    return positions


@pytest.mark.parametrize("bond", range(len(ACID.bonds)))
def test_every_bond_is_tested_within_its_limits(bond):
    structures = np.array([stretched(bond, factor) for factor in (0.84, 0.87, 1.0, 1.2)])
    short, *ordinary = distortions(TOPOLOGY, structures, LENGTHS)
    names = [ACID.atom_names[k] for k in ACID.bonds[bond]]
    assert all(name in short for name in names)
    assert ordinary == ["", "", ""]
    assert distortions(TOPOLOGY, structures) == [""] * 4  # nothing to compare with


def test_a_bond_that_broke_is_no_distortion():
    carbons = next(k for k, pair in enumerate(ACID.bonds) if (ACID.atomic_numbers[pair] == 6).all())
    structures = np.array([stretched(carbons, 1.3), stretched(carbons, 2.0)])
    assert [bool(text) for text in distortions(TOPOLOGY, structures, LENGTHS)] == [True, False]
    assert [one.structure_class for one in classify_batch(TOPOLOGY, structures)] == ["intact", "fragmented"]


@pytest.mark.parametrize(
    ("distance", "is_intact"), [(0.97, True), (1.10, True), (1.20, True), (1.22, False), (1.26, False)]
)
def test_a_stretched_hydroxyl_group_is_not_intact(distance, is_intact):
    water = from_smiles("O")
    positions = water.positions.copy()
    oxygen, hydrogen = int(np.flatnonzero(water.atomic_numbers == 8)[0]), int(water.bonds[0].max())
    direction = positions[hydrogen] - positions[oxygen]
    positions[hydrogen] = positions[oxygen] + direction * distance / np.linalg.norm(direction)
    found = classify_batch(topology_of(water), positions[None])[0]
    assert (found.structure_class == "intact") == is_intact
    assert keeps_bonds(water.atomic_numbers, positions[None], water.bonds).tolist() == [is_intact]


@pytest.mark.parametrize(("gap", "is_shared"), [(1.2, True), (1.25, True), (1.35, False), (1.8, False)])
def test_a_hydrogen_between_two_heavy_atoms_is_found(gap, is_shared):
    hydroxyl = next(pair for pair in ACID.bonds.tolist() if sorted(ACID.atomic_numbers[pair].tolist()) == [1, 8])
    oxygen, hydrogen = sorted(hydroxyl, key=lambda k: -ACID.atomic_numbers[k])
    other = next(k for k in np.flatnonzero(ACID.atomic_numbers == 8).tolist() if k != oxygen)
    positions = ACID.positions.copy()
    outwards = positions[hydrogen] - positions[oxygen]
    positions[other] = positions[hydrogen] + outwards / np.linalg.norm(outwards) * gap
    (text,) = distortions(TOPOLOGY, positions[None])
    assert bool(text) == is_shared
    if is_shared:
        assert text.startswith(f"{ACID.atom_names[hydrogen]} lies between {ACID.atom_names[oxygen]} and")
