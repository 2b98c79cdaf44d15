"""Choice of hops from a history of minima, and the success of moves."""

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
from explorer.strategy.history import History
from explorer.strategy.hop_request import EscapeMode
from explorer.strategy.outcomes import WalkerState
from explorer.strategy.selector import MIN_MINIMA_TO_EXPLOIT, MoveSelector

MOLECULE = from_sequence("AA")
N_MINIMA = 2 * MIN_MINIMA_TO_EXPLOIT
HIGH, LOW = N_MINIMA, N_MINIMA + 1  # ids of a minimum at 1 eV and of one of the lowest


def history_of(energies, positions=None) -> History:
    """History of invented minima, with nearly the same positions where none are given."""
    rng = np.random.default_rng(0)
    history = History(symmetry_of(MOLECULE), load_settings().identity)
    for k, energy in enumerate(energies):
        near = MOLECULE.positions + rng.normal(0, 0.02, MOLECULE.positions.shape)
        minimum = Minimum(
            id=k,
            energy=float(energy),
            positions=near if positions is None else positions[k],
            structure_class=StructureClass.INTACT,
            fmax=1e-4,
            n_evaluations=k,
            round=0,
        )
        history.add(minimum)
    return history


@pytest.fixture(scope="module")
def history():
    """Minima of a peptide: half of them are low, one is at 1 eV and one is among the lowest."""
    noise = np.random.default_rng(1).uniform(0, 0.01, N_MINIMA)
    return history_of([*np.where(np.arange(N_MINIMA) % 2, 0.02, 0.6) + noise, 1.0, 0.025])


def selector_of(history, **hopping) -> MoveSelector:
    """Selector for one walker."""
    settings = load_settings()
    selector = MoveSelector(MOLECULE, replace(settings, hopping=replace(settings.hopping, **hopping)), history)
    selector.set_jump_targets(np.full((1, MOLECULE.n_atoms, 3), np.nan))
    return selector


def walker_at(start: int, hop: int = 0) -> WalkerState:
    return WalkerState(start=start, temperature=300.0, ediff=1.0, hop=hop)


def hop_to(end: int | None, move: Move, **changes) -> Hop:
    hop = Hop(
        walker=0,
        index=0,
        round=1,
        start=0,
        end=end,
        outcome=Outcome.NEW if end is not None else Outcome.FAILED,
        reason="",
        accepted=True,
        temperature=300.0,
        ediff=1.0,
        highest_energy=np.inf,
        n_evaluations=40,
        move=move,
    )
    return replace(hop, **changes)


def chosen_moves(selector, n_hops=40) -> set[Move]:
    """Moves of many hops. Every jump must lead to a structure that differs from its start."""
    moves = set()
    for k in range(n_hops):
        walker_state = walker_at(HIGH, hop=k)
        selector.choose_hop(0, walker_state)
        moves.add(MOVES[walker_state.move])
        target, start = selector.request(0, walker_state).target, selector.history[walker_state.start].positions
        assert not np.allclose(target, start, atol=0.1)
    return moves


def test_a_hop_to_low_energies_succeeds_only_at_a_low_minimum(history):
    selector, arm = selector_of(history), MOVES.index(Move.LOW_MODE)
    of_any, of_low = selector.bandits
    for end, targets_low_energy in ((HIGH, False), (HIGH, True), (LOW, True)):
        selector.record_hop(hop_to(end, Move.LOW_MODE), targets_low_energy)
    assert (of_any.new_minima[arm], of_any.force_calls[arm]) == (1, 40)
    assert of_low.new_minima[arm] == 1
    assert of_low.force_calls[arm] == pytest.approx(80, rel=0.01)


def test_hops_to_low_energies_start_from_low_minima_without_dynamics(history):
    selector = selector_of(history, low_energy_share=1.0)
    for move in (Move.LOW_MODE, Move.TORSION):
        for _ in range(5):
            selector.record_hop(hop_to(LOW, move), targets_low_energy=True)
    energies, moves = [], set()
    for k in range(60):
        walker_state = walker_at(HIGH, hop=k)
        selector.choose_hop(0, walker_state)
        energies.append(history[walker_state.start].energy)
        moves.add(MOVES[walker_state.move])
        assert np.isnan(selector.request(0, walker_state).target).sum() == 0
    assert np.mean(np.array(energies) < 0.1) > 0.9
    assert moves >= {Move.LOW_MODE, Move.TORSION}
    assert Move.HOPPING not in moves


@pytest.fixture
def flat():
    """Minima of equal energy, so that every new minimum is probably low; all jumps start from the last of them."""
    return history_of([*np.full(N_MINIMA, 0.1), 1.0, 0.0])


