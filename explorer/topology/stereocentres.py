"""Stereocentres of a molecule, including pseudoasymmetric centres and cis/trans pairs in rings."""

from itertools import combinations

import networkx as nx
import numpy as np
from jaxtyping import Float, Int

from explorer.topology.chirality import chiral_signs
from explorer.topology.symmetry_classes import symmetry_classes

_TETRAHEDRAL = frozenset((6, 7, 14, 15, 16, 34))  # C N Si P S Se with four neighbours
_PYRAMIDAL = frozenset((15, 16, 34))  # P S Se with three neighbours; unlike them, an amine inverts freely


def find_stereocentres(
    graph: nx.Graph, positions: Float[np.ndarray, "N 3"]
) -> tuple[Int[np.ndarray, "n_centres 4"], Int[np.ndarray, "N"]]:
    """Find atoms whose neighbours are all different.

    Neighbours differ by their symmetry class, or by the chirality of stereocentres in their branches, as at the
    pseudoasymmetric C3 of 2,3,4-trihydroxyglutaric acid. The centres found with one set of ranks therefore refine the
    next set, until no new centre appears.

    Args:
        graph: Graph of `molecular_graph`.
        positions: Positions of the input structure, Å.

    Returns:
        Each centre followed by its three neighbours of highest rank, in descending order; ranks of all atoms.
    """
    numbers = np.array([graph.nodes[k]["number"] for k in sorted(graph)], dtype=int)
    bonds = np.array(list(graph.edges), dtype=int).reshape(-1, 2)
    marks = np.zeros(len(numbers), dtype=int)
    ranks, centres = symmetry_classes(numbers, bonds), np.empty((0, 4), dtype=int)
    while True:
        refined = _with_different_neighbours(graph, ranks)
        if len(refined) == len(centres):
            return centres, ranks
        centres = refined
        marks[centres[:, 0]] = chiral_signs(positions, centres)
        ranks = symmetry_classes(numbers, bonds, marks)


def _with_different_neighbours(graph: nx.Graph, ranks: Int[np.ndarray, "N"]) -> Int[np.ndarray, "n_centres 4"]:
    centres = []
    for atom in sorted(graph):
        neighbours = sorted(graph[atom], key=lambda k: -ranks[k])
        if is_stereogenic(graph, atom) and len(set(ranks[neighbours].tolist())) == len(neighbours):
            centres.append([atom, *neighbours[:3]])
    return np.array(centres, dtype=int).reshape(-1, 4)


def is_stereogenic(graph: nx.Graph, atom: int) -> bool:
    """Return whether an atom keeps its chirality while its bonds are intact, by element and number of neighbours.

    Args:
        graph: Graph of `molecular_graph`.
        atom: Index of the atom.
    """
    number, n_neighbours = graph.nodes[atom]["number"], graph.degree(atom)
    return (n_neighbours == 4 and number in _TETRAHEDRAL) or (n_neighbours == 3 and number in _PYRAMIDAL)


def find_ring_pairs(graph: nx.Graph, ranks: Int[np.ndarray, "N"]) -> Int[np.ndarray, "n_pairs 2 4"]:
    """Find pairs of ring atoms whose substituents are cis or trans although neither atom is a stereocentre.

    Both atoms have two equal neighbours in the ring and two different other neighbours (1,4-dimethylcyclohexane,
    decalin). The product of their parities distinguishes cis from trans for any numbering of the ring, and it is the
    same for all conformers. The first such atom of a ring is paired with each of the others.

    Args:
        graph: Graph of `molecular_graph`.
        ranks: Ranks of `find_stereocentres`.

    Returns:
        Both atoms of each pair, each followed by three of its neighbours.
    """
    pairs = []
    for edges in nx.biconnected_component_edges(graph):
        ring_system = {int(k) for edge in edges for k in edge}
        rows = [_ring_row(graph, ranks, atom, ring_system) for atom in sorted(ring_system)]
        rows = [row for row in rows if row is not None]
        pairs += [[rows[0], row] for row in rows[1:]]
    return np.array(pairs, dtype=int).reshape(-1, 2, 4)


def _ring_row(graph: nx.Graph, ranks: Int[np.ndarray, "N"], atom: int, ring_system: set[int]) -> list[int] | None:
    if len(graph[atom]) != 4 or not is_stereogenic(graph, atom) or len(ring_system) < 3:
        return None
    equal = [pair for pair in combinations(sorted(graph[atom]), 2) if ranks[pair[0]] == ranks[pair[1]]]
    if len(equal) != 1 or not set(equal[0]) <= ring_system:
        return None
    others = sorted(set(graph[atom]) - set(equal[0]), key=lambda k: -ranks[k])
    return [atom, *equal[0], others[0]]
