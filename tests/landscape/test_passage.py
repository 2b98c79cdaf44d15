"""Passage times and committors against rational numbers, simulated trajectories and the published clusters."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse
from networks import exact_solution, random_network

from explorer.landscape import elimination
from explorer.landscape.passage import committors, mean_passage_time, passage_times, steady_state_rate
from explorer.landscape.rates import RateNetwork

# Networks of LJ7 and LJ8 with passage times by 120-digit arithmetic; beside the repository or where the variable says.
ROOT = Path(__file__).resolve().parents[2]
TRUTH = Path(os.environ.get("PES_EXPLORE_REFERENCE_DATA", ROOT.parent / "shared" / "data")) / "landscape"


@pytest.mark.parametrize("highest", [5.0, 20.0, 100.0])
def test_passage_times_are_exact_however_stiff(highest):
    network = random_network(12, 8, highest, seed=1)
    rates = network.rate_matrix()
    times, expected = passage_times(rates, np.array([0])).mean, exact_solution(rates, [0], np.ones(11))
    np.testing.assert_allclose(times, expected, rtol=1e-12)


def test_ordinary_solver_fails_where_elimination_does_not():
    """Otherwise the comparison above would prove nothing."""
    network = random_network(12, 8, 100.0, seed=1)
    rates = network.rate_matrix().toarray()
    matrix = (np.diag(rates.sum(axis=1)) - rates)[1:, 1:]
    expected = exact_solution(network.rate_matrix(), [0], np.ones(11))[1:]
    assert np.abs(np.linalg.solve(matrix, np.ones(11)) / expected - 1).max() > 1e-3


@pytest.mark.parametrize("highest", [20.0, 100.0])
def test_committors_are_exact_and_both_sides_add_up_to_one(highest):
    network = random_network(10, 8, highest, seed=3)
    rates = network.rate_matrix()
    sources, targets = np.array([0, 4]), np.array([7])
    free = [i for i in range(10) if i not in (0, 4, 7)]
    expected = exact_solution(rates, [0, 4, 7], rates.toarray()[free, 7])
    reached = committors(rates, sources, targets)
    np.testing.assert_allclose(reached[free], expected[free], rtol=1e-12)
    np.testing.assert_allclose(reached + committors(rates, targets, sources), 1.0, rtol=1e-12)
    assert reached[[0, 4, 7]].tolist() == [0, 0, 1]


@pytest.mark.parametrize(("n", "n_extra"), [(150, 11000), (150, 300), (400, 200)])
def test_sparse_dense_and_mixed_elimination_agree_with_a_direct_solution(n, n_extra):
    network = random_network(n, n_extra, 5.0, seed=n_extra)
    rates = network.rate_matrix()
    matrix = (np.diag(rates.sum(axis=1)) - rates.toarray())[1:, 1:]
    expected = np.linalg.solve(matrix, np.ones(n - 1))
    np.testing.assert_allclose(passage_times(rates, np.array([0])).mean[1:], expected, rtol=1e-10)


def test_wholly_dense_and_wholly_sparse_elimination_are_the_same(monkeypatch):
    network = random_network(90, 200, 100.0, seed=5)
    rates = network.rate_matrix()
    found = []
    for share in (0.0, 2.0):
        monkeypatch.setattr(elimination, "_DENSE_SHARE", share)
        found.append(passage_times(rates, np.array([0, 3])).mean)
    np.testing.assert_allclose(*found, rtol=1e-12)


def trajectory(rates: np.ndarray, start: int, targets: set[int], rng: np.random.Generator) -> tuple[float, int]:
    """Kinetic Monte Carlo: time until a target is reached, and which."""
    time, state = 0.0, start
    while state not in targets:
        total = rates[state].sum()
        time += rng.exponential(1 / total)
        state = int(rng.choice(len(rates), p=rates[state] / total))
    return time, state


def test_simulated_trajectories_have_these_moments_and_splitting_probabilities():
    network = random_network(5, 3, 3.0, seed=2)
    rates, rng = network.rate_matrix(), np.random.default_rng(0)
    times = passage_times(rates, np.array([0]))
    made = np.array([trajectory(rates.toarray(), 4, {0}, rng)[0] for _ in range(1500)])
    error = made.std() / np.sqrt(len(made))
    assert made.mean() == pytest.approx(times.mean[4], abs=4 * error)
    square_error = (made**2).std() / np.sqrt(len(made))
    assert (made**2).mean() == pytest.approx(times.mean_square[4], abs=4 * square_error)
    ended = [trajectory(rates.toarray(), 4, {0, 2}, rng)[1] for _ in range(1500)]
    probability = committors(rates, np.array([0]), np.array([2]))[4]
    spread = np.sqrt(probability * (1 - probability) / len(ended))
    assert np.mean(np.array(ended) == 2) == pytest.approx(probability, abs=4 * spread)


def test_rate_constants_of_two_sets_obey_detailed_balance():
    network = random_network(15, 15, 60.0, seed=4)
    rates, logs = network.rate_matrix(), network.log_populations()
    a, b = np.array([0, 1, 2]), np.array([9, 11])
    forward, backward = steady_state_rate(rates, logs, a, b), steady_state_rate(rates, logs, b, a)
    ratio = np.logaddexp.reduce(logs[b]) - np.logaddexp.reduce(logs[a])
    assert np.log(forward) - np.log(backward) == pytest.approx(ratio, abs=1e-12)


def test_two_minima_exchange_with_the_rate_constant_itself():
    network = random_network(2, 0, 100.0, seed=0)
    rates, logs = network.rate_matrix(), network.log_populations()
    a, b = np.array([0]), np.array([1])
    assert steady_state_rate(rates, logs, a, b) == pytest.approx(rates[0, 1], rel=1e-14)
    assert mean_passage_time(rates, logs, a, b) == pytest.approx(1 / rates[0, 1], rel=1e-14)
    assert passage_times(rates, b).mean_square[0] == pytest.approx(2 / rates[0, 1] ** 2, rel=1e-14)


def test_what_is_out_of_reach_takes_for_ever_and_has_no_committor():
    rates = scipy.sparse.csr_array(np.array([[0, 2.0, 0, 0], [1.0, 0, 0, 0], [0, 0, 0, 1.0], [0, 0, 1.0, 0]]))
    assert passage_times(rates, np.array([1])).mean.tolist() == [0.5, 0, np.inf, np.inf]
    assert np.isnan(committors(rates, np.array([0]), np.array([1]))[2:]).all()


def test_chain_of_one_way_steps_takes_the_sum_of_its_times():
    rates = scipy.sparse.csr_array(np.diag([4.0, 2.0, 1.0], k=1))
    assert passage_times(rates, np.array([3])).mean.tolist() == [1.75, 1.5, 1.0, 0.0]


@pytest.mark.parametrize("n_atoms", [7, 8])
def test_lennard_jones_clusters_have_the_times_of_120_digit_arithmetic(n_atoms):
    path = TRUTH / f"lj{n_atoms}_network.json"
    if not path.exists():
        pytest.skip("the reference data are not here")
    data = json.loads(path.read_text())
    for row in data["mean_first_passage_times"]:
        rates = cluster_network(data, row["temperature"]).rate_matrix()
        start, end = row["start"], row["end"]
        there = passage_times(rates, np.array([end])).mean[start]
        back = passage_times(rates, np.array([start])).mean[end]
        assert np.log(there) == pytest.approx(row["log_time"], abs=1e-10)
        assert np.log(back) == pytest.approx(row["log_time_back"], abs=1e-10)


def cluster_network(data: dict, temperature: float) -> RateNetwork:
    """Classical harmonic rates of a cluster of unit masses: G = E/T + ½ ln Π λ + ln of the order of the point group."""
    minima = [
        m["energy"] / temperature + m["log_product_eigenvalues"] / 2 + np.log(m["point_group_order"])
        for m in data["minima"]
    ]
    saddles = [s for s in data["saddles"] if s["ends"][0] != s["ends"][1]]
    heights = [
        s["energy"] / temperature + s["log_product_positive_eigenvalues"] / 2 + np.log(s["point_group_order"])
        for s in saddles
    ]
    return RateNetwork(
        ids=np.arange(len(minima)),
        free_energies=np.array(minima) - min(minima),
        saddle_ids=np.arange(len(saddles)),
        ends=np.array([s["ends"] for s in saddles]),
        saddle_free_energies=np.array(heights) - min(minima),
        log_prefactor=-np.log(2 * np.pi),
    )
