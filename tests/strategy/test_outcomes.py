"""Outcome of a hop from its final structure, reasons, and restarts from rarely visited minima."""

from dataclasses import replace

import numpy as np
import pytest

from explorer.config import HoppingSettings, IdentitySettings
from explorer.io.build import embed, from_sequence, to_rdkit
from explorer.records.hop import Outcome
from explorer.records.minimum import Minimum
from explorer.records.structure_class import StructureClass
from explorer.similarity.symmetry import symmetry_of
from explorer.strategy.history import History
from explorer.strategy.outcomes import HopEnd, WalkerState, conclude_hop, draw_low_minimum, reason_of
from explorer.topology.classify import Classification

MOLECULE = from_sequence("A")
SHAPES = embed(to_rdkit(MOLECULE), 6, seed=3)
SETTINGS = HoppingSettings()


def history_of(energies, visits):
    minima = [
        Minimum(
            id=k, energy=e, positions=x, structure_class=StructureClass.INTACT, fmax=0.001, n_evaluations=0, round=0
        )
        for k, (e, x) in enumerate(zip(energies, SHAPES, strict=False))
    ]
    return History(symmetry_of(MOLECULE), IdentitySettings(), minima, dict(enumerate(visits)))


INTACT = Classification(StructureClass.INTACT)
BROKEN = Classification(StructureClass.BOND_BROKEN, "bond C1-C2 broken", frozenset({StructureClass.BOND_BROKEN}))
TOUCHING = Classification(StructureClass.FRAGMENTED, "2 fragments", frozenset({StructureClass.FRAGMENTED}))
CIS = Classification(StructureClass.CIS_AMIDE, "C1-N2 cis (3 deg)", frozenset({StructureClass.CIS_AMIDE}))
MOVED = Classification(
    StructureClass.PROTON_TRANSFERRED,
    "H3 moved from N1 to O2; C4 inverted",
    frozenset({StructureClass.PROTON_TRANSFERRED, StructureClass.STEREO_INVERTED}),
)


def hop_end(k, energy, failure="", final=INTACT, escape=INTACT):
    return HopEnd(
        walker=0,
        positions=SHAPES[k],
        energy=energy,
        fmax=0.001,
        highest_energy=energy + 1,
        n_evaluations=90,
        failure=failure,
        escape_classification=escape,
        classification=final,
    )


@pytest.mark.parametrize(
    ("ended", "outcome", "end", "accepted", "start", "reason"),
    [
        (hop_end(0, 0.0), Outcome.SAME, 0, False, 0, ""),
        (hop_end(1, 0.1), Outcome.KNOWN, 1, True, 1, ""),
        (hop_end(2, 0.2), Outcome.NEW, 2, True, 2, ""),
        (hop_end(2, 0.9), Outcome.NEW, 2, False, 0, ""),
        (hop_end(2, 0.2, final=CIS), Outcome.CHANGED, 2, False, 0, "C1-N2 cis (3 deg)"),
        (hop_end(2, -0.5, final=BROKEN), Outcome.CHANGED, 2, False, 0, "bond C1-C2 broken (during the relaxation)"),
        (hop_end(2, -0.5, failure="too many steps"), Outcome.FAILED, None, False, 0, "too many steps"),
    ],
)
def test_each_end_of_a_hop_has_its_outcome(ended, outcome, end, accepted, start, reason):
    history = history_of([0.0, 0.1], [1, 1])
    walker_state = WalkerState(start=0, temperature=500.0, ediff=0.3, hop=4)
    hop = conclude_hop(ended, walker_state, history, SETTINGS, 1234, 9)
    assert (hop.outcome, hop.end, hop.accepted, hop.reason) == (outcome, end, accepted, reason)
    assert (hop.start, hop.index, hop.temperature, hop.ediff) == (0, 4, 500.0, 0.3)
    assert (walker_state.start, walker_state.hop) == (start, 5)
    if outcome in (Outcome.NEW, Outcome.CHANGED):
        assert history[2].n_evaluations == 1234


