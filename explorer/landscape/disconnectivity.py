"""Disconnectivity graphs: energies at which minima become connected, and the layout of the drawing."""

from dataclasses import dataclass
from itertools import groupby
from math import isfinite

import networkx as nx
import numpy as np
from jaxtyping import Bool, Float

from explorer.landscape.graph import SADDLE

SHOULDER_HEIGHT = 0.04  # height of the slanted part of a branch, as a share of the energy range; not tuned


def disconnectivity(graph: nx.MultiGraph, n_levels: int | None = None) -> nx.DiGraph:
    """Return the tree of superbasins, with one tree for each connected part of the graph.

    Edges are processed in ascending order of their bounds. If one joins superbasins, these become the children of a
    new node at its energy. The cost is O(E log E) with union-find.

    Args:
        graph: Minima with `energy` and edges with `upper_bound`, eV. Edges with infinite bounds join nothing. The
            energies of edges of the kind `saddle` are exact.
        n_levels: Number of equidistant energies to which bounds are rounded up, as is usual for large graphs. The
            bounds are exact by default.

    Returns:
        Directed graph whose edges point from superbasins to their parts. Nodes carry `energy` in eV. Leaves are the ids
        of the minima; superbasins are pairs ("superbasin", k) in ascending order of energy, and carry `certified`:
        whether saddles join their parts at this energy, rather than upper bounds.

    Source: Becker & Karplus, J. Chem. Phys. 106, 1495 (1997), doi:10.1063/1.473299.
    """
    tree = nx.DiGraph()
    tree.add_nodes_from((node, {"energy": float(values["energy"])}) for node, values in graph.nodes(data=True))
    edges = [
        (float(edge["upper_bound"]), a, b, edge.get("kind") == SADDLE)
        for a, b, edge in graph.edges(data=True)
        if a != b and isfinite(edge["upper_bound"])
    ]
    if n_levels is not None and edges:
        edges = _rounded_up(tree, edges, n_levels)
    edges.sort(key=lambda edge: edge[0])
    components = nx.utils.UnionFind(tree.nodes)
    top = {node: node for node in tree}  # the highest superbasin so far, by representative of its component
    n_superbasins = 0
    for energy, group in groupby(edges, key=lambda edge: edge[0]):
        pairs = [(components[a], components[b], is_saddle) for _, a, b, is_saddle in group]
        joined = nx.Graph((a, b) for a, b, _ in pairs if a != b)
        exact = nx.utils.UnionFind(joined)
        for a, b, is_saddle in pairs:
            if is_saddle and a != b:
                exact.union(a, b)
        for representatives in sorted(map(sorted, nx.connected_components(joined))):
            if len(representatives) > 1:
                superbasin = ("superbasin", n_superbasins)
                n_superbasins += 1
                tree.add_node(superbasin, energy=energy, certified=len({exact[r] for r in representatives}) == 1)
                tree.add_edges_from((superbasin, top.pop(part)) for part in representatives)
                components.union(*representatives)
                top[components[representatives[0]]] = superbasin
    return tree


def _rounded_up(tree: nx.DiGraph, edges: list[tuple], n_levels: int) -> list[tuple]:
    highest = max(bound for bound, *_ in edges)
    lowest = min(values["energy"] for values in tree.nodes.values())
    levels = np.linspace(lowest, highest, n_levels + 1)[1:]
    return [(float(levels[min(np.searchsorted(levels, bound), n_levels - 1)]), *rest) for bound, *rest in edges]


def clipped(tree: nx.DiGraph, ceiling: float) -> nx.DiGraph:
    """Return the tree without superbasins above an energy; their parts are not joined.

    Args:
        tree: Tree from `disconnectivity`.
        ceiling: Energy, eV.
    """
    above = [node for node, values in tree.nodes(data=True) if "certified" in values and values["energy"] > ceiling]
    kept = tree.copy()
    kept.remove_nodes_from(above)
    return kept


def within_window(tree: nx.DiGraph, highest: float) -> nx.DiGraph:
    """Return the tree without minima above an energy; the others stay joined where paths lead through these.

    Args:
        tree: Tree from `disconnectivity`.
        highest: Energy, eV.
    """
    kept = tree.copy()
    for node in reversed(list(nx.topological_sort(tree))):
        parts = list(kept.successors(node))
        is_superbasin = "certified" in tree.nodes[node]
        if len(parts) < 2 if is_superbasin else tree.nodes[node]["energy"] > highest:
            # a superbasin with a single part joins nothing any more
            kept.add_edges_from((parent, part) for parent in list(kept.predecessors(node)) for part in parts)
            kept.remove_node(node)
    return kept


@dataclass(frozen=True, eq=False)
class Layout:
    """Drawing of a disconnectivity graph.

    Attributes:
        segments: Line segments (x0, y0, x1, y1), with x in steps of one leaf and y in eV. No two of them cross.
        leaves: x of each minimum by id; its branch ends at its own energy.
        certified: For each segment whether it leads to a saddle; otherwise to an upper bound or to the top.
    """

    segments: Float[np.ndarray, "n_segments 4"]
    leaves: dict[int, float]
    certified: Bool[np.ndarray, "n_segments"]


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
        return Layout(np.empty((0, 4)), {}, np.empty(0, dtype=bool))
    low, high = min(energies.values()), max(energies.values())
    gap = SHOULDER_HEIGHT * ((high - low) or 1.0)
    segments, certified = [], []
    for node in tree:
        parts = list(tree.successors(node))
        shoulder = max([energies[node] - gap, *(energies[part] for part in parts)])
        for part in parts:
            segments.append((x[part], energies[part], x[part], shoulder))
            segments.append((x[part], shoulder, x[node], energies[node]))
            certified += 2 * [bool(tree.nodes[node]["certified"])]
        if tree.in_degree(node) == 0:
            segments.append((x[node], energies[node], x[node], high + gap))
            certified.append(False)
    return Layout(np.array(segments, dtype=float), leaves, np.array(certified))


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