def test_both_moves_are_used_where_they_are_promising(flat):
    selector = selector_of(flat, low_energy_share=1.0, moves=("torsion", "crankshaft"))
    assert chosen_moves(selector) == {Move.TORSION, Move.CRANKSHAFT}


def test_a_move_whose_targets_were_all_tried_gives_way_to_a_torsion_move(flat):
    selector = selector_of(flat, low_energy_share=1.0, moves=("torsion", "crankshaft"))
    rng, pairs = np.random.default_rng(0), set()
    for _ in range(60):  # pairs of torsions that a crankshaft move changes
        own = selector.torsions[LOW]
        after, _ = selector.moves.propose(
            Move.CRANKSHAFT, flat[LOW].positions, own, selector.torsions, lambda f: np.zeros(len(f)), rng
        )
        change = np.abs((selector.moves.torsions(after) - own + 180) % 360 - 180)
        pairs.add(tuple(np.flatnonzero(change > 1.0).tolist()))
    for start in np.unique(selector.torsions[: LOW + 1], axis=0):
        for one, other in pairs:
            for angle in range(0, 360, 15):
                torsions = start.copy()
                torsions[[one, other]] += angle, -angle
                failed = hop_to(None, Move.CRANKSHAFT, start_torsions=tuple(torsions.tolist()))
                selector.add_hops([failed])
    assert chosen_moves(selector) == {Move.TORSION}


def test_a_search_for_low_minima_that_is_hopeless_gives_way_to_one_for_any_minimum():
    """One minimum is 5 eV below all others, so that no predicted energy is near it."""
    history = history_of([*np.full(N_MINIMA, 0.1), 1.0, -5.0])
    selector = selector_of(history, low_energy_share=1.0, moves=("torsion", "crankshaft"))
    for move in (Move.TORSION, Move.CRANKSHAFT):  # earlier success, so that all hops target low energies
        for _ in range(5):
            selector.record_hop(hop_to(LOW, move), targets_low_energy=True)
    assert chosen_moves(selector) == {Move.TORSION}


def test_walkers_restart_only_from_allowed_minima():
    """Minima with a hydrogen torn off are lower, but walkers may not be there."""
    broken = MOLECULE.positions.copy()
    broken[np.flatnonzero(MOLECULE.atomic_numbers == 1)[0]] += 3.0
    history = history_of([0.0, 0.0, 1.0, 0.02], [broken, broken, MOLECULE.positions, MOLECULE.positions])
    selector, rng = selector_of(history), np.random.default_rng(0)
    assert selector.allowed_ids.tolist() == [2, 3]
    assert [selector.low_minimum(rng) for _ in range(20)] == [3] * 20


def test_minima_hopping_alone_never_targets_low_energies(history):
    selector = selector_of(history, moves=("hopping",))
    walker_state = walker_at(HIGH)
    selector.choose_hop(0, walker_state)
    chosen = MOVES[walker_state.move], walker_state.start, walker_state.targets_low_energy
    assert chosen == (Move.HOPPING, HIGH, False)


def test_few_hops_target_low_energies_once_these_find_nothing_new(history):
    selector = selector_of(history)
    rng = np.random.default_rng(0)
    assert np.mean([selector.draw_targets_low_energy(rng) for _ in range(400)]) == pytest.approx(0.8, abs=0.06)
    for _ in range(300):
        selector.record_hop(hop_to(HIGH, Move.TORSION), targets_low_energy=False)
        selector.record_hop(hop_to(LOW, Move.TORSION, outcome=Outcome.KNOWN), targets_low_energy=True)
    assert np.mean([selector.draw_targets_low_energy(rng) for _ in range(400)]) == pytest.approx(0.2, abs=0.1)


def test_walkers_jump_to_given_structures_before_they_choose_moves(history):
    selector = selector_of(history)
    structures = [MOLECULE.positions + shift for shift in (0.1, 0.2)]
    selector.given_structures = list(structures)
    walker = walker_at(0)
    for structure in structures:
        selector.choose_hop(0, walker)
        request = selector.request(0, walker)
        assert request.mode == EscapeMode.JUMP
        np.testing.assert_array_equal(request.target, structure)
        assert MOVES[walker.move] == Move.GIVEN_STRUCTURE
        walker.hop += 1
    selector.choose_hop(0, walker)
    assert MOVES[walker.move] != Move.GIVEN_STRUCTURE


def test_given_structures_teach_the_bandits_nothing(history):
    selector = selector_of(history)
    before = [(bandit.new_minima.copy(), bandit.force_calls.copy()) for bandit in selector.bandits]
    selector.record_hop(hop_to(LOW, Move.GIVEN_STRUCTURE), False)
    for bandit, (new_minima, force_calls) in zip(selector.bandits, before, strict=True):
        np.testing.assert_array_equal(bandit.new_minima, new_minima)
        np.testing.assert_array_equal(bandit.force_calls, force_calls)
