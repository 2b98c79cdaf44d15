"""Torsion moves change the intended torsions and equal_promise else; the bandit prefers successful moves."""

import numpy as np
import pytest

from explorer.errors import ConfigError
from explorer.io.build import embed, from_sequence, to_rdkit
from explorer.records.molecule import Molecule
from explorer.records.moves import Move, chosen_moves
from explorer.strategy.acquisition import AcquisitionFunction
from explorer.strategy.bandit import EXPLORATION_SHARE, MoveBandit
from explorer.strategy.torsion_moves import MIN_ROTATION, TorsionMoves
from explorer.topology.bonds import topology_of
from explorer.topology.classify import classify_batch
from explorer.topology.rotors import find_rotors
from explorer.topology.torsion_rotation import TorsionRotation
from explorer.topology.torsions import dihedrals

MOLECULE = from_sequence("SF")
TOPOLOGY = topology_of(MOLECULE)
TORSION_MOVES = TorsionMoves(TOPOLOGY)
ROTATABLE, AMIDES = find_rotors(TOPOLOGY)


def equal_promise(features):
    """Log-probability without known minima."""
    return np.zeros(len(features))


SHAPES = embed(to_rdkit(MOLECULE), 4, seed=1)
TORSIONS = TORSION_MOVES.rotation.angles(SHAPES)


def features(moves, positions):
    return moves.features(moves.torsions(positions))


def rotated(positions, rotor, angle):
    return next(TorsionRotation([rotor], len(positions)).rotate(positions, np.array([[angle]])))


def lengths(positions):
    i, j = MOLECULE.bonds.T
    return np.linalg.norm(positions[i] - positions[j], axis=1)


def magnitude(angle):
    """Degrees from 0 in the shorter direction."""
    return np.abs((np.asarray(angle) + 180) % 360 - 180)


@pytest.mark.parametrize("rotor", TORSION_MOVES.rotors)
def test_a_rotation_changes_its_dihedral_by_that_angle_and_no_other(rotor):
    after = rotated(SHAPES[0], rotor, 50.0)
    for other in TORSION_MOVES.rotors:
        change = dihedrals(after, other.quadruple) - dihedrals(SHAPES[0], other.quadruple)
        assert magnitude(change - (50.0 if other is rotor else 0.0)) < 1e-6


def test_rotors_of_serine_and_phenylalanine_are_side_chains_backbone_and_hydroxyl():
    axes = {tuple(rotor.quadruple[1:3].tolist()) for rotor in ROTATABLE}
    assert {tuple(bond) for bond in TOPOLOGY.rotatable_bonds.tolist()} < axes
    numbers = MOLECULE.atomic_numbers
    (hydroxyl,) = axes - {tuple(bond) for bond in TOPOLOGY.rotatable_bonds.tolist()}
    assert 8 in numbers[list(hydroxyl)]
    assert len(AMIDES) == 3


@pytest.mark.parametrize("move", [Move.TORSION, Move.AMIDE_FLIP, Move.CROSSOVER, Move.CRANKSHAFT])
def test_moves_keep_bonds_and_stereocentres_and_do_not_clash(move):
    rng = np.random.default_rng(5)
    proposals = np.array(
        [
            TORSION_MOVES.propose(move, SHAPES[k % 2], TORSIONS[k % 2], TORSIONS[2 + k % 2 :], equal_promise, rng)[0]
            for k in range(40)
        ]
    )
    assert np.ptp([lengths(x) - lengths(SHAPES[k % 2]) for k, x in enumerate(proposals)]) < 1e-9
    assert {found.structure_class.is_conformer for found in classify_batch(TOPOLOGY, proposals)} == {True}
    assert len({x.round(3).tobytes() for x in proposals}) > 5


def test_an_amide_flip_changes_trans_to_cis():
    rng = np.random.default_rng(2)
    omegas = dihedrals(SHAPES[0], TOPOLOGY.amides)
    after = dihedrals(
        TORSION_MOVES.propose(Move.AMIDE_FLIP, SHAPES[0], TORSIONS[0], TORSIONS, equal_promise, rng)[0], TOPOLOGY.amides
    )
    change = np.sort(magnitude(after - omegas))
    assert change[:-1] == pytest.approx(0, abs=1e-6)
    assert change[-1] > 180 - 4 * 15


