"""Table of moves in the report."""

from dataclasses import replace

import pytest
from hops import make_hop

from explorer.records.hop import Outcome
from explorer.records.moves import Move
from explorer.report.hop_tables import moves


def hop(move, outcome, n):
    return make_hop(move=move, outcome=outcome, start=0, end=1, n_evaluations=n)


def test_each_move_has_hops_new_minima_and_costs():
    hops = [
        hop(Move.HOPPING, Outcome.NEW, 100),
        hop(Move.HOPPING, Outcome.SAME, 80),
        hop(Move.TORSION, Outcome.KNOWN, 30),
    ]
    relaxed_input = replace(hops[0], start=-1)
    table = moves([relaxed_input, *hops])
    assert [row.cells for row in table.rows] == [
        ("hopping", "2", "1", "180", "90", "180"),
        ("torsion", "1", "0", "30", "30", ""),
    ]


@pytest.mark.parametrize("n", [1, 2500])
def test_costs_per_new_minimum_include_all_force_calls_of_the_move(n):
    (row,) = moves([hop(Move.CROSSOVER, Outcome.NEW, n), hop(Move.CROSSOVER, Outcome.KNOWN, n)]).rows
    assert row.cells[-1] == f"{2 * n:,}"
