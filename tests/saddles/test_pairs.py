"""Which attempts are chosen: missing links along short steps, three tries, and the questions after them."""

from dataclasses import replace

import numpy as np
import pytest

from explorer.io.build import from_sequence
from explorer.records.minimum import Minimum
from explorer.records.run import RunRecord
from explorer.records.structure_class import StructureClass
from explorer.records.transition_states import (
    AttemptKind,
    AttemptOutcome,
    PairReason,
    SaddleAttempt,
    TransitionState,
    TransitionStateEnd,
)
from explorer.saddles.pairs import QUIET_ATTEMPTS, AttemptChooser, Plan

LINE = np.abs(np.subtract.outer(np.arange(4.0), np.arange(4.0)))  # minima 0 to 3 at equal steps


def make_run(edges=(), tries=()):
    molecule = from_sequence("G")
    minima = tuple(
        Minimum(
            id=k,
            energy=0.1 * k,
            positions=molecule.positions,
            structure_class=StructureClass.INTACT,
            fmax=0.0,
            n_evaluations=0,
            round=0,
        )
        for k in range(4)
    )
    states = tuple(
        TransitionState(
            id=k,
            energy=height,
            positions=molecule.positions,
            fmax=0.0,
            direction=molecule.positions,
            wavenumbers=np.array([-50.0, 20.0]),
            structure_class=StructureClass.INTACT,
            ends=(TransitionStateEnd(minimum=a), TransitionStateEnd(minimum=b)),
            n_evaluations=0,
            round=0,
        )
        for k, (a, b, height) in enumerate(edges)
    )
    attempts = tuple(
        SaddleAttempt(
            id=k,
            round=0,
            kind=AttemptKind.PAIR,
            reason_for=PairReason.MISSING,
            start=a,
            end=b,
            try_number=0,
            outcome=AttemptOutcome.FAILED,
            reason="no",
            saddle=None,
            n_evaluations=50,
        )
        for k, (a, b) in enumerate(tries)
    )
    return RunRecord(
        molecule=molecule,
        config={},
        provenance={},
        minima=minima,
        hops=(),
        rounds=(),
        transition_states=states,
        saddle_attempts=attempts,
    )


def choose(run, n=20, distances=LINE, pairs_only=None):
    return AttemptChooser(run, range(4), distances, AttemptKind.TORSION, 2, pairs_only).choose(n)


def missing(plans):
    return {(p.start, p.end) for p in plans if p.reason_for == PairReason.MISSING}


def test_missing_links_are_chains_of_short_steps():
    assert missing(choose(make_run())) == {(1, 0), (2, 1), (3, 2)}


def test_links_that_exist_are_not_asked_for():
    assert missing(choose(make_run([(0, 1, 0.5), (1, 2, 0.6)]))) == {(3, 2)}


def test_a_pair_is_left_after_three_tries():
    assert missing(choose(make_run(tries=[(1, 0)] * 2))) == {(1, 0), (2, 1), (3, 2)}
    # the step from 1 to 0 is closed, so that the way leads past it
    assert missing(choose(make_run(tries=[(1, 0)] * 3))) == {(1, 2), (2, 0), (3, 2)}


def test_try_numbers_go_on():
    (plan,) = [p for p in choose(make_run(tries=[(0, 1)])) if {p.start, p.end} == {0, 1}]
    assert plan.try_number == 1


def test_connected_minima_are_searched_further_and_nothing_twice():
    run = make_run([(0, 1, 0.5), (1, 2, 0.6), (2, 3, 2.0)])
    plans = choose(run, 100)
    assert {p.reason_for for p in plans} == {PairReason.LOWER, PairReason.UNSEEN, PairReason.NEIGHBOUR}
    keys = [(p.kind, frozenset((p.start, p.end)), p.try_number) for p in plans]
    assert len(set(keys)) == len(keys)
    # minimum 3 is held by the highest barrier, and its nearest minimum beyond that is 2
    assert (3, 2) in [(p.start, p.end) for p in plans if p.reason_for == PairReason.LOWER]


def test_requested_pair_is_the_only_one():
    assert {(p.start, p.end) for p in choose(make_run(), pairs_only=[(2, 0)])} == {(2, 1)}
    assert choose(make_run([(0, 1, 0.5), (1, 2, 0.6)]), pairs_only=[(2, 0)]) == []


@pytest.mark.parametrize("n", [1, 3, 5])
def test_no_more_attempts_than_wanted(n):
    assert len(choose(make_run(), n)) == n


def test_all_near_minima_are_tried_and_those_that_a_saddle_joins_only_once():
    edges = [(0, 1, 0.5), (1, 2, 0.6), (2, 3, 2.0)]
    plans = choose(make_run(edges), 100)
    assert {frozenset((p.start, p.end)) for p in plans if p.reason_for == PairReason.NEIGHBOUR} | {
        frozenset((p.start, p.end)) for p in plans if p.reason_for == PairReason.LOWER
    } == {frozenset(pair) for pair in [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)]}
    after = choose(make_run(edges, tries=[(0, 1), (0, 2)]), 100)
    again = {frozenset((p.start, p.end)) for p in after if p.reason_for == PairReason.NEIGHBOUR}
    assert frozenset((0, 2)) in again
    assert frozenset((0, 1)) not in again


def random_attempts(met):
    """Two attempts along soft modes and random ones from minimum 0, which met these saddles; None for no saddle."""
    return tuple(
        SaddleAttempt(
            id=k,
            round=0,
            kind=AttemptKind.MODE,
            reason_for=PairReason.UNSEEN,
            start=0,
            end=None,
            try_number=k,
            outcome=AttemptOutcome.FAILED if saddle is None else AttemptOutcome.KNOWN,
            reason="",
            saddle=saddle,
            n_evaluations=100,
        )
        for k, saddle in enumerate([None, None, *met])
    )


@pytest.mark.parametrize(
    ("met", "n_left"),
    [
        ([], QUIET_ATTEMPTS),
        ([None] * 10, QUIET_ATTEMPTS - 10),
        ([None] * 10 + [7], QUIET_ATTEMPTS),
        ([7] * 3 + [None] * 10, QUIET_ATTEMPTS - 10),
        ([7] * 13, QUIET_ATTEMPTS - 10),
        ([7] * 13 + [8], QUIET_ATTEMPTS),
        ([None] * (QUIET_ATTEMPTS + 5), 0),
    ],
)
def test_random_attempts_on_a_cluster_end_when_saddles_that_few_have_met_are_no_longer_met(met, n_left):
    run = replace(make_run(), saddle_attempts=random_attempts(met))
    chooser = AttemptChooser(run, [0], np.zeros((1, 1)), AttemptKind.MODE, 2)
    plans = [p for p in chooser.choose(10_000) if p.try_number >= 2]
    assert len(plans) == n_left
    assert {p.try_number for p in plans}.isdisjoint(a.try_number for a in run.saddle_attempts)


def test_turns_of_methyl_groups_take_half_of_what_missing_links_leave():
    rotors = [Plan(AttemptKind.ROTOR, PairReason.ROTOR, m, None, k) for m in range(4) for k in range(3)]
    chooser = AttemptChooser(make_run(), range(4), LINE, AttemptKind.TORSION, 2, rotors=rotors)
    plans = chooser.choose(9)
    assert len(missing(plans)) == 3
    assert [p for p in plans if p.reason_for == PairReason.ROTOR] == rotors[:3]
    assert len(plans) == 9
