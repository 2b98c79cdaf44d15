"""Report of active learning: content of its tables and figures, and no network access."""

import json
import re

import pytest

from explorer.report.learning import MAX_LEVEL_ENERGY, learning_table, levels_panel, listed_rounds, write_learning_page
from explorer.units import KCAL_PER_MOL

BEFORE = {"n": 12, "n_failed": 0, "n_stayed": 3, "force_error": 210.04, "rmsd": 0.5, "energy_error": 2.0}
AFTER = {"n": 12, "n_failed": 1, "n_stayed": 10, "force_error": 52.5, "rmsd": 0.125, "energy_error": None}


def change(id, fate, before, after, into=None, found=None):
    return {
        "id": id,
        "fate": fate,
        "rmsd": 0.4,
        "before": before * KCAL_PER_MOL,
        "into": into,
        "found": found,
        "after": None if after is None else after * KCAL_PER_MOL,
    }


LANDSCAPE = {
    "n_stayed": 1, "n_moved": 1, "n_vanished": 1, "n_lost": 1, "n_appeared": 1, "n_not_found_again": 1,
    "lowest_change": -0.5 * KCAL_PER_MOL, "appeared": [2], "appeared_energies": [3 * KCAL_PER_MOL],
    "changes": [
        change(0, "stayed", 0, 0, found=0), change(3, "lost", 5, None), change(1, "vanished", 4, 1, into=2, found=1),
        change(2, "moved", 2, 1),
    ],
}  # fmt: skip
ROUNDS = [
    {"round": 0, "n_conformers": 4, "minima": [[k, k * KCAL_PER_MOL] for k in range(4)], "check": BEFORE},
    {
        "round": 1,
        "n_conformers": 3,
        "minima": [[k, k * KCAL_PER_MOL] for k in range(3)],
        "check": AFTER,
        "labels": {"n_frames": 300},
        "landscape": LANDSCAPE,
    },
]


def test_table_has_a_row_per_round():
    assert learning_table(ROUNDS) == [
        ("0", "–", "210.0", "3 of 12", "0.500", "2.00", "4", "–", "–"),
        ("1", "300", "52.5", "10 of 12", "0.125", "–", "3", "-0.50", "1 / 1 / 1 / 1"),
    ]


def test_rounding_errors_of_an_unchanged_lowest_energy_have_no_sign():
    unchanged = {**ROUNDS[1], "landscape": {**LANDSCAPE, "lowest_change": -3e-10}}
    assert learning_table([unchanged])[0][7] == "+0.00"


def test_changed_conformers_are_listed_by_energy():
    assert listed_rounds(LANDSCAPE) == [
        ("2", "moved", "0.40", "2.00", "1.00", "–"),
        ("1", "vanished into 2", "0.40", "4.00", "1.00", "1"),
        ("3", "lost", "0.40", "5.00", "–", "–"),
    ]


def test_levels_are_connected_to_those_of_the_next_round():
    figure = levels_panel(ROUNDS).figure
    traces = {trace["name"]: trace for trace in figure["data"]}
    assert traces["appeared"]["x"] == [1.0]
    assert traces["appeared"]["y"] == pytest.approx([3.0])
    assert traces["not found again"]["customdata"] == [2]
    assert sorted(traces["vanished or lost"]["customdata"]) == [1, 3]
    assert traces["vanished"]["y"][:2] == pytest.approx([4.0, 1.0])
    assert len(traces["minima of the run"]["x"]) == 7
    assert figure["layout"]["yaxis"]["range"][1] <= MAX_LEVEL_ENERGY + 0.5


def test_page_is_self_contained(tmp_path):
    values = {"molecule": "ac-<x>-nhme", "reference": "gfn2", "held_out": 12, "rounds": ROUNDS}
    text = write_learning_page(values, tmp_path / "learn.html").read_text()
    assert "ac-&lt;x&gt;-nhme" in text
    assert not re.search(r"<(script|link|img)[^>]+(src|href)=\"http", text)
    figures = json.loads(re.search(r'id="figures">(.*?)</script>', text, re.DOTALL).group(1))
    assert set(figures) == {"errors", "levels"}
    assert figures["errors"]["data"][0]["y"] == pytest.approx([100, 25], abs=0.1)
    assert 'data-figure="levels"' in text
