"""Properties of the spring layout."""

import networkx as nx
import numpy as np

from explorer.report.network_layout import spring_layout


def test_connected_nodes_are_closer_than_others():
    graph = nx.connected_caveman_graph(6, 8)
    places = spring_layout(48, np.array(graph.edges))
    distance = np.linalg.norm(places[:, None] - places, axis=-1)
    joined = nx.to_numpy_array(graph, nodelist=range(48)) > 0
    assert distance[joined].mean() < 0.5 * distance[~joined & ~np.eye(48, dtype=bool)].mean()


def test_layout_is_a_function_of_its_input():
    edges = np.array([[0, 1], [1, 2]])
    assert np.array_equal(spring_layout(3, edges), spring_layout(3, edges))


def test_unconnected_nodes_stay_on_the_page_and_separate():
    places = spring_layout(20, np.zeros((0, 2), dtype=int))
    distance = np.linalg.norm(places[:, None] - places, axis=-1)[~np.eye(20, dtype=bool)]
    assert np.isfinite(places).all()
    assert distance.min() > 0.02
    assert np.abs(places).max() < 3
