"""Moves of clusters: random displacements, relocation of surface atoms and random restarts."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from ase.cluster import Octahedron
from scipy.spatial import cKDTree
from scipy.spatial.distance import pdist

from explorer.bench.systems import random_cluster
from explorer.config_file import load_settings
from explorer.hopping.coordinator import Coordinator
from explorer.hopping.explore import explore
from explorer.io.build import from_sequence
from explorer.potential.lennard_jones import lennard_jones
from explorer.records.hop import Outcome
from explorer.records.moves import MOVES, Move
from explorer.similarity.symmetry import symmetry_of
from explorer.strategy.cluster_moves import (
    MAX_RELOCATED_ATOMS,
    RATTLE_AMPLITUDE,
    RESTART_MIN_DISTANCE,
    ClusterMoves,
    relocate_atoms,
    surface_sites,
)
from explorer.strategy.history import History
from explorer.strategy.outcomes import HopEnd
from explorer.strategy.symmetric_clusters import random_group, symmetric_cluster
from explorer.strategy.torsion_moves import TorsionMoves
from explorer.topology.bonds import topology_of
from explorer.topology.classify import classify_batch
from explorer.topology.contacts import contact_distance

TRUNCATED = Octahedron("Ar", 4, cutoff=1, latticeconstant=2**0.5).positions  # 38 atoms, nearest neighbours at 1 Å
NOTHING = np.empty((0, 0))
NO_TORSIONS = np.empty((1, 0))


def n_contacts(positions):
    return int(np.sum(pdist(positions) < 1.2))


def test_a_rattle_changes_every_coordinate_by_at_most_its_amplitude():
    rng, moves = np.random.default_rng(0), ClusterMoves(38)
    assert contact_distance(TRUNCATED) == pytest.approx(1)
    changes = [
        moves.propose(Move.RATTLE, TRUNCATED, NO_TORSIONS[0], NO_TORSIONS, NOTHING, rng)[0] - TRUNCATED
        for _ in range(20)
    ]
    changes = np.array(changes) - np.mean(changes, axis=1, keepdims=True)
    assert RATTLE_AMPLITUDE < np.ptp(changes) < 2.4 * RATTLE_AMPLITUDE
    assert np.std(changes) == pytest.approx(RATTLE_AMPLITUDE / 3**0.5, rel=0.05)


def test_three_atoms_carry_a_fourth_on_both_sides_as_a_regular_tetrahedron():
    triangle = np.array([[0, 0, 0], [1, 0, 0], [0.5, 0.75**0.5, 0]])
    places = surface_sites(triangle, 1.0)
    assert np.linalg.norm(places[:, None] - triangle, axis=-1) == pytest.approx(1)
    assert sorted({round(z, 9) for z in places[:, 2]}) == pytest.approx([-((2 / 3) ** 0.5), (2 / 3) ** 0.5])


def test_an_adatom_is_relocated_to_the_vacant_corner():
    """The truncated octahedron has 144 contacts; an atom of a corner (6 of them) sits on a face (3 or 4) instead."""
    assert n_contacts(TRUNCATED) == 144
    for seed in range(10):
        rng = np.random.default_rng(seed)
        places = surface_sites(np.delete(TRUNCATED, 0, axis=0), 1.0)
        outside = places[np.linalg.norm(places - TRUNCATED[0], axis=1) > 1.5]
        defective = np.vstack([np.delete(TRUNCATED, 0, axis=0), rng.choice(outside)])
        assert n_contacts(defective) < 144
        assert n_contacts(relocate_atoms(defective, 1, 1.0, rng)) == 144


def test_only_weakly_bound_atoms_are_relocated_and_none_onto_another_atom():
    rng, moves = np.random.default_rng(3), ClusterMoves(38)
    bonds = np.sum(np.linalg.norm(TRUNCATED[:, None] - TRUNCATED, axis=-1) < 1.2, axis=1) - 1
    for _ in range(20):
        after = moves.propose(Move.SURFACE_MOVE, TRUNCATED, NO_TORSIONS[0], NO_TORSIONS, NOTHING, rng)[0]
        shift = np.median(after - TRUNCATED, axis=0)
        moved = np.flatnonzero(np.linalg.norm(after - TRUNCATED - shift, axis=1) > 1e-6)
        assert 1 <= len(moved) <= MAX_RELOCATED_ATOMS
        assert bonds[moved].max() < 12  # the core stays
        assert pdist(after).min() > 0.84


def test_random_groups_are_groups():
    rng = np.random.default_rng(1)
    for _ in range(40):
        group = random_group(rng)
        products = (group[:, None] @ group[None]).reshape(-1, 9)
        assert np.max(cKDTree(group.reshape(-1, 9)).query(products)[0]) < 1e-12
        assert len({tuple(element.round(9).ravel()) for element in group}) == len(group)


@pytest.mark.parametrize("n_atoms", [2, 3, 7, 13, 38])
def test_random_clusters_are_compact_without_overlaps_and_mostly_symmetric(n_atoms):
    rng, operations = np.random.default_rng(2), [g for k in range(60) for g in random_group(np.random.default_rng(k))]
    operations = [g for g in operations if not np.allclose(g, np.eye(3))]
    n_symmetric = 0
    for _ in range(20):
        x = symmetric_cluster(n_atoms, 0.75, 0.8, rng)
        assert x.shape == (n_atoms, 3)
        assert pdist(x).min() > 0.79
        assert np.linalg.norm(x, axis=1).max() < 0.76 * n_atoms ** (1 / 3)
        tree = cKDTree(x)
        n_symmetric += any(tree.query(x @ g.T)[0].max() < 0.01 for g in operations)
    assert n_symmetric >= 14  # one group in 25 is C1


def test_a_random_restart_keeps_only_the_contact_distance():
    rng, moves = np.random.default_rng(4), ClusterMoves(38)
    wide = moves.propose(Move.RANDOM_RESTART, 3 * TRUNCATED, NO_TORSIONS[0], NO_TORSIONS, NOTHING, rng)[0]
    assert 3 * RESTART_MIN_DISTANCE * 0.99 < pdist(wide).min() < 3


def test_clusters_have_no_torsion_moves_and_molecules_no_cluster_moves():
    assert {move for move in Move if ClusterMoves(38).supports(move)} == {
        Move.HOPPING,
        Move.RATTLE,
        Move.SURFACE_MOVE,
        Move.RANDOM_RESTART,
    }
    assert not ClusterMoves(3).supports(Move.SURFACE_MOVE)
    molecule = TorsionMoves(topology_of(from_sequence("A")))
    assert molecule.supports(Move.RANDOM_RESTART)
    assert not molecule.supports(Move.RATTLE)
    assert not molecule.supports(Move.SURFACE_MOVE)


def test_walkers_restart_after_enough_departures_of_all_walkers_from_a_minimum():
    patience = 3
    overrides = {"potential": "lennard-jones", "hopping.patience": patience, "hopping.n_walkers": 4}
    settings, molecule = load_settings(overrides=overrides), random_cluster(7, 1)
    history, hops = History(symmetry_of(molecule), settings.identity), []
    for round in explore(lennard_jones(), molecule, settings, history):
        hops += round.hops
        if round.index >= 40:
            break
    n_departures, n_tried, accepted = Counter(), Counter(), []
    for hop in hops[1:]:
        if hop.move == Move.RANDOM_RESTART:
            assert hop.index == 0 or n_departures[hop.start] >= patience
            accepted.append(hop.accepted == (hop.outcome in (Outcome.NEW, Outcome.KNOWN)))
        else:
            n_tried[hop.start] += 1
        n_departures[hop.start] += 1
    assert max(n_tried.values()) <= patience + 4  # hops that had begun already
    assert len(accepted) > 5
    assert all(accepted)
    assert dict(history.departures) == {k: n for k, n in n_departures.items() if n}


@pytest.mark.slow
def test_without_patience_no_walker_restarts():
    overrides = {"potential": "lennard-jones", "hopping.patience": 0}
    settings, molecule = load_settings(overrides=overrides), random_cluster(7, 1)
    moves = set()
    for round in explore(lennard_jones(), molecule, settings, History(symmetry_of(molecule), settings.identity)):
        moves |= {hop.move for hop in round.hops[round.index == 0 :]}
        if round.index >= 30:
            break
    assert moves == {Move.RATTLE, Move.SURFACE_MOVE}


def test_a_jump_to_a_saddle_by_symmetry_relaxes_to_a_minimum():
    """Three atoms in a line would form a triangle, but symmetry forbids a force perpendicular to the line."""
    settings = load_settings(overrides={"potential": "lennard-jones", "hopping.n_walkers": 2})
    line = replace(random_cluster(3, 0), positions=np.array([[-1.12, 0, 0], [0, 0, 0], [1.12, 0, 0]]))
    history = History(symmetry_of(line), settings.identity)
    search = Coordinator(lennard_jones(), replace(line, positions=random_cluster(3, 1).positions), settings, history)
    search.relax_input()
    search.start_walkers()
    (classification,) = classify_batch(search.topology, line.positions[None])
    for move in (Move.SURFACE_MOVE, Move.RATTLE, Move.RANDOM_RESTART):
        search.walkers[0].move = MOVES.index(move)
        hop_end = HopEnd(
            walker=0,
            positions=line.positions,
            energy=-2.0,
            fmax=1e-3,
            highest_energy=np.inf,
            n_evaluations=10,
            failure="",
            escape_classification=None,
            classification=classification,
        )
        (relaxed,) = search.with_tight_relaxation([hop_end], None)
        assert relaxed.energy == pytest.approx(-3, abs=1e-5)
