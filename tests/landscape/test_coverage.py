"""Richness and coverage estimates against simulated visits of a known number of minima."""

import numpy as np
import pytest
from hops import make_hop

from explorer.landscape.coverage import MIN_OBSERVATIONS_TO_STOP, VisitCounts, chao1, coverage_of, good_turing_coverage
from explorer.records.hop import Hop, Outcome
from explorer.records.minimum import Minimum
from explorer.records.structure_class import StructureClass

N_RUNS = 300


def basins(rng: np.random.Generator, n_minima: int, spread: float) -> np.ndarray:
    """Probabilities of minima that differ by a factor of exp(spread) (one standard deviation)."""
    weights = np.exp(spread * rng.normal(size=n_minima))
    return weights / weights.sum()


def hop(start: int, end: int | None, outcome: Outcome) -> Hop:
    return make_hop(start=start, end=end, outcome=outcome)


def minimum(id: int, energy: float) -> Minimum:
    return Minimum(
        id=id,
        energy=energy,
        positions=np.zeros((1, 3)),
        structure_class=StructureClass.INTACT,
        fmax=0.0,
        n_evaluations=1,
        round=0,
    )


def test_chao1_of_a_hand_made_count():
    # 4 seen once, 2 twice, 1 five times: 7 + 4² / (2 * 2); the ratio f1 / f2 is 2, so the variance is 2 (4 + 8 + 2)
    estimate, lower, upper = chao1([1, 1, 1, 1, 2, 2, 5, 0])
    factor = np.exp(1.959964 * np.sqrt(np.log(1 + 28 / 4**2)))
    assert estimate == pytest.approx(11)
    assert (lower, upper) == (7, pytest.approx(7 + 4 * factor))


def test_minima_visited_often_leave_little_to_find():
    estimate, lower, upper = chao1([50, 60, 70])
    assert (estimate, lower) == (3, 3)
    assert upper == pytest.approx(3, abs=1e-6)
    # nothing was seen once in 180 visits; exp(-180 p) = 0.025 for what is missed with probability p
    assert good_turing_coverage([50, 60, 70]) == (1, pytest.approx(1 - 3.6889 / 180, abs=1e-5), 1)
    assert chao1([]) == (0, 0, 0)
    assert good_turing_coverage([]) == (0, 0, 1)


def test_interval_holds_the_true_number_of_equally_likely_minima_in_nine_of_ten_runs():
    rng = np.random.default_rng(0)
    n_minima, held, estimates = 200, 0, []
    for _ in range(200):
        visits = np.bincount(rng.integers(n_minima, size=250), minlength=n_minima)
        estimate, lower, upper = chao1(visits.tolist())
        held += lower <= n_minima <= upper
        estimates.append(estimate)
    assert held >= 180
    assert np.mean(estimates) == pytest.approx(n_minima, rel=0.05)


@pytest.mark.parametrize("n_minima", [50, 300])
def test_interval_holds_the_true_number_where_minima_differ_by_two_thirds(n_minima):
    rng = np.random.default_rng(3)
    held = 0
    for _ in range(N_RUNS):
        _, lower, upper = chao1(rng.multinomial(2 * n_minima, basins(rng, n_minima, 0.5)).tolist())
        held += lower <= n_minima <= upper
    assert held / N_RUNS > 0.86


@pytest.mark.parametrize("n_visits", [20, 40])
def test_upper_end_holds_the_true_number_where_nothing_more_is_expected(n_visits):
    rng = np.random.default_rng(4)
    below = closed = 0
    for _ in range(1000):
        visits = rng.multinomial(n_visits, np.full(8, 1 / 8))
        if np.sum(visits == 1) <= 1:
            closed += 1
            below += chao1(visits.tolist()).upper < 8 - 0.5  # minima come in whole numbers
    assert closed > 100
    assert below / closed < 0.08


# visits of LJ8 in 100 searches: its minima differ eightfold in how easily they are found
VISITS_OF_LJ8 = [325, 247, 92, 110, 78, 42, 49, 58]


@pytest.mark.parametrize("n_visits", [50, 100, 400, 800])
def test_interval_holds_the_number_of_minima_of_a_cluster_in_nine_of_ten_searches(n_visits):
    rng, hits = np.random.default_rng(7), np.array(VISITS_OF_LJ8)
    intervals = [chao1(rng.multinomial(n_visits, hits / hits.sum()).tolist()) for _ in range(N_RUNS)]
    assert sum(lower <= len(hits) <= upper for _, lower, upper in intervals) >= 0.9 * N_RUNS


