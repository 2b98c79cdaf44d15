"""Jumps in torsions change the torsions that they should, and nothing else."""

import numpy as np
import pytest

from explorer.errors import ConfigError
from explorer.io.build import embed, from_sequence, to_rdkit
from explorer.records.molecule import Molecule
from explorer.records.moves import Move, chosen_moves
from explorer.strategy.acquisition import UNLIKE_MINIMUM, AcquisitionFunction
from explorer.strategy.bandit import CURIOSITY, MoveBandit
from explorer.strategy.torsion_moves import SMALLEST_TURN, TorsionMoves
from explorer.topology.bonds import topology_of
from explorer.topology.classify import classify_batch
from explorer.topology.rotors import find_rotors
from explorer.topology.torsion_rotation import TorsionRotation
from explorer.topology.torsions import dihedrals

MOLECULE = from_sequence("SF")
TOPOLOGY = topology_of(MOLECULE)
KICKS = TorsionMoves(TOPOLOGY)
TURNABLE, AMIDES = find_rotors(TOPOLOGY)


def nothing(features):
    """Chances where nothing is known."""
    return np.zeros(len(features))


SHAPES = embed(to_rdkit(MOLECULE), 4, seed=1)
OTHERS = KICKS.turns.angles(SHAPES)


def features(kicks, positions):
    return kicks.features(kicks.torsions(positions))


def turned(positions, rotor, angle):
    return next(TorsionRotation([rotor], len(positions)).rotate(positions, np.array([[angle]])))


def lengths(positions):
    i, j = MOLECULE.bonds.T
    return np.linalg.norm(positions[i] - positions[j], axis=1)


def apart(angle):
    """Degrees from 0, whichever way round."""
    return np.abs((np.asarray(angle) + 180) % 360 - 180)


@pytest.mark.parametrize("rotor", KICKS.rotors)
def test_a_turn_changes_its_dihedral_by_that_angle_and_no_other(rotor):
    after = turned(SHAPES[0], rotor, 50.0)
    for other in KICKS.rotors:
        change = dihedrals(after, other.quadruple) - dihedrals(SHAPES[0], other.quadruple)
        assert apart(change - (50.0 if other is rotor else 0.0)) < 1e-6


def test_serine_and_phenylalanine_turn_side_chains_backbone_and_hydroxyl():
    axes = {tuple(rotor.quadruple[1:3].tolist()) for rotor in TURNABLE}
    assert {tuple(bond) for bond in TOPOLOGY.rotatable_bonds.tolist()} < axes
    numbers = MOLECULE.atomic_numbers
    (hydroxyl,) = axes - {tuple(bond) for bond in TOPOLOGY.rotatable_bonds.tolist()}
    assert 8 in numbers[list(hydroxyl)]
    assert len(AMIDES) == 3


@pytest.mark.parametrize("move", [Move.TORSION, Move.AMIDE_FLIP, Move.CROSSOVER, Move.CRANKSHAFT])
def test_kicks_keep_bonds_and_stereocentres_and_do_not_clash(move):
    rng = np.random.default_rng(5)
    kicked = np.array(
        [KICKS.propose(move, SHAPES[k % 2], OTHERS[k % 2], OTHERS[2 + k % 2 :], nothing, rng)[0] for k in range(40)]
    )
    assert np.ptp([lengths(x) - lengths(SHAPES[k % 2]) for k, x in enumerate(kicked)]) < 1e-9
    assert {found.structure_class.is_conformer for found in classify_batch(TOPOLOGY, kicked)} == {True}
    assert len({x.round(3).tobytes() for x in kicked}) > 5


def test_an_amide_flip_makes_cis_of_trans():
    rng = np.random.default_rng(2)
    omegas = dihedrals(SHAPES[0], TOPOLOGY.amides)
    after = dihedrals(KICKS.propose(Move.AMIDE_FLIP, SHAPES[0], OTHERS[0], OTHERS, nothing, rng)[0], TOPOLOGY.amides)
    change = np.sort(apart(after - omegas))
    assert change[:-1] == pytest.approx(0, abs=1e-6)
    assert change[-1] > 180 - 4 * 15


def test_a_crossover_takes_every_torsion_from_one_of_the_two():
    rng, quadruples = np.random.default_rng(3), np.array([rotor.quadruple for rotor in TURNABLE])
    for _ in range(10):
        after = dihedrals(KICKS.propose(Move.CROSSOVER, SHAPES[0], OTHERS[0], OTHERS[1:2], nothing, rng)[0], quadruples)
        nearest = np.minimum(*(apart(after - dihedrals(SHAPES[k], quadruples)) for k in (0, 1)))
        assert nearest == pytest.approx(0, abs=1e-6)


def test_turns_lead_to_where_bonds_stand_elsewhere_or_anywhere():
    """Half of them end within the spread of the others' torsions, which a tenth of all angles would by chance."""
    rng, mine = np.random.default_rng(6), OTHERS[0]
    changes = KICKS._draw_changes(Move.TORSION, mine, OTHERS[1:2], rng)[:, : len(TURNABLE)]
    folds = np.array([rotor.fold for rotor in TURNABLE])
    to_other = (OTHERS[1, : len(TURNABLE)] - mine[: len(TURNABLE)] + 180 / folds) % (360 / folds) - 180 / folds
    far = np.abs(to_other) > 60
    off = (changes - to_other + 180 / folds) % (360 / folds) - 180 / folds
    near = np.abs(off)[(changes != 0) & far] < 16
    assert 0.4 < near.mean() < 0.7
    assert np.abs(changes[changes != 0]).min() >= SMALLEST_TURN


