"""What a user without a terminal reads while long work goes on."""

import itertools

from cli import progress


def test_the_clock_starts_anew_with_what_is_counted(monkeypatch, capsys):
    seconds = itertools.chain([0.0], itertools.count(100.0, 100.0))
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(seconds))
    with progress.staged_progress() as update:
        update("force calls", 1000, 1000)
        update("conformers relaxed", 10, 10)
    first, second = capsys.readouterr().err.splitlines()
    assert "1000 of 1000 force calls" in first
    assert "10 of 10 conformers relaxed, 0.1/s" in second  # 100 seconds since they are counted
