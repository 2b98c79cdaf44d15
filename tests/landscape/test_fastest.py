"""Fastest paths against the enumeration of all simple paths."""

from itertools import pairwise

import networkx as nx
import numpy as np
import pytest
from networks import random_network

from explorer.landscape.fastest import fastest_paths
from explorer.landscape.rates import RateNetwork


def enumerated(network: RateNetwork, starts: list[int], ends: list[int]) -> list[tuple[float, tuple[int, ...]]]:
    """ln of the probability of all simple paths that leave the starts at once, most probable first."""
    rates, populations = network.rate_matrix().toarray(), np.exp(network.log_populations())
    branching = rates / rates.sum(axis=1, keepdims=True)
    graph = nx.DiGraph(np.argwhere(rates > 0).tolist())
    found = []
    for a in starts:
        for b in ends:
            for path in nx.all_simple_paths(graph, a, b):
                if not (set(path[1:]) & set(starts) or set(path[:-1]) & set(ends)):
                    weight = populations[a] / populations[starts].sum()
                    weight *= np.prod([branching[i, j] for i, j in pairwise(path)])
                    found.append((float(np.log(weight)), tuple(network.ids[path].tolist())))
    return sorted(found, reverse=True)


@pytest.mark.parametrize(("starts", "ends"), [([0], [6]), ([0, 2], [5, 6])])
def test_paths_are_those_of_highest_probability_in_order(starts, ends):
    network = random_network(8, 8, 20.0, seed=7)
    expected = enumerated(network, starts, ends)[:4]
    found = fastest_paths(network, np.array(starts), np.array(ends), k=4)
    assert [path.minima for path in found] == [ids for _, ids in expected]
    assert [path.log_probability for path in found] == pytest.approx([log for log, _ in expected], rel=1e-9)


def test_path_names_the_lowest_of_parallel_saddles_and_the_highest_on_the_way():
    network = RateNetwork(
        ids=np.array([5, 6, 7]),
        free_energies=np.array([0.0, 1.0, 0.5]),
        saddle_ids=np.array([10, 11, 12]),
        ends=np.array([[0, 1], [1, 0], [1, 2]]),
        saddle_free_energies=np.array([9.0, 4.0, 6.0]),
        log_prefactor=0.0,
    )
    (path,) = fastest_paths(network, np.array([0]), np.array([2]), k=3)
    assert (path.minima, path.saddles, path.limiting_saddle) == ((5, 6, 7), (11, 12), 12)


def test_no_path_between_separate_parts():
    network = random_network(4, 0, 5.0, seed=0).restricted(np.array([0, 1]))
    apart = RateNetwork(
        ids=network.ids,
        free_energies=network.free_energies,
        saddle_ids=np.empty(0, int),
        ends=np.empty((0, 2), int),
        saddle_free_energies=np.empty(0),
        log_prefactor=0.0,
    )
    assert fastest_paths(apart, np.array([0]), np.array([1])) == []
