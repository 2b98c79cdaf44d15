"""Disconnectivity graphs: energies at which minima become connected, and the layout of the drawing."""

from dataclasses import dataclass
from itertools import groupby
from math import isfinite

import networkx as nx
import numpy as np
from jaxtyping import Float

SHOULDER_HEIGHT = 0.04  # height of the slanted part of a branch, as a share of the energy range; not tuned


def disconnectivity(graph: nx.MultiGraph, n_levels: int | None = None) -> nx.DiGraph:
    """Return the tree of superbasins, with one tree for each connected part of the graph.

    Edges are processed in ascending order of their bounds. If one joins superbasins, these become the children of a
    new node at its energy. The cost is O(E log E) with union-find.

    Args:
        graph: Minima with `energy` and edges with `upper_bound`, eV. Edges with infinite bounds join nothing.
        n_levels: Number of equidistant energies to which bounds are rounded up, as is usual for large graphs. The
            bounds are exact by default.

    Returns:
        Directed graph whose edges point from superbasins to their parts. Nodes carry `energy` in eV. Leaves are the ids
        of the minima; superbasins are pairs ("superbasin", k) in ascending order of energy.

    Source: Becker & Karplus, J. Chem. Phys. 106, 1495 (1997), doi:10.1063/1.473299.
    """
    tree = nx.DiGraph()
    tree.add_nodes_from((node, {"energy": float(values["energy"])}) for node, values in graph.nodes(data=True))
    edges = [(float(bound), a, b) for a, b, bound in graph.edges(data="upper_bound") if a != b and isfinite(bound)]
    if n_levels is not None and edges:
        edges = _rounded_up(tree, edges, n_levels)
    edges.sort(key=lambda edge: edge[0])
    components = nx.utils.UnionFind(tree.nodes)
    top = {node: node for node in tree}  # the highest superbasin so far, by representative of its component
    n_superbasins = 0
    for energy, group in groupby(edges, key=lambda edge: edge[0]):
        joined = nx.Graph((components[a], components[b]) for _, a, b in group)
        joined.remove_edges_from(list(nx.selfloop_edges(joined)))
        for representatives in sorted(map(sorted, nx.connected_components(joined))):
            if len(representatives) > 1:
                superbasin = ("superbasin", n_superbasins)
                n_superbasins += 1
                tree.add_node(superbasin, energy=energy)
                tree.add_edges_from((superbasin, top.pop(part)) for part in representatives)
                components.union(*representatives)
                top[components[representatives[0]]] = superbasin
    return tree


def _rounded_up(tree: nx.DiGraph, edges: list[tuple[float, int, int]], n_levels: int) -> list[tuple[float, int, int]]:
    highest = max(bound for bound, _, _ in edges)
    lowest = min(values["energy"] for values in tree.nodes.values())
    levels = np.linspace(lowest, highest, n_levels + 1)[1:]
    return [(float(levels[min(np.searchsorted(levels, bound), n_levels - 1)]), a, b) for bound, a, b in edges]


@dataclass(frozen=True, eq=False)
class Layout:
    """Drawing of a disconnectivity graph.

    Attributes:
        segments: Line segments (x0, y0, x1, y1), with x in steps of one leaf and y in eV. No two of them cross.
        leaves: x of each minimum by id; its branch ends at its own energy.
    """

    segments: Float[np.ndarray, "n_segments 4"]
    leaves: dict[int, float]


def layout(tree: nx.DiGraph) -> Layout:
    """Return the layout of a tree, with deep branches in the middle and the parts of a superbasin side by side.

    Every part of a superbasin rises vertically to a shoulder above the tops of all its siblings and slants from there
    to the parent, so that branches cannot cross. Roots rise to the common top.

    Args:
        tree: Tree from `disconnectivity`.
    """
    x, leaves = _places(tree)
    energies = dict(tree.nodes(data="energy"))
    if not energies:
        return Layout(np.empty((0, 4)), {})
    low, high = min(energies.values()), max(energies.values())
    gap = SHOULDER_HEIGHT * ((high - low) or 1.0)
    segments = []
    for node in tree:
        parts = list(tree.successors(node))
        shoulder = max([energies[node] - gap, *(energies[part] for part in parts)])
        for part in parts:
            segments.append((x[part], energies[part], x[part], shoulder))
            segments.append((x[part], shoulder, x[node], energies[node]))
        if tree.in_degree(node) == 0:
            segments.append((x[node], energies[node], x[node], high + gap))
    return Layout(np.array(segments, dtype=float), leaves)


def _places(tree: nx.DiGraph) -> tuple[dict, dict[int, float]]:
    """Return x of all nodes and of the leaves: leaves are evenly spaced, superbasins at the mean of their parts."""
    lowest = {}
    for node in reversed(list(nx.topological_sort(tree))):
        parts = [lowest[part] for part in tree.successors(node)]
        lowest[node] = min([tree.nodes[node]["energy"], *parts])
    roots = [node for node, degree in tree.in_degree() if degree == 0]
    stack, leaves = _deepest_in_the_middle(roots, lowest)[::-1], {}
    while stack:
        node = stack.pop()
        parts = list(tree.successors(node))
        if parts:
            stack.extend(_deepest_in_the_middle(parts, lowest)[::-1])
        else:
            leaves[node] = float(len(leaves))
    x = dict(leaves)
    for node in reversed(list(nx.topological_sort(tree))):
        if node not in x:
            x[node] = float(np.mean([x[part] for part in tree.successors(node)]))
    return x, leaves


def _deepest_in_the_middle(nodes: list, lowest: dict) -> list:
    """Return the nodes placed alternately to the left and to the right of the deepest one."""
    ordered = sorted(nodes, key=lambda node: (lowest[node], str(node)))
    return ordered[1::2][::-1] + ordered[0::2]
