"""Classes are invariant under motion, atom order and batch composition, and are computed quickly."""

import time
import timeit
from dataclasses import replace

import numpy as np
from changes import classify, mirrored_at_centre, rotate_torsion
from scipy.spatial.transform import Rotation

from explorer.records.molecule import Molecule
from explorer.records.structure_class import StructureClass
from explorer.topology.bonds import topology_of
from explorer.topology.classify import classify_batch


def swap(positions: np.ndarray, i: int, j: int) -> np.ndarray:
    return positions[[j if k == i else i if k == j else k for k in range(len(positions))]]


def changed_structures(molecule: Molecule) -> np.ndarray:
    cis = rotate_torsion(molecule, topology_of(molecule).amides[2], 0.0)
    epimer = mirrored_at_centre(molecule, topology_of(molecule).chiral_centres[0, 0])
    split = molecule.positions.copy()
    split[41] += 9
    return np.stack([molecule.positions, cis, epimer, split, molecule.positions * [1, -1, 1]])


def test_class_is_invariant_under_rotation_and_translation(ala3):
    topology, structures = topology_of(ala3), changed_structures(ala3)
    expected = classify_batch(topology, structures)
    assert len({row[0] for row in expected}) == 4
    for seed in range(5):
        turn = Rotation.random(rng=np.random.default_rng(seed))
        moved = turn.apply(structures.reshape(-1, 3)).reshape(structures.shape) + 7.0 * seed
        assert classify_batch(topology, moved) == expected


def test_class_does_not_depend_on_atom_order(ala3):
    structures = changed_structures(ala3)
    expected = classify_batch(topology_of(ala3), structures)
    order = np.random.default_rng(3).permutation(ala3.n_atoms)
    inverse = np.argsort(order)
    shuffled = replace(
        ala3,
        atomic_numbers=ala3.atomic_numbers[order],
        positions=ala3.positions[order],
        bonds=np.sort(inverse[ala3.bonds], axis=1),
        formal_charges=ala3.formal_charges[order],
        atom_names=tuple(ala3.atom_names[k] for k in order),
    )
    found = classify_batch(topology_of(shuffled), structures[:, order])
    assert [row[0] for row in found] == [row[0] for row in expected]
    assert {*found[2][1].split("; ")} == {*expected[2][1].split("; ")}


def test_swapped_equivalent_hydrogens_stay_in_their_class(ala3):
    methyl = [j for i, j in ala3.bonds if i == 0 and ala3.atomic_numbers[j] == 1]
    assert classify(ala3, swap(ala3.positions, methyl[0], methyl[1]))[0] is StructureClass.INTACT


def test_batch_equals_single_structures(ala3):
    structures = changed_structures(ala3)
    topology = topology_of(ala3)
    assert classify_batch(topology, structures) == [classify_batch(topology, x[None])[0] for x in structures]


def processor_seconds(*calls) -> list[float]:
    """Shortest of nine times of each call, alternating and without garbage collection; other load only adds time."""
    rounds = [[timeit.timeit(call, number=1, timer=time.process_time) for call in calls] for _ in range(9)]
    return np.min(rounds, axis=0).tolist()


def test_many_structures_take_no_longer_than_five_times_their_sorted_distances(ala3):
    """Distances alone take a tenth of a second on a slow core."""
    topology = topology_of(ala3)
    structures = np.repeat(changed_structures(ala3), 60, axis=0)

    def sorted_distances():
        return np.sort(np.linalg.norm(structures[:, :, None] - structures[:, None], axis=-1), axis=-1)

    seconds, of_distances = processor_seconds(lambda: classify_batch(topology, structures), sorted_distances)
    assert seconds < 5 * of_distances
