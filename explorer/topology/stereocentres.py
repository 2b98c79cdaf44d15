"""Which atoms of a molecule are stereocentres: some by the bond graph alone, some only next to others."""

from itertools import combinations

import networkx as nx
import numpy as np
from jaxtyping import Float, Int

from explorer.topology.chirality import chiral_signs
from explorer.topology.symmetry_classes import symmetry_classes

TETRAHEDRAL = frozenset((6, 7, 14, 15, 16, 34))  # C N Si P S Se with four neighbours
PYRAMIDAL = frozenset((15, 16, 34))  # with three: a sulfoxide keeps its handedness, an amine inverts freely


def find_stereocentres(
    graph: nx.Graph, positions: Float[np.ndarray, "N 3"]
) -> tuple[Int[np.ndarray, "n_centres 4"], Int[np.ndarray, "N"]]:
    """Atoms whose neighbours all differ, and the ranks by which they do.

    Neighbours differ by their graph ranks, or by the handedness of stereocentres within them
    (the pseudoasymmetric C3 of 2,3,4-trihydroxyglutaric acid): centres found with one set of
    ranks refine the next one, until there are no more.

    Args:
        graph: of `molecular_graph`.
        positions: of the given structure, Å.

    Returns:
        centre and its three neighbours of highest rank, descending; ranks of all atoms.
    """
    numbers = np.array([graph.nodes[k]["number"] for k in sorted(graph)], dtype=int)
    bonds = np.array(list(graph.edges), dtype=int).reshape(-1, 2)
    marks = np.zeros(len(numbers), dtype=int)
    ranks, centres = symmetry_classes(numbers, bonds), np.empty((0, 4), dtype=int)
    while True:
        found = _with_different_neighbours(graph, ranks)
        if len(found) == len(centres):
            return centres, ranks
        centres = found
        marks[centres[:, 0]] = chiral_signs(positions, centres)
        ranks = symmetry_classes(numbers, bonds, marks)


def _with_different_neighbours(graph: nx.Graph, ranks: Int[np.ndarray, "N"]) -> Int[np.ndarray, "n_centres 4"]:
    found = []
    for atom in sorted(graph):
        neighbours = sorted(graph[atom], key=lambda k: -ranks[k])
        if _can_be_centre(graph, atom) and len(set(ranks[neighbours].tolist())) == len(neighbours):
            found.append([atom, *neighbours[:3]])
    return np.array(found, dtype=int).reshape(-1, 4)


def _can_be_centre(graph: nx.Graph, atom: int) -> bool:
    number, n_neighbours = graph.nodes[atom]["number"], graph.degree(atom)
    return (n_neighbours == 4 and number in TETRAHEDRAL) or (n_neighbours == 3 and number in PYRAMIDAL)


def find_ring_pairs(graph: nx.Graph, ranks: Int[np.ndarray, "N"]) -> Int[np.ndarray, "n_pairs 2 4"]:
    """Pairs of ring atoms whose substituents are cis or trans, though neither atom is a stereocentre alone.

    Both have two equal neighbours in the ring and two different ones besides (1,4-dimethylcyclohexane,
    decalin). The product of their two handednesses tells cis from trans, whatever the numbering of
    the ring; it is the same for all conformers. The first of a ring is paired with each other one.

    Returns:
        for both atoms of each pair: the atom and three of its neighbours.
    """
    found = []
    for edges in nx.biconnected_component_edges(graph):
        ring_system = {int(k) for edge in edges for k in edge}
        rows = [_ring_row(graph, ranks, atom, ring_system) for atom in sorted(ring_system)]
        rows = [row for row in rows if row is not None]
        found += [[rows[0], row] for row in rows[1:]]
    return np.array(found, dtype=int).reshape(-1, 2, 4)


def _ring_row(graph: nx.Graph, ranks: Int[np.ndarray, "N"], atom: int, ring_system: set[int]) -> list[int] | None:
    if len(graph[atom]) != 4 or not _can_be_centre(graph, atom) or len(ring_system) < 3:
        return None
    equal = [pair for pair in combinations(sorted(graph[atom]), 2) if ranks[pair[0]] == ranks[pair[1]]]
    if len(equal) != 1 or not set(equal[0]) <= ring_system:
        return None
    others = sorted(set(graph[atom]) - set(equal[0]), key=lambda k: -ranks[k])
    return [atom, *equal[0], others[0]]