@pytest.mark.parametrize(
    ("allow", "final", "moves"),
    [
        ((), CIS, False),
        (("cis-amide",), CIS, True),
        (("cis-amide",), BROKEN, False),
        (("reaction",), BROKEN, True),
        (("reaction",), TOUCHING, True),
        (("reaction",), TOUCHING._replace(are_apart=True), False),
        (("proton-transfer",), MOVED, False),  # its stereocentre is not allowed
        (("proton-transfer", "stereo-inversion"), MOVED, True),
    ],
)
def test_walkers_move_only_if_every_change_is_allowed(allow, final, moves):
    history, walker_state = history_of([0.0], [1]), WalkerState(start=0, temperature=500.0, ediff=0.3, hop=0)
    hop = conclude_hop(
        hop_end(1, -0.1, final=final, escape=final), walker_state, history, HoppingSettings(allow=allow), 10, 1
    )
    assert (hop.outcome, hop.accepted, walker_state.start) == (
        (Outcome.NEW, True, 1) if moves else (Outcome.CHANGED, False, 0)
    )
    assert history[1].structure_class == final.structure_class


@pytest.mark.parametrize(
    ("ended", "start", "reason"),
    [
        (hop_end(1, 0, final=CIS, escape=CIS), INTACT, "C1-N2 cis (3 deg)"),
        (hop_end(1, 0, final=BROKEN, escape=BROKEN), INTACT, "bond C1-C2 broken (already during the escape)"),
        (hop_end(1, 0, final=BROKEN, escape=None), INTACT, "bond C1-C2 broken (during the relaxation)"),
        (hop_end(1, 0, final=BROKEN, escape=BROKEN), BROKEN, "bond C1-C2 broken"),
        (
            hop_end(1, 0, escape=BROKEN),
            INTACT,
            "changed during the escape (bond C1-C2 broken), restored by the relaxation",
        ),
        (hop_end(1, 0, escape=INTACT), BROKEN, "back to the given molecule (already during the escape)"),
        (hop_end(1, 0, escape=BROKEN), BROKEN, "back to the given molecule (during the relaxation)"),
        (
            hop_end(1, 0, "too many steps", final=BROKEN, escape=BROKEN),
            INTACT,
            "too many steps (bond-broken: bond C1-C2 broken); changed already during the escape: bond C1-C2 broken",
        ),
        (hop_end(1, 0, "the dynamics exploded", escape=None), INTACT, "the dynamics exploded"),
    ],
)
def test_the_reason_states_when_the_molecule_changed(ended, start, reason):
    assert reason_of(ended, start.structure_class) == reason


def test_restarts_prefer_low_and_rarely_visited_minima():
    rng, n = np.random.default_rng(0), 3000
    drawn = [draw_low_minimum(np.array([0.0, 0.1, 0.1, 0.3]), np.array([20, 1, 2, 1]), 0.15, rng) for _ in range(n)]
    weights = np.array([1 / 20, np.exp(-0.1 / 0.15), np.exp(-0.1 / 0.15) / 2, np.exp(-0.3 / 0.15)])
    np.testing.assert_allclose(np.bincount(drawn, minlength=4) / n, weights / weights.sum(), atol=0.03)


def test_an_unknown_minimum_is_stored_with_its_reason_and_the_walker_goes_back():
    history, walker_state = history_of([0.0], [1]), WalkerState(start=0, temperature=500.0, ediff=0.3, hop=0)
    hole = replace(hop_end(1, -5.0), exclusion="energy 92 kcal/mol too low")
    hop = conclude_hop(hole, walker_state, history, SETTINGS, 10, 1)
    assert (hop.outcome, hop.end, hop.accepted) == (Outcome.TOO_UNCERTAIN, 1, False)
    assert hop.reason == history[1].exclusion == "energy 92 kcal/mol too low"
    assert walker_state.start == 0
    again = conclude_hop(replace(hole, known_id=1, exclusion=""), walker_state, history, SETTINGS, 10, 2)
    assert (again.outcome, again.reason) == (Outcome.TOO_UNCERTAIN, hop.reason)  # as it was judged at first
