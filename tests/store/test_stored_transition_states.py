"""Rounds of `pes-explore connect` are read as they were stored, whole or not at all, and fit into older runs."""

import sqlite3
from dataclasses import replace

import numpy as np
import pytest
from older import as_of_schema
from rounds import MOLECULE, assert_same, begin, make_minimum, make_round

from explorer.records.structure_class import StructureClass
from explorer.records.transition_states import (
    AttemptKind,
    AttemptOutcome,
    ConnectRound,
    PairReason,
    SaddleAttempt,
    TransitionState,
    TransitionStateEnd,
)
from explorer.records.uncertainty import TrustLevel, UncertaintyEstimate
from explorer.store.read import read_run
from explorer.store.store import Store

ESTIMATE = UncertaintyEstimate(0.01, 0.02, 3.0, 0.05, TrustLevel.UNCERTAIN)


def make_transition_state(id: int, minima: tuple[int, int], round: int = 0) -> TransitionState:
    rng = np.random.default_rng(id)
    return TransitionState(
        id=id,
        energy=-0.7 + 1e-13 * id,
        positions=rng.normal(size=(MOLECULE.n_atoms, 3)),
        fmax=1.5e-3,
        direction=rng.normal(size=(MOLECULE.n_atoms, 3)),
        wavenumbers=np.array([-312.5, 18.0, 44.0]),
        structure_class=StructureClass.CIS_AMIDE,
        ends=(
            TransitionStateEnd(minimum=minima[0], path_length=1.75),
            TransitionStateEnd(minimum=minima[1], path_length=None),
        ),
        n_evaluations=800,
        round=round,
        remark="to its mirror image" if minima[0] == minima[1] else "",
        uncertainty=ESTIMATE if id % 2 else None,
    )


def make_attempt(id: int, outcome: AttemptOutcome, saddle: int | None, round: int = 0) -> SaddleAttempt:
    return SaddleAttempt(
        id=id,
        round=round,
        kind=AttemptKind.TORSION if saddle is None else AttemptKind.PAIR,
        reason_for=PairReason.MISSING,
        start=0,
        end=None if saddle is None else 1,
        try_number=id,
        outcome=outcome,
        reason="" if saddle is not None else "not converged in 100 steps",
        saddle=saddle,
        n_evaluations=85,
        n_products=51,
    )


def first_connect_round() -> ConnectRound:
    return ConnectRound(
        index=0,
        minima=(replace(make_minimum(2), attempt=1),),
        transition_states=(make_transition_state(0, (0, 1)), make_transition_state(1, (2, 2))),
        attempts=(
            make_attempt(0, AttemptOutcome.CONNECTED, 0),
            make_attempt(1, AttemptOutcome.DEGENERATE, 1),
            make_attempt(2, AttemptOutcome.FAILED, None),
        ),
        wall_seconds=12.5,
    )


def test_connect_rounds_are_read_as_stored(tmp_path):
    second = ConnectRound(index=1, attempts=(make_attempt(3, AttemptOutcome.KNOWN, 0, 1),), wall_seconds=20.0)
    with begin(tmp_path) as store:
        store.commit(make_round(0, 2))
        before = read_run(tmp_path)
        for one in (first_connect_round(), second):
            store.commit_connections(one)
            before = before.with_connections(one)
            assert_same(read_run(tmp_path), before)
    record = read_run(tmp_path)
    assert [m.attempt for m in record.minima] == [None, None, 1]
    assert record.visits[2] == 0
    assert record.connect_seconds == 20.0
    assert [one.is_degenerate for one in record.transition_states] == [False, True]
    assert record.transition_states[0].imaginary == 312.5


def test_later_rounds_of_the_search_follow_new_minima(tmp_path):
    with begin(tmp_path) as store:
        store.commit(make_round(0, 2))
        store.commit_connections(first_connect_round())
        store.commit(replace(make_round(1, 2), minima=(make_minimum(3, 1),), hops=()))
    assert [m.id for m in read_run(tmp_path).minima] == [0, 1, 2, 3]


def test_a_round_that_cannot_be_stored_leaves_nothing(tmp_path):
    one = first_connect_round()
    broken = replace(one, attempts=(*one.attempts, make_attempt(2, AttemptOutcome.FAILED, None)))  # the id is taken
    with begin(tmp_path) as store:
        store.commit(make_round(0, 2))
        with pytest.raises(sqlite3.IntegrityError):
            store.commit_connections(broken)
        with pytest.raises(ValueError, match="round must be 0"):
            store.commit_connections(replace(one, index=1))
    record = read_run(tmp_path)
    assert (len(record.minima), record.transition_states, record.saddle_attempts) == (2, (), ())


def test_run_of_schema_11_has_no_transition_states_and_accepts_new_ones(tmp_path):
    with begin(tmp_path) as store:
        store.commit(make_round(0, 2))
    as_of_schema(11, tmp_path / "run.sqlite")
    record = read_run(tmp_path)
    assert (record.transition_states, record.saddle_attempts) == ((), ())
    assert [m.attempt for m in record.minima] == [None, None]
    with Store.resume(tmp_path) as store:
        store.commit_connections(first_connect_round())
    assert len(read_run(tmp_path).transition_states) == 2
