"""The network of a Lennard-Jones cluster is found from one minimum, and an interrupted search goes on unchanged."""

from types import SimpleNamespace

import numpy as np
import pytest
from cluster_run import cluster_record

from explorer.config import Settings
from explorer.potential.lennard_jones import lennard_jones
from explorer.records.transition_states import AttemptKind, AttemptOutcome, PairReason
from explorer.saddles.connect import Connector, ConnectTask
from explorer.saddles.judge import Candidate
from explorer.saddles.pairs import Plan
from explorer.saddles.work_limit import WorkLimit
from explorer.topology.bonds import topology_of
from explorer.topology.classify import classify_batch

pytestmark = pytest.mark.slow

# Energies of the minima and index-1 saddles of six atoms (Doye, Miller & Wales, J. Chem. Phys. 111, 8417 (1999), have
# two minima and three saddles), and the minima on both sides
MINIMA = [-12.712062, -12.302928]
SADDLES = [-12.079031, -11.630307, -11.334033]
ENDS = [(0, 1), (1, 1), (1, 1)]


@pytest.fixture(scope="module")
def start():
    return cluster_record(6)


def after(record, n_rounds):
    connector = Connector(record, lennard_jones(), Settings(), ConnectTask())
    for _, _ in zip(range(n_rounds), connector.rounds(), strict=False):
        pass
    return connector.record


def test_network_of_six_atoms_is_complete(start):
    record = after(start, 4)
    energies = [m.energy for m in record.minima]
    order = np.argsort(energies)
    np.testing.assert_allclose(np.array(energies)[order], MINIMA, atol=1e-5)
    rank = {int(minimum): k for k, minimum in enumerate(order)}
    states = sorted(record.transition_states, key=lambda state: state.energy)
    np.testing.assert_allclose([s.energy for s in states], SADDLES, atol=1e-4)
    assert [tuple(sorted(rank[m] for m in s.minima)) for s in states] == ENDS
    assert all((s.wavenumbers < -10).sum() == 1 for s in states)


def test_minima_beside_saddles_are_found_after_the_force_calls_of_search_and_attempts(start):
    record = after(start, 2)
    found = [m for m in record.minima if m.attempt is not None]
    assert found
    for minimum in found:
        made = sum(a.n_evaluations for a in record.saddle_attempts if a.id <= minimum.attempt)
        search = start.rounds[-1].n_evaluations if start.rounds else 0
        assert minimum.n_evaluations == search + made


def test_search_that_was_interrupted_is_the_same(start):
    whole, parts = after(start, 3), after(after(start, 1), 2)
    assert [a.outcome for a in parts.saddle_attempts] == [a.outcome for a in whole.saddle_attempts]
    assert [s.minima for s in parts.transition_states] == [s.minima for s in whole.transition_states]
    assert [s.energy for s in parts.transition_states] == [s.energy for s in whole.transition_states]


def test_a_saddle_that_only_a_tighter_refinement_shows_to_be_known_is_not_stored_again(start, monkeypatch):
    record = after(start, 4)
    state = record.transition_states[0]
    plan = Plan(AttemptKind.PAIR, PairReason.MISSING, 0, 1, 2)
    candidate = Candidate(
        plan=plan,
        n_evaluations=9,
        failure="",
        positions=state.positions + np.random.default_rng(0).normal(scale=0.3, size=state.positions.shape),
        energy=state.energy + 0.1,
        fmax=1e-3,
        classification=classify_batch(topology_of(record.molecule), state.positions[None])[0],
    )

    def refine_further(candidates):
        for one in candidates:
            one.positions, one.energy = state.positions, state.energy
            one.wavenumbers, one.direction = state.wavenumbers, state.direction

    search = Connector(record, lennard_jones(), Settings(), ConnectTask())._search
    made = SimpleNamespace(starts=None, n_evaluations=[0])
    monkeypatch.setattr(search, "_start_maker", SimpleNamespace(starts=lambda *_: made))
    monkeypatch.setattr(search, "_refined", lambda *_: [candidate])
    monkeypatch.setattr(search, "_test", refine_further)
    found = search.attempt(record, [plan], 9, np.inf, WorkLimit())
    assert [(a.outcome, a.saddle) for a in found.attempts] == [(AttemptOutcome.KNOWN, state.id)]
    assert found.transition_states == ()