@pytest.mark.parametrize("n_minima", [5, 20])
def test_interval_closes_when_all_minima_were_visited_often(n_minima):
    assert chao1([13] * n_minima) == (n_minima, n_minima, n_minima)
    assert chao1([13] * (n_minima - 1) + [2]).upper > n_minima


def test_chao1_is_between_the_known_and_the_true_number_when_minima_differ_in_size():
    rng = np.random.default_rng(1)
    visits = rng.multinomial(600, rng.dirichlet(np.full(300, 0.5)))
    estimate = chao1(visits.tolist()).estimate
    assert np.sum(visits > 0) < estimate < 300


@pytest.mark.parametrize("spread", [0.0, 0.7, 1.5])
@pytest.mark.parametrize(("n_minima", "n_visits"), [(8, 40), (50, 100), (300, 600)])
def test_good_turing_interval_holds_the_probability_of_the_known_minima(n_minima, n_visits, spread):
    rng = np.random.default_rng(2)
    held, errors = 0, []
    for _ in range(N_RUNS):
        likely = basins(rng, n_minima, spread)
        visits = rng.multinomial(n_visits, likely)
        truth = likely[visits > 0].sum()
        estimate, lower, upper = good_turing_coverage(visits.tolist())
        held += lower <= truth <= upper + 1e-12
        errors.append(estimate - truth)
    assert 0.91 < held / N_RUNS < 0.99
    assert np.mean(errors) == pytest.approx(0, abs=0.015)


@pytest.mark.parametrize(("n_minima", "spread", "rate"), [(8, 0.0, 0.95), (50, 0.5, 0.95), (50, 1.0, 0.8)])
def test_a_search_that_stops_at_a_share_has_mostly_found_it(n_minima, spread, rate):
    rng = np.random.default_rng(5)
    kept = 0
    for _ in range(100):
        likely, visits = basins(rng, n_minima, spread), np.zeros(n_minima, dtype=int)
        while not coverage_of(np.zeros(n_minima), visits, 0.0).reaches(0.9):
            visits += rng.multinomial(10, likely)
        kept += np.mean(visits > 0) >= 0.9
    assert kept >= 100 * rate


def test_window_is_relative_to_the_lowest_visited_minimum():
    energies, counts = np.array([-1.0, -0.95, -0.5, -9.0]), np.array([3, 1, 1, 0])
    near = coverage_of(energies, counts, 0.1)
    assert (near.n_seen, near.n_observations) == (2, 4)
    whole = coverage_of(energies, counts, 0.0)
    assert (whole.n_seen, whole.n_observations) == (3, 5)


def test_coverage_is_unknown_below_ten_observations():
    assert coverage_of(np.zeros(2), np.array([5, 4]), 0.0).text == "unknown"
    assert coverage_of(np.zeros(2), np.array([5, 5]), 0.0).text.startswith("1.00 (")


def test_returns_changes_and_failures_are_not_observations():
    hops = [
        hop(-1, 0, Outcome.NEW),
        hop(0, 1, Outcome.NEW),
        hop(1, 1, Outcome.SAME),
        hop(1, 0, Outcome.KNOWN),
        hop(0, 2, Outcome.CHANGED),
        hop(0, None, Outcome.FAILED),
    ]
    visit_counts = VisitCounts([minimum(k, 0.1 * k) for k in range(3)], hops)
    whole = visit_counts.coverage(0.0)
    assert (whole.n_seen, whole.n_observations) == (2, 3)
    assert whole.next_known.estimate == pytest.approx(1 - 1 / 3)


def test_visits_added_by_rounds_equal_those_of_the_whole_run():
    rng = np.random.default_rng(6)
    minima = [minimum(k, float(rng.random())) for k in range(12)]
    hops = [hop(0, int(rng.integers(4 * (k // 20 + 1))), Outcome.KNOWN) for k in range(60)]
    updated = VisitCounts()
    for k in range(3):
        updated.add(minima[4 * k : 4 * k + 4], hops[20 * k : 20 * k + 20])
    for window in (0.0, 0.3):
        assert updated.coverage(window) == VisitCounts(minima, hops).coverage(window)


def test_no_search_ends_before_fifty_observations():
    assert not coverage_of(np.zeros(1), np.array([MIN_OBSERVATIONS_TO_STOP - 1]), 0.0).reaches(0.5)
    assert coverage_of(np.zeros(1), np.array([MIN_OBSERVATIONS_TO_STOP]), 0.0).reaches(0.5)
    assert not coverage_of(np.zeros(1), np.array([MIN_OBSERVATIONS_TO_STOP]), 0.0).reaches(0.95)  # 1 - 3.69 / 50
    assert coverage_of(np.zeros(1), np.array([2 * MIN_OBSERVATIONS_TO_STOP]), 0.0).reaches(0.95)
