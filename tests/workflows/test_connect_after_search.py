"""A search of a cluster whose minima are connected in what it leaves of its limits, and what a resumed run does."""

from dataclasses import replace

import pytest

from explorer.bench.systems import random_cluster
from explorer.config import BudgetSettings, HoppingSettings, Settings
from explorer.potential import load
from explorer.store.read import read_run
from explorer.workflows.connect import connect_after_search
from explorer.workflows.run import resume_run, start_run
from explorer.workflows.session import Session

LIMITS = BudgetSettings(evaluations=1200, minutes=0, connect=True)
SETTINGS = Settings(
    potential="lennard-jones", precision="float64", hopping=HoppingSettings(n_walkers=2), budget=LIMITS, seed=1
)


def force_calls(record) -> tuple[int, int]:
    """Those of the search and those of the attempts."""
    return record.rounds[-1].n_evaluations, sum(a.n_evaluations for a in record.saddle_attempts)


def test_minima_are_connected_in_what_is_left_and_a_resumed_run_goes_on(tmp_path, monkeypatch):
    loaded, load_potential = [], load.load_potential
    monkeypatch.setattr(load, "load_potential", lambda *a, **k: loaded.append(0) or load_potential(*a, **k))
    with start_run(random_cluster(5, 0), SETTINGS, tmp_path, lambda progress: None, lambda: False) as session:
        assert session.record.finished == "600 of 1200 force calls used", "not the half as if it were the limit"
        assert connect_after_search(session, LIMITS) == "1200 force calls used"
        assert len(loaded) == 1
        search, connection = force_calls(session.record)
        assert 600 <= search < 800, "half of the limit"
        largest = max(a.n_evaluations for a in session.record.saddle_attempts)
        assert 1200 <= search + connection <= 1200 + largest
        assert connect_after_search(session, LIMITS) == "1200 force calls used"
        assert force_calls(session.record) == (search, connection), "nothing was left"
    stored = read_run(tmp_path)
    assert stored.finished == "search: 600 of 1200 force calls used; transition states: 1200 force calls used"
    assert force_calls(stored) == (search, connection)
    assert stored.config["budget"]["connect"] is True

    larger = replace(LIMITS, evaluations=2400)
    with Session.open(tmp_path, writing=True) as session:
        resume_run(session, lambda progress: None, lambda: False, larger)
        assert force_calls(session.record)[0] >= 1200
        connect_after_search(session, larger)
        assert sum(force_calls(session.record)) >= 2400
        assert (
            session.record.finished == "search: 1200 of 2400 force calls used; transition states: 2400 force calls used"
        )
    assert read_run(tmp_path).saddle_attempts[: len(stored.saddle_attempts)] == stored.saddle_attempts


def test_time_of_the_search_and_of_earlier_attempts_counts(tmp_path):
    settings = replace(SETTINGS, budget=BudgetSettings(hops=4, minutes=1))
    with start_run(random_cluster(5, 0), settings, tmp_path, lambda progress: None, lambda: False) as session:
        session.update(connect_seconds=60.0)
        assert connect_after_search(session, settings.budget) == "1 minute used"
        assert session.record.finished == "search: 4 hops done; transition states: 1 minute used"
        assert not session.record.saddle_attempts


@pytest.mark.parametrize(("given", "expected"), [(LIMITS, (600, 0)), (BudgetSettings(connect=True), (0, 2.5))])
def test_search_uses_half_of_the_limits(given, expected):
    assert (given.of_search.evaluations, given.of_search.minutes) == expected
    assert replace(given, connect=False).of_search == replace(given, connect=False)