def test_only_amides_at_tertiary_nitrogen_flip_where_secondary_ones_stay_as_given():
    molecule, rng = from_sequence("AP"), np.random.default_rng(4)
    topology = topology_of(molecule)
    moves = TorsionMoves(topology, flip_secondary=False)
    own, before = moves.torsions(molecule.positions), dihedrals(molecule.positions, topology.amides)
    turned = np.zeros(len(before), bool)
    for _ in range(10):
        flipped = moves.propose(Move.AMIDE_FLIP, molecule.positions, own, own[None], equal_promise, rng)[0]
        turned |= magnitude(dihedrals(flipped, topology.amides) - before) > 90
    assert turned.tolist() == (~topology.secondary_amides).tolist() == [False, True, False]
    assert not TorsionMoves(TOPOLOGY, flip_secondary=False).supports(Move.AMIDE_FLIP)


def test_a_crossover_takes_every_torsion_from_one_of_two_minima():
    rng, quadruples = np.random.default_rng(3), np.array([rotor.quadruple for rotor in ROTATABLE])
    for _ in range(10):
        after = dihedrals(
            TORSION_MOVES.propose(Move.CROSSOVER, SHAPES[0], TORSIONS[0], TORSIONS[1:2], equal_promise, rng)[0],
            quadruples,
        )
        nearest = np.minimum(*(magnitude(after - dihedrals(SHAPES[k], quadruples)) for k in (0, 1)))
        assert nearest == pytest.approx(0, abs=1e-6)


def test_half_of_the_rotations_lead_to_known_torsions():
    """Half of them end within the spread of the torsions of another minimum; a tenth of all angles would by chance."""
    folds, own, donor = (np.array([rotor.fold for rotor in ROTATABLE]), *TORSIONS[:2, : len(ROTATABLE)])
    proposed = []

    def capture(features):
        cosines, sines = np.split(features, 2, axis=1)
        proposed.append(np.degrees(np.arctan2(sines, cosines))[:, : len(ROTATABLE)] / folds)
        return np.zeros(len(features))

    TORSION_MOVES.propose(Move.TORSION, SHAPES[0], TORSIONS[0], TORSIONS[1:2], capture, np.random.default_rng(6))

    def difference(torsions):
        return np.abs((proposed[0] - torsions + 180 / folds) % (360 / folds) - 180 / folds)

    is_rotated = difference(own) > 0.01
    is_far = np.abs((donor - own + 180 / folds) % (360 / folds) - 180 / folds) > 60
    assert 0.4 < np.mean(difference(donor)[is_rotated & is_far] < 16) < 0.7
    assert difference(own)[is_rotated & (folds == 1)].min() > MIN_ROTATION - 0.01


def test_a_rotation_by_a_symmetry_angle_does_not_change_the_features():
    (phenyl,) = (r for r in ROTATABLE if r.fold == 2)
    ring = sum(bond in (1.5, 2) for bond in MOLECULE.bond_orders[(MOLECULE.bonds == phenyl.quadruple[2]).any(axis=1)])
    assert ring >= 1
    for angle, likeness in ((180, len(TORSION_MOVES.rotors)), (90, len(TORSION_MOVES.rotors) - 2)):
        same = features(TORSION_MOVES, rotated(SHAPES[0], phenyl, angle)) @ features(TORSION_MOVES, SHAPES[0])
        assert same == pytest.approx(likeness, abs=1e-6)


