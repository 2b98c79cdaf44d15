"""Superbasins against brute-force minimax, and a drawing whose lines never cross."""

from itertools import combinations

import networkx as nx
import numpy as np
import pytest

from explorer.errors import InputError
from explorer.landscape.disconnectivity import clipped, disconnectivity, layout, within_window
from explorer.landscape.paths import minimax_path


def random_landscape(n_minima: int, n_edges: int, seed: int) -> nx.MultiGraph:
    rng = np.random.default_rng(seed)
    graph = nx.MultiGraph()
    energies = rng.uniform(0, 1, size=n_minima)
    graph.add_nodes_from((k, {"energy": energies[k]}) for k in range(n_minima))
    for _ in range(n_edges):
        a, b = (int(k) for k in rng.choice(n_minima, size=2, replace=False))
        graph.add_edge(a, b, upper_bound=float(max(energies[a], energies[b]) + rng.exponential(0.3)))
    return graph


def brute_force_minimax(graph: nx.MultiGraph) -> np.ndarray:
    """Lowest highest bound of all pairs, by Floyd and Warshall's algorithm over (min, max)."""
    n = len(graph)
    bound = np.full((n, n), np.inf)
    for a, b, top in graph.edges(data="upper_bound"):
        bound[a, b] = bound[b, a] = min(bound[a, b], top)
    for k in range(n):
        bound = np.minimum(bound, np.maximum(bound[:, k : k + 1], bound[k : k + 1]))
    return bound


def joining_energy(tree: nx.DiGraph, a: int, b: int) -> float:
    shared = (nx.ancestors(tree, a) | {a}) & (nx.ancestors(tree, b) | {b})
    return min((tree.nodes[node]["energy"] for node in shared), default=np.inf)


LANDSCAPES = [random_landscape(12, 30, 0), random_landscape(12, 9, 1), random_landscape(6, 0, 2)]


@pytest.mark.parametrize("graph", LANDSCAPES, ids=["connected", "in parts", "without edges"])
def test_two_minima_join_at_their_minimax_bound(graph):
    tree, expected = disconnectivity(graph), brute_force_minimax(graph)
    for a, b in combinations(graph, 2):
        assert joining_energy(tree, a, b) == pytest.approx(expected[a, b])


@pytest.mark.parametrize("graph", LANDSCAPES, ids=["connected", "in parts", "without edges"])
def test_minimax_path_has_the_bound_of_brute_force_and_runs_along_edges(graph):
    expected = brute_force_minimax(graph)
    for a, b in combinations(graph, 2):
        path = minimax_path(graph, a, b)
        if path is None:
            assert expected[a, b] == np.inf
        else:
            assert (path.ids[0], path.ids[-1]) == (a, b)
            assert all(graph.has_edge(i, j) for i, j in zip(path.ids[:-1], path.ids[1:], strict=True))
            assert path.upper_bound == pytest.approx(expected[a, b])


def test_path_to_itself_is_the_minimum_and_unknown_ids_are_refused():
    graph = LANDSCAPES[0]
    assert minimax_path(graph, 3, 3).ids == (3,)
    assert minimax_path(graph, 3, 3).upper_bound == graph.nodes[3]["energy"]
    with pytest.raises(InputError, match="received id 99"):
        minimax_path(graph, 0, 99)


def test_hand_made_landscape_has_the_expected_superbasins():
    graph = nx.MultiGraph()
    graph.add_nodes_from((k, {"energy": e}) for k, e in enumerate([0.0, 0.2, 0.1, 0.4]))
    graph.add_edges_from((a, b, {"upper_bound": e}) for a, b, e in [(0, 1, 0.5), (1, 2, 0.9), (0, 2, 0.9), (2, 3, 0.9)])
    tree = disconnectivity(graph)
    assert set(tree.successors(("superbasin", 0))) == {0, 1}
    assert set(tree.successors(("superbasin", 1))) == {("superbasin", 0), 2, 3}
    assert tree.nodes["superbasin", 1]["energy"] == 0.9


def test_levels_round_up_and_keep_the_order():
    graph = LANDSCAPES[0]
    exact, levelled = disconnectivity(graph), disconnectivity(graph, n_levels=5)
    tops = {tree.nodes[node]["energy"] for tree in (levelled,) for node in tree if isinstance(node, tuple)}
    assert len(tops) <= 5
    for a, b in combinations(graph, 2):
        rise = joining_energy(levelled, a, b) - joining_energy(exact, a, b)
        span = max(top for *_, top in graph.edges(data="upper_bound")) - min(e for _, e in graph.nodes(data="energy"))
        assert -1e-12 <= rise <= span / 5 + 1e-12


def crosses(one: np.ndarray, two: np.ndarray) -> bool:
    """Whether two segments share a point that is inside both, with exact arithmetic of signs."""

    def side(p, q, r):
        return np.sign(round((q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0]), 12))

    a, b, c, d = one[:2], one[2:], two[:2], two[2:]
    return side(a, b, c) * side(a, b, d) < 0 and side(c, d, a) * side(c, d, b) < 0


