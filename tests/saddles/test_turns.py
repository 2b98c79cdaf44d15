"""Changes of internal coordinates: one turn for each bond, both senses, and equal atoms matched."""

import numpy as np
import pytest

from explorer.io.build import from_sequence
from explorer.saddles.path import internal_paths
from explorer.saddles.turns import TurnPlanner
from explorer.similarity.symmetry import symmetry_of
from explorer.topology.bonds import topology_of
from explorer.topology.rotors import find_methyls, find_rotors
from explorer.topology.torsion_rotation import TorsionRotation


@pytest.fixture(scope="module")
def molecule():
    return from_sequence("A")


@pytest.fixture(scope="module")
def planner(molecule):
    return TurnPlanner(molecule, symmetry_of(molecule))


@pytest.fixture(scope="module")
def turning(molecule):
    rotatable, amides = find_rotors(topology_of(molecule))
    return TorsionRotation([*rotatable, *amides], molecule.n_atoms)


def turned(turning, positions, rotor, angle):
    change = np.zeros((1, turning.angles(positions).shape[-1]))
    change[0, rotor] = angle
    return next(turning.rotate(positions, change))


def test_all_dihedrals_of_a_bond_turn_together(molecule, planner, turning):
    start = molecule.positions
    end = turned(turning, start, 0, 178.0)
    first, *others = planner.changes(start, end)
    turns = first[len(first) - planner.coordinates.n_dihedrals :]
    large = turns[np.abs(turns) > 1.0]
    assert len(large) >= 2
    np.testing.assert_allclose(np.abs(large), np.radians(178.0), atol=1e-6)
    assert np.ptp(np.sign(large)) == 0
    # the other sense turns the same bond by the rest of the circle
    (back,) = others
    np.testing.assert_allclose(np.abs(back - first).max(), 2 * np.pi, atol=1e-9)


def test_short_turns_have_one_sense(molecule, planner, turning):
    assert len(planner.changes(molecule.positions, turned(turning, molecule.positions, 0, 60.0))) == 1


@pytest.mark.parametrize("angle", [40.0, 60.0, 120.0])
def test_paths_turn_no_methyl(molecule, planner, angle):
    methyls = find_methyls(topology_of(molecule))
    assert methyls
    rotation = TorsionRotation(methyls, molecule.n_atoms)
    for rotor in range(len(methyls)):
        end = turned(rotation, molecule.positions, rotor, angle)
        np.testing.assert_allclose(planner.changes(molecule.positions, end), 0, atol=1e-9)


def test_turned_phenyl_is_recognised_as_the_same_structure():
    molecule = from_sequence("F")
    planner, topology = TurnPlanner(molecule, symmetry_of(molecule)), topology_of(molecule)
    rotatable, _ = find_rotors(topology)
    (phenyl,) = [k for k, rotor in enumerate(rotatable) if rotor.fold == 2]
    end = turned(TorsionRotation(rotatable, molecule.n_atoms), molecule.positions, phenyl, 180.0)
    before = np.abs(planner.changes(molecule.positions, end)[0]).max()
    after = np.abs(planner.changes(molecule.positions, planner.renumbered(molecule.positions, end))[0]).max()
    assert before > 3.0
    assert after < 0.3  # the ring is not quite symmetric


def test_images_turn_evenly_along_the_path(molecule, planner, turning):
    start = molecule.positions
    end = turned(turning, start, 0, 120.0)
    path = internal_paths(planner.coordinates, start[None], planner.changes(start, end)[:1])
    angles = np.unwrap(np.radians(turning.angles(path.images[0])[:, 0]))
    steps = np.degrees(np.diff(angles))
    np.testing.assert_allclose(steps, 15.0, atol=1.0)
    bonds = molecule.bonds
    lengths = np.linalg.norm(path.images[0][:, bonds[:, 0]] - path.images[0][:, bonds[:, 1]], axis=-1)
    original = np.linalg.norm(start[bonds[:, 0]] - start[bonds[:, 1]], axis=-1)
    assert np.abs(lengths - original).max() < 0.03


def test_a_path_through_other_atoms_is_worse(molecule, planner):
    images = np.array([[molecule.positions], [molecule.positions * 0.5]])
    good, bad = planner.effort(images, np.zeros((2, len(planner.coordinates.stiffness))))
    assert bad > good + 5