def test_a_move_leads_away_from_known_minima():
    """Of the rotations about one bond, those that are far from all known structures are proposed."""
    molecule = from_sequence("G")
    moves, x = TorsionMoves(topology_of(molecule)), molecule.positions
    (phi, *_), _ = find_rotors(topology_of(molecule))
    own = moves.rotation.angles(x[None])
    known = features(moves, np.array([rotated(x, phi, angle) for angle in range(-120, 121, 10)]))
    acquisition = AcquisitionFunction(known.shape[1])
    acquisition.add_minima(known, np.zeros(len(known)))
    rng = np.random.default_rng(1)

    def propose(log_probability):
        """Return promise and features of several proposals."""
        proposals = [moves.propose(Move.TORSION, x, own[0], own, log_probability, rng) for _ in range(20)]
        return np.array([promise for _, promise in proposals]), features(moves, np.array([y for y, _ in proposals]))

    log_probability = acquisition.log_probability(known[:0], targets_low_energy=False)
    promise, ranked = propose(log_probability)
    _, unranked = propose(equal_promise)
    assert promise == pytest.approx(log_probability(ranked), abs=1e-4)
    assert (known @ ranked.T).max(axis=0).mean() < (known @ unranked.T).max(axis=0).mean() - 0.3


def test_an_atomic_cluster_has_no_torsion_moves():
    argon = Molecule(
        name="ar3",
        atomic_numbers=np.full(3, 18),
        positions=np.eye(3),
        bonds=np.zeros((0, 2), int),
        bond_orders=np.zeros(0),
        formal_charges=np.zeros(3, int),
    )
    moves = TorsionMoves(topology_of(argon))
    assert [move for move in Move if moves.supports(move)] == [Move.HOPPING, Move.LOW_MODE]


def test_the_bandit_prefers_the_move_that_finds_more_per_force_call():
    rng, bandit = np.random.default_rng(0), MoveBandit([100, 100, 100])
    chance, cost, played = (0.3, 0.3, 0.1), (100, 30, 30), np.zeros(3)
    for _ in range(2000):
        arm = bandit.choose([0, 1, 2], rng)
        bandit.record(arm, rng.random() < chance[arm], cost[arm])
        played[arm] += 1
    assert played[1] / 2000 > 0.6
    assert played.min() / 2000 > 0.8 * EXPLORATION_SHARE / 3


def test_an_unknown_move_is_named():
    with pytest.raises(ConfigError, match="'crosover'"):
        chosen_moves(["hopping", "crosover"])
    with pytest.raises(ConfigError, match="received nothing"):
        chosen_moves([])


def test_several_bonds_rotate_by_their_own_angles():
    changes = np.random.default_rng(8).uniform(-180, 180, (3, len(TORSION_MOVES.rotors)))
    changes[1, ::2] = 0
    for change, after in zip(changes, TORSION_MOVES.rotation.rotate(SHAPES[0], changes), strict=True):
        assert magnitude(TORSION_MOVES.rotation.angles(after) - TORSIONS[0] - change).max() < 1e-6
        assert lengths(after) == pytest.approx(lengths(SHAPES[0]), abs=1e-9)


@pytest.mark.parametrize("rotors", [*[[k] for k in range(len(TORSION_MOVES.rotors))], range(len(TORSION_MOVES.rotors))])
def test_the_tangent_is_the_derivative_of_a_rotation(rotors):
    step, rates = 1e-4, np.zeros(len(TORSION_MOVES.rotors))
    rates[list(rotors)] = np.linspace(1.0, 2.0, len(rotors))
    after, before = TORSION_MOVES.rotation.rotate(SHAPES[0], np.degrees(step * np.array([rates, -rates])))
    assert TORSION_MOVES.rotation.tangent(SHAPES[0], rates) == pytest.approx((after - before) / (2 * step), abs=1e-6)


def test_a_crankshaft_rotates_two_bonds_in_opposite_directions():
    molecule = from_sequence("AAA")
    moves, x = TorsionMoves(topology_of(molecule)), molecule.positions
    own = moves.rotation.angles(x[None])
    rng, quadruples = np.random.default_rng(4), np.array([rotor.quadruple for rotor in moves.rotors])
    for _ in range(5):
        after, _ = moves.propose(Move.CRANKSHAFT, x, own[0], own, equal_promise, rng)
        change = dihedrals(after, quadruples) - dihedrals(x, quadruples)
        turned_bonds = np.flatnonzero(magnitude(change) > 1e-6)
        assert len(turned_bonds) == 2
        assert magnitude(change[turned_bonds].sum()) < 1e-6
