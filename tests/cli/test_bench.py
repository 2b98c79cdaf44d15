"""Benchmarks are started with numbers that make sense and write what they print."""

import json

import pytest

from explorer.bench import potential
from explorer.bench.potential import Timing


@pytest.fixture
def measured(monkeypatch):
    """What a bench was asked for; nothing is timed."""
    asked = {}

    def measure(model, sizes, batches, report):
        asked.update(model=model, sizes=sizes, batches=batches)
        rows = [Timing(n, 9, b, exact, 0.5, 0.25) for n in sizes for exact in (True, False) for b in batches]
        for row in rows:
            report(row)
        return {"model": model, "rows": [r._asdict() for r in rows], "straightforward": {"ratio_median": 4.21}}

    monkeypatch.setattr(potential, "measure", measure)
    return asked


def test_help_names_units_and_has_an_example(pes_explore):
    code, out, _ = pes_explore("bench", "potential", "--help")
    assert code == 0
    assert "ms per structure" in out
    assert "Example: pes-explore bench potential" in out


def test_table_ratio_and_files(pes_explore, measured, tmp_path):
    code, out, err = pes_explore(
        "bench", "potential", "default", "--out", str(tmp_path), "--atoms", "22,42", "--batch", "1, 8"
    )
    assert code == 0
    assert measured == {"model": "default", "sizes": (22, 42), "batches": (1, 8)}
    assert "4.2 times faster" in out
    assert out.count("25 %") == err.count("25 %") == 8
    assert len(json.loads((tmp_path / "potential.json").read_text())["rows"]) == 8
    assert (tmp_path / "potential.svg").is_file()


def test_files_are_not_overwritten_unasked(pes_explore, measured, tmp_path):
    (tmp_path / "potential.json").write_text("mine")
    code, _, err = pes_explore("bench", "potential", "--out", str(tmp_path))
    assert code == 1
    assert "would be overwritten" in err
    assert not measured


@pytest.mark.parametrize("text", ["22,", "a", "0", "-3", "2.5"])
def test_numbers_must_be_whole_and_positive(pes_explore, measured, tmp_path, text):
    code, _, err = pes_explore("bench", "potential", "--out", str(tmp_path), f"--atoms={text}")
    assert code == 2
    assert "whole numbers" in err
    assert not measured
