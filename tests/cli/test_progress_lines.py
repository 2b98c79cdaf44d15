"""Progress lines without a terminal."""

import itertools
from types import SimpleNamespace

import pytest

from cli import progress


def test_the_clock_restarts_with_other_items(monkeypatch, capsys):
    seconds = itertools.chain([0.0], itertools.count(100.0, 100.0))
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(seconds))
    with progress.staged_progress() as update:
        update("force calls", 1000, 1000)
        update("conformers relaxed", 10, 10)
    first, second = capsys.readouterr().err.splitlines()
    assert "1000 of 1000 force calls" in first
    assert "10 of 10 conformers relaxed, 0.1/s" in second  # 100 seconds since they are counted


def test_progress_of_a_training_is_shown_within_an_epoch():
    pace = {"phase": "level", "seconds": 30.0, "frames_per_second": 70.0, "peak_share": 0.2}
    within = progress.describe_epoch({"epoch": 1, "share": 0.25, **pace}, 4)
    assert within == "25 % of epoch 2 of 4 (level), 70 frames/s (20 % of the peak), ETA 0:05:30"
    errors = {"validation_forces": 0.04, "validation_torques": 0.06, "validation_energy": 0.001}
    after = progress.describe_epoch({"epoch": 1, **pace, **errors}, 4)
    assert "validation 40.0 meV/Å, 60.0 meV/rad, 1.00 meV/atom, ETA 0:01:00" in after
    later = progress.describe_epoch({"epoch": 2, "share": 0.5, **pace, **errors}, 4)
    assert later.startswith("50 % of epoch 3 of 4")
    assert "validation 40.0 meV/Å" in later  # stays in sight


def test_a_training_that_is_limited_by_time_shows_the_rest_of_its_time(capsys):
    pace = {"phase": "level", "seconds": 300.0, "frames_per_second": 70.0, "peak_share": 0.2}
    with progress.epoch_progress(400) as show:
        show({"epoch": 0, **pace, "seconds_left": 900.0, "time_share": 0.25})
    assert capsys.readouterr().err.strip() == ("25 %  epoch 1 (level), 70 frames/s (20 % of the peak), ETA 0:15:00")


def test_a_search_that_meets_holes_says_so_once(capsys):
    def state(n_unknown, share):
        return SimpleNamespace(
            n_minima=20, n_conformers=20 - n_unknown, n_flipped=3, lowest_energy=-12.34567, n_unknown=n_unknown,
            unknown_share=share, n_evaluations=900, wall_seconds=9.0, fraction=0.5,
        )  # fmt: skip

    with progress.search_progress() as update:
        for one in (state(0, 0.0), state(4, 0.5), state(9, 0.04), state(9, 0.12), state(9, 0.2)):
            update(one)
    said = capsys.readouterr().err
    assert "17 conformers, lowest -12.346 eV, 100/s, ETA 0:00:09" in said
    assert said.count("structures that the model does not know: 9 minima, 12 % of the force calls") == 1
    assert "pes-explore learn RUN" in said


@pytest.mark.parametrize("unknown", [0, 3, 12345])
@pytest.mark.parametrize("energy", [-0.1, -76123.4567])
@pytest.mark.parametrize("calls", [5, 9_999_999])
def test_a_line_of_a_search_fits_into_70_columns(capsys, unknown, energy, calls):
    state = SimpleNamespace(
        n_conformers=99_999, n_flipped=99, lowest_energy=energy, n_unknown=unknown, unknown_share=0.0,
        n_evaluations=calls, wall_seconds=999.0, fraction=0.5,
    )  # fmt: skip
    with progress.search_progress() as update:
        update(state)
    (line,) = capsys.readouterr().err.splitlines()
    assert len(line) <= 70
    assert f"lowest {energy:.3f} eV" in line
    assert f"{calls / 999:.0f}/s" in line
    assert "ETA 0:16:39" in line