@pytest.mark.parametrize("graph", LANDSCAPES, ids=["connected", "in parts", "without edges"])
def test_branches_do_not_cross_and_leaves_end_at_their_energies(graph):
    drawing = layout(disconnectivity(graph))
    assert not any(crosses(one, two) for one, two in combinations(drawing.segments, 2))
    assert sorted(drawing.leaves.values()) == list(range(len(graph)))
    for node, x in drawing.leaves.items():
        ends = drawing.segments[(drawing.segments[:, 0] == x) & (drawing.segments[:, 1] == graph.nodes[node]["energy"])]
        assert len(ends) >= 1
    assert np.all(drawing.segments[:, 3] >= drawing.segments[:, 1])


def test_chain_of_two_thousand_minima_is_drawn():
    graph = nx.MultiGraph()
    graph.add_nodes_from((k, {"energy": 0.0}) for k in range(2000))
    graph.add_edges_from((k, k + 1, {"upper_bound": 1.0 + k}) for k in range(1999))
    drawing = layout(disconnectivity(graph))
    assert len(drawing.leaves) == 2000


def test_nothing_is_drawn_of_an_empty_graph():
    assert len(layout(disconnectivity(nx.MultiGraph())).segments) == 0


def mixed_landscape(seed: int) -> nx.MultiGraph:
    """Random landscape in which every second edge is a saddle."""
    graph = random_landscape(14, 30, seed)
    for k, (_, _, edge) in enumerate(graph.edges(data=True)):
        edge["kind"] = "saddle" if k % 2 else "escape"
    return graph


@pytest.mark.parametrize("seed", range(4))
def test_superbasins_are_the_components_below_each_threshold(seed):
    """An independent construction: components of the graph of all edges up to each energy."""
    graph = mixed_landscape(seed)
    tree = disconnectivity(graph)
    for threshold in sorted({top for *_, top in graph.edges(data="upper_bound")}):
        low = nx.Graph()
        low.add_nodes_from(graph)
        low.add_edges_from((a, b) for a, b, top in graph.edges(data="upper_bound") if top <= threshold)
        expected = {frozenset(part) for part in nx.connected_components(low)}
        forest = clipped(tree, threshold)
        roots = [node for node, degree in forest.in_degree() if degree == 0]
        found = {frozenset(n for n in nx.descendants(forest, r) | {r} if not isinstance(n, tuple)) for r in roots}
        assert found == expected


@pytest.mark.parametrize("seed", range(4))
def test_a_superbasin_is_certified_where_a_saddle_joins_it(seed):
    graph = mixed_landscape(seed)
    kinds = {edge["upper_bound"]: edge["kind"] for *_, edge in graph.edges(data=True)}
    joined = [values for node, values in disconnectivity(graph).nodes(data=True) if isinstance(node, tuple)]
    assert {values["certified"] for values in joined} == {True, False}
    assert all(values["certified"] == (kinds[values["energy"]] == "saddle") for values in joined)


def test_a_bound_below_the_only_saddle_decides_and_is_not_certified():
    graph = nx.MultiGraph()
    graph.add_nodes_from((k, {"energy": e}) for k, e in enumerate([0.0, 0.1, 0.2]))
    graph.add_edge(0, 1, kind="saddle", upper_bound=0.9, id=4)
    graph.add_edge(0, 1, kind="escape", upper_bound=0.7)
    graph.add_edge(1, 2, kind="saddle", upper_bound=0.5, id=5)
    graph.add_edge(1, 2, kind="escape", upper_bound=0.8)
    tree = disconnectivity(graph)
    assert [tree.nodes["superbasin", k] for k in (0, 1)] == [
        {"energy": 0.5, "certified": True},
        {"energy": 0.7, "certified": False},
    ]
    drawing = layout(tree)
    assert (
        sorted(zip(drawing.segments[:, 3].round(9).tolist(), drawing.certified.tolist(), strict=True))[-1][1] is False
    )
    assert drawing.certified.sum() == 4
    path = minimax_path(graph, 0, 2)
    assert (path.ids, path.saddles, path.heights, path.is_certified) == ((0, 1, 2), (None, 5), (0.7, 0.5), False)


def test_minima_above_a_window_go_and_what_they_connected_stays_joined():
    graph = nx.MultiGraph()
    graph.add_nodes_from((k, {"energy": e}) for k, e in enumerate([0.0, 0.8, 0.1]))
    graph.add_edge(0, 1, kind="saddle", upper_bound=0.9, id=0)
    graph.add_edge(1, 2, kind="saddle", upper_bound=1.0, id=1)
    tree = within_window(disconnectivity(graph), 0.5)
    assert sorted(layout(tree).leaves) == [0, 2]
    assert joining_energy(tree, 0, 2) == 1.0
    for seed in range(3):
        whole = disconnectivity(random_landscape(12, 25, seed))
        small = within_window(whole, 0.6)
        for a, b in combinations([n for n in small if not isinstance(n, tuple)], 2):
            assert joining_energy(small, a, b) == joining_energy(whole, a, b)
