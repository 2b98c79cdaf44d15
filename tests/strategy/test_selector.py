"""What walkers are sent for, and what their moves are worth."""

from dataclasses import replace

import numpy as np
import pytest

from explorer.config_file import load_settings
from explorer.io.build import from_sequence
from explorer.records.hop import Hop, Outcome
from explorer.records.minimum import Minimum
from explorer.records.moves import MOVES, Move
from explorer.records.structure_class import StructureClass
from explorer.similarity.symmetry import symmetry_of
from explorer.strategy.growing_array import GrowingArray
from explorer.strategy.history import History
from explorer.strategy.outcomes import WalkerState
from explorer.strategy.selector import FEWEST, MoveSelector

HIGH, LOW = 2 * FEWEST, 2 * FEWEST + 1  # ids of a minimum 1 eV up, and of one among the lowest


@pytest.fixture(scope="module")
def planned():
    """Many invented minima of a peptide, half of them low, one high, one low."""
    molecule, settings = from_sequence("AA"), load_settings()
    rng = np.random.default_rng(0)
    history = History(symmetry_of(molecule), settings.identity)
    energies = [*np.where(np.arange(2 * FEWEST) % 2, 0.02, 0.6) + rng.uniform(0, 0.01, 2 * FEWEST), 1.0, 0.025]
    for k, energy in enumerate(energies):
        positions = molecule.positions + rng.normal(0, 0.02, molecule.positions.shape)
        history.add(
            Minimum(
                id=k,
                energy=energy,
                positions=positions,
                structure_class=StructureClass.INTACT,
                fmax=1e-4,
                n_evaluations=k,
                round=0,
            )
        )
    return molecule, settings, history


def hop_to(end: int, move: Move) -> Hop:
    return Hop(
        walker=0,
        index=0,
        round=1,
        start=0,
        end=end,
        outcome=Outcome.NEW,
        reason="",
        accepted=True,
        temperature=300.0,
        ediff=1.0,
        highest_energy=np.inf,
        n_evaluations=40,
        escape_class=None,
        move=move,
    )


def test_a_deep_hop_is_worth_something_only_where_it_finds_a_low_minimum(planned):
    planner, arm = MoveSelector(*planned), MOVES.index(Move.LOW_MODE)
    anywhere, deep = planner.bandits
    for end, is_deep in ((HIGH, False), (HIGH, True), (LOW, True)):
        planner.record_hop(hop_to(end, Move.LOW_MODE), is_deep)
    assert (anywhere.found[arm], anywhere.calls[arm]) == (1, 40)
    assert deep.found[arm] == 1
    assert deep.calls[arm] == pytest.approx(80, rel=0.01)


def test_deep_hops_leave_from_low_minima_without_dynamics(planned):
    molecule, settings, history = planned
    planner = MoveSelector(
        molecule, replace(settings, hopping=replace(settings.hopping, low_energy_share=1.0)), history
    )
    planner.set_jump_targets(np.full((1, molecule.n_atoms, 3), np.nan))
    for move in (Move.LOW_MODE, Move.TORSION):
        for _ in range(5):
            planner.record_hop(hop_to(LOW, move), is_deep=True)
    energies, moves = [], set()
    for k in range(60):
        course = WalkerState(start=HIGH, temperature=300.0, ediff=1.0, hop=k)
        planner.choose_hop(0, course)
        energies.append(history[course.start].energy)
        moves.add(MOVES[course.move])
        assert np.isnan(planner.request(0, course).target).sum() == 0
    assert np.mean(np.array(energies) < 0.1) > 0.9
    assert moves >= {Move.LOW_MODE, Move.TORSION}
    assert Move.HOPPING not in moves


@pytest.mark.parametrize(
    ("chance", "moves", "asked"),
    [
        (0.10, {Move.TORSION, Move.CRANKSHAFT}, [True]),
        (0.025, {Move.TORSION}, [True]),
        (0.01, {Move.TORSION}, [True, False]),
    ],
)
def test_a_hopeless_jump_gives_way_to_a_turn_of_bonds_and_that_to_one_for_any_minimum(planned, chance, moves, asked):
    molecule, settings, history = planned
    arms = ("torsion", "crankshaft")
    hopping = replace(settings.hopping, low_energy_share=1.0, moves=arms)
    planner = MoveSelector(molecule, replace(settings, hopping=hopping), history)
    planner.set_jump_targets(np.full((1, molecule.n_atoms, 3), np.nan))
    calls, taken = [], set()

    def chances(under_way, is_deep):
        calls.append(is_deep)
        return lambda features: np.full(len(features), np.log(chance))

    planner.acquisition.log_probability, planner.draw_targets_low_energy = chances, lambda rng: True
    for k in range(12):
        calls.clear()
        course = WalkerState(start=HIGH, temperature=300.0, ediff=1.0, hop=k)
        planner.choose_hop(0, course)
        taken.add(MOVES[course.move])
        assert calls == asked
        assert not np.isnan(planner.request(0, course).target).any()
        assert not np.allclose(planner.request(0, course).target, history[course.start].positions, atol=0.1)
    assert taken == moves


def test_walkers_restart_only_where_they_may_be(planned):
    planner, rng = MoveSelector(*planned), np.random.default_rng(0)
    planner._allowed_ids = GrowingArray(np.array([HIGH, LOW]))
    assert [planner.low_minimum(rng) for _ in range(20)] == [LOW] * 20


def test_minima_hopping_alone_goes_nowhere_deep(planned):
    molecule, settings, history = planned
    planner = MoveSelector(molecule, replace(settings, hopping=replace(settings.hopping, moves=("hopping",))), history)
    planner.set_jump_targets(np.full((1, molecule.n_atoms, 3), np.nan))
    course = WalkerState(start=HIGH, temperature=300.0, ediff=1.0, hop=0)
    planner.choose_hop(0, course)
    assert (MOVES[course.move], course.start, course.targets_low_energy) == (Move.HOPPING, HIGH, False)


def test_few_hops_go_deep_once_these_find_nothing_new(planned):
    planner = MoveSelector(*planned)
    rng = np.random.default_rng(0)
    assert np.mean([planner.draw_targets_low_energy(rng) for _ in range(400)]) == pytest.approx(0.8, abs=0.06)
    for _ in range(300):
        planner.record_hop(hop_to(HIGH, Move.TORSION), is_deep=False)
        planner.record_hop(replace(hop_to(LOW, Move.TORSION), outcome=Outcome.KNOWN), is_deep=True)
    assert np.mean([planner.draw_targets_low_energy(rng) for _ in range(400)]) == pytest.approx(0.2, abs=0.1)