def test_the_fold_of_a_rotor_says_which_turn_changes_nothing():
    (phenyl,) = (r for r in TURNABLE if r.fold == 2)
    ring = sum(bond in (1.5, 2) for bond in MOLECULE.bond_orders[(MOLECULE.bonds == phenyl.quadruple[2]).any(axis=1)])
    assert ring >= 1
    for angle, likeness in ((180, len(KICKS.rotors)), (90, len(KICKS.rotors) - 2)):
        same = features(KICKS, turned(SHAPES[0], phenyl, angle)) @ features(KICKS, SHAPES[0])
        assert same == pytest.approx(likeness, abs=1e-6)


def test_a_kick_goes_where_nothing_is_known():
    """Of the turns of one bond those are proposed that are far from all known shapes; else the first that comes."""
    molecule = from_sequence("G")
    kicks, x = TorsionMoves(topology_of(molecule)), molecule.positions
    (phi, *_), _ = find_rotors(topology_of(molecule))
    own = kicks.turns.angles(x[None])
    known = features(kicks, np.array([turned(x, phi, angle) for angle in range(-120, 121, 10)]))
    aims = AcquisitionFunction(known.shape[1])
    aims.add_minima(known, np.zeros(len(known)))
    rng = np.random.default_rng(1)

    def nearest(chances):
        kicked = [kicks.propose(Move.TORSION, x, own[0], own, chances, rng) for _ in range(20)]
        found = [(known @ features(kicks, y)).max() for y, _ in kicked]
        return np.array(found), np.array([chance for _, chance in kicked])

    chances = aims.log_probability(known[:0], is_deep=False)
    steered, chance = nearest(chances)
    blind, _ = nearest(nothing)
    assert chance == pytest.approx(
        np.log1p(-np.exp(-(((len(kicks.rotors) - steered) / UNLIKE_MINIMUM) ** 2))), abs=1e-4
    )
    assert steered.mean() < blind.mean() - 0.3


def test_an_atom_cluster_has_nothing_to_turn():
    argon = Molecule(
        name="ar3",
        atomic_numbers=np.full(3, 18),
        positions=np.eye(3),
        bonds=np.zeros((0, 2), int),
        bond_orders=np.zeros(0),
        formal_charges=np.zeros(3, int),
    )
    kicks = TorsionMoves(topology_of(argon))
    assert [move for move in Move if kicks.supports(move)] == [Move.HOPPING, Move.LOW_MODE]


def test_the_bandit_prefers_the_move_that_finds_more_per_force_call():
    rng, bandit = np.random.default_rng(0), MoveBandit([100, 100, 100])
    chance, cost, played = (0.3, 0.3, 0.1), (100, 30, 30), np.zeros(3)
    for _ in range(2000):
        arm = bandit.choose([0, 1, 2], rng)
        bandit.record(arm, rng.random() < chance[arm], cost[arm])
        played[arm] += 1
    assert played[1] / 2000 > 0.6
    assert played.min() / 2000 > 0.8 * CURIOSITY / 3


def test_an_unknown_move_is_named():
    with pytest.raises(ConfigError, match="'crosover'"):
        chosen_moves(["hopping", "crosover"])
    with pytest.raises(ConfigError, match="received nothing"):
        chosen_moves([])


def test_several_bonds_turn_by_what_each_of_them_was_asked_for():
    changes = np.random.default_rng(8).uniform(-180, 180, (3, len(KICKS.rotors)))
    changes[1, ::2] = 0
    for change, after in zip(changes, KICKS.turns.rotate(SHAPES[0], changes), strict=True):
        assert apart(KICKS.turns.angles(after) - OTHERS[0] - change).max() < 1e-6
        assert lengths(after) == pytest.approx(lengths(SHAPES[0]), abs=1e-9)


@pytest.mark.parametrize("rotors", [*[[k] for k in range(len(KICKS.rotors))], range(len(KICKS.rotors))])
def test_a_turning_is_the_derivative_of_a_turn(rotors):
    step, rates = 1e-4, np.zeros(len(KICKS.rotors))
    rates[list(rotors)] = np.linspace(1.0, 2.0, len(rotors))
    after, before = KICKS.turns.rotate(SHAPES[0], np.degrees(step * np.array([rates, -rates])))
    assert KICKS.turns.tangent(SHAPES[0], rates) == pytest.approx((after - before) / (2 * step), abs=1e-6)


def test_a_crankshaft_turns_one_amide_and_hardly_moves_the_rest():
    molecule = from_sequence("AAA")
    kicks, x = TorsionMoves(topology_of(molecule)), molecule.positions
    own = kicks.turns.angles(x[None])
    rng, quadruples = np.random.default_rng(4), np.array([rotor.quadruple for rotor in kicks.rotors])
    for _ in range(5):
        after, _ = kicks.propose(Move.CRANKSHAFT, x, own[0], own, nothing, rng)
        change = dihedrals(after, quadruples) - dihedrals(x, quadruples)
        turned_bonds = np.flatnonzero(apart(change) > 1e-6)
        assert len(turned_bonds) == 2
        assert apart(change[turned_bonds].sum()) < 1e-6
