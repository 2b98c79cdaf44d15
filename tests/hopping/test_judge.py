"""The verdict on a hop: each outcome from what was reached, and restarts where few have been."""

import numpy as np
import pytest

from explorer.config import HoppingSettings, IdentitySettings
from explorer.hopping.history import History
from explorer.hopping.judge import Course, Landing, judge, restart_point
from explorer.io.build import embed, from_sequence, to_rdkit
from explorer.records import Minimum, Outcome, StructureClass
from explorer.similarity.symmetry import from_molecule

MOLECULE = from_sequence("A")
SHAPES = embed(to_rdkit(MOLECULE), 6, seed=3)
SETTINGS = HoppingSettings()


def history_of(energies, visits, classes=None):
    classes = classes or [StructureClass.INTACT] * len(energies)
    minima = [
        Minimum(k, e, x, kind, 0.001, 0, 0)
        for k, (e, x, kind) in enumerate(zip(energies, SHAPES, classes, strict=False))
    ]
    return History(from_molecule(MOLECULE), IdentitySettings(), minima, dict(enumerate(visits)))


def landing(k, energy, failure="", kind=StructureClass.INTACT):
    return Landing(0, SHAPES[k], energy, 0.001, energy + 1, 90, failure, kind, "a bond broke" if failure == "" else "")


@pytest.mark.parametrize(
    ("ended", "outcome", "end", "accepted", "start", "reason"),
    [
        (landing(0, 0.0), Outcome.SAME, 0, False, 0, ""),
        (landing(1, 0.1), Outcome.KNOWN, 1, True, 1, ""),
        (landing(2, 0.2), Outcome.NEW, 2, True, 2, ""),
        (landing(2, 0.9), Outcome.NEW, 2, False, 0, ""),
        (landing(2, -0.5, kind=StructureClass.BOND_BROKEN), Outcome.CHANGED, 2, False, 0, "a bond broke"),
        (landing(2, -0.5, failure="too many steps"), Outcome.FAILED, None, False, 0, "too many steps"),
    ],
)
def test_each_landing_has_its_outcome(ended, outcome, end, accepted, start, reason):
    history = history_of([0.0, 0.1], [1, 1])
    course = Course(0, 500.0, 0.3, 4, 7)
    hop = judge(ended, course, history, SETTINGS, 1234, 9)
    assert (hop.outcome, hop.end, hop.accepted, hop.reason) == (outcome, end, accepted, reason)
    assert (hop.start, hop.index, hop.temperature, hop.ediff) == (0, 4, 500.0, 0.3)
    assert (course.start, course.hop, course.n_rounds) == (start, 5, 0)
    if outcome in (Outcome.NEW, Outcome.CHANGED):
        assert history[2].n_evaluations == 1234


def draws(history, n=3000):
    rng = np.random.default_rng(0)
    ids = [restart_point(history, 3, rng) for _ in range(n)]
    return np.bincount(ids, minlength=len(history)) / n


def test_restarts_avoid_what_was_visited_often_and_prefer_low_energies():
    kinds = [StructureClass.INTACT] * 4 + [StructureClass.FRAGMENTED]
    shares = draws(history_of([0.0, 0.1, 0.1, 0.3, -9.0], [20, 1, 2, 1, 1], kinds))
    weights = np.array([0, np.exp(-0.1 / 0.15), np.exp(-0.1 / 0.15) / 2, np.exp(-0.3 / 0.15), 0])
    np.testing.assert_allclose(shares, weights / weights.sum(), atol=0.03)


def test_where_all_were_visited_often_the_rarest_lead():
    shares = draws(history_of([0.0, 0.0], [40, 10]))
    np.testing.assert_allclose(shares, [0.2, 0.8], atol=0.03)
