"""Disconnectivity graphs: at which energy minima become reachable from each other."""

from dataclasses import dataclass
from itertools import groupby
from math import isfinite

import networkx as nx
import numpy as np
from jaxtyping import Float

SHOULDER = 0.04  # of the energy range: height of the slanted part of a branch


def disconnectivity(graph: nx.MultiGraph, n_levels: int | None = None) -> nx.DiGraph:
    """The tree of superbasins, one tree for each connected part of the graph.

    Edges are taken in ascending order of their bounds; where one joins superbasins, these become the children of a
    new node at its energy. Cost O(E log E) by union-find.

    Args:
        graph: minima with `energy` and edges with `upper_bound`, eV; infinite ones join nothing.
        n_levels: round the bounds up to so many equidistant energies, as usual for large graphs; exact bounds
            by default.

    Returns:
        Edges point from superbasins to their parts. Nodes carry `energy` in eV; leaves are the ids of the minima,
        superbasins are pairs ("superbasin", k), ascending in energy.

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
    """A drawing of a disconnectivity graph.

    Attributes:
        segments: rows (x0, y0, x1, y1); x in steps of one leaf, y in eV. No two of them cross.
        leaves: x of each minimum by id; it ends at its own energy.
    """

    segments: Float[np.ndarray, "n_segments 4"]
    leaves: dict[int, float]


def layout(tree: nx.DiGraph) -> Layout:
    """Places for all branches: deep ones in the middle, parts of a superbasin next to each other.

    Every part of a superbasin rises vertically to a shoulder above all of its siblings' tops and slants from there to
    the parent, so that branches cannot cross; roots rise to the common top.
    """
    x, leaves = _places(tree)
    energies = dict(tree.nodes(data="energy"))
    if not energies:
        return Layout(np.empty((0, 4)), {})
    low, high = min(energies.values()), max(energies.values())
    gap = SHOULDER * ((high - low) or 1.0)
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
    """x of all nodes and of the leaves: leaves evenly spaced, superbasins over the mean of their parts."""
    lowest = {}
    for node in reversed(list(nx.topological_sort(tree))):
        parts = [lowest[part] for part in tree.successors(node)]
        lowest[node] = min([tree.nodes[node]["energy"], *parts])
    roots = [node for node, degree in tree.in_degree() if degree == 0]
    stack, leaves = _deep_in_the_middle(roots, lowest)[::-1], {}
    while stack:
        node = stack.pop()
        parts = list(tree.successors(node))
        if parts:
            stack.extend(_deep_in_the_middle(parts, lowest)[::-1])
        else:
            leaves[node] = float(len(leaves))
    x = dict(leaves)
    for node in reversed(list(nx.topological_sort(tree))):
        if node not in x:
            x[node] = float(np.mean([x[part] for part in tree.successors(node)]))
    return x, leaves


def _deep_in_the_middle(nodes: list, lowest: dict) -> list:
    """Alternately to the left and to the right of the deepest."""
    ordered = sorted(nodes, key=lambda node: (lowest[node], str(node)))
    return ordered[1::2][::-1] + ordered[0::2]
