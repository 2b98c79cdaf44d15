"""Groups of atoms that describe a conformation: rotatable bonds, amides, double bonds and backbone."""

import networkx as nx
import numpy as np
from jaxtyping import Int

from explorer.records.molecule import Molecule

SMALL_RING = 8  # atoms; smaller rings force amides and double bonds to be cis


def molecular_graph(molecule: Molecule) -> nx.Graph:
    """Build the bond graph of a molecule.

    Args:
        molecule: Molecule; its positions are not used.

    Returns:
        Graph whose nodes have `number`, the atomic number. Its edges have `order`, the bond order, and `ring`, the
        size of the smallest ring that contains the bond (0 for none).
    """
    graph = nx.Graph()
    for i, number in enumerate(molecule.atomic_numbers.tolist()):
        graph.add_node(i, number=number)
    for (i, j), order in zip(molecule.bonds.tolist(), molecule.bond_orders.tolist(), strict=True):
        graph.add_edge(i, j, order=order)
    _mark_rings(graph)
    return graph


def _mark_rings(graph: nx.Graph) -> None:
    bridges = {frozenset(edge) for edge in nx.bridges(graph)}
    for i, j in graph.edges:
        if frozenset((i, j)) in bridges:
            graph.edges[i, j]["ring"] = 0
        else:
            without = nx.restricted_view(graph, [], [(i, j)])
            graph.edges[i, j]["ring"] = nx.shortest_path_length(without, i, j) + 1


def _number(graph: nx.Graph, atom: int) -> int:
    return graph.nodes[atom]["number"]


def _is_carbonyl(graph: nx.Graph, atom: int) -> bool:
    oxygens = (k for k in graph[atom] if _number(graph, k) == 8)
    return _number(graph, atom) == 6 and any(graph.edges[atom, k]["order"] == 2 for k in oxygens)


def _is_amide_bond(graph: nx.Graph, carbon: int, nitrogen: int) -> bool:
    return _is_carbonyl(graph, carbon) and _number(graph, nitrogen) == 7 and graph.degree(nitrogen) == 3


def find_rotatable_bonds(graph: nx.Graph) -> Int[np.ndarray, "n_rotatable 2"]:
    """Find acyclic single bonds between heavy atoms that both carry another heavy atom, without amide bonds.

    Args:
        graph: Graph of `molecular_graph`.
    """

    def heavy_degree(atom: int) -> int:
        return sum(_number(graph, k) > 1 for k in graph[atom])

    bonds = [
        sorted((i, j))
        for i, j, data in graph.edges(data=True)
        if data["order"] == 1
        and data["ring"] == 0
        and heavy_degree(i) > 1
        and heavy_degree(j) > 1
        and min(_number(graph, i), _number(graph, j)) > 1
        and not _is_amide_bond(graph, i, j)
        and not _is_amide_bond(graph, j, i)
    ]
    return np.array(sorted(bonds), dtype=int).reshape(-1, 2)


def _by_rank(graph: nx.Graph, atom: int, ranks: np.ndarray, without: int = -1) -> list[int]:
    return sorted((k for k in graph[atom] if k != without), key=lambda k: -ranks[k])


def find_amides(graph: nx.Graph, ranks: np.ndarray) -> Int[np.ndarray, "n_amides 4"]:
    """Find the atoms C_prev (H for a formamide), C, N and C_next of each amide outside small rings.

    An amide with two equal substituents on nitrogen, such as a dimethylamide, has no cis and trans form and is left
    out.

    Args:
        graph: Graph of `molecular_graph`.
        ranks: Ranks of `symmetry_classes`.
    """
    amides = []
    for carbon in graph:
        for nitrogen in graph[carbon]:
            if not _is_amide_bond(graph, carbon, nitrogen) or 0 < graph.edges[carbon, nitrogen]["ring"] < SMALL_RING:
                continue
            before = sorted((k for k in graph[carbon] if _number(graph, k) in (1, 6)), key=lambda k: -ranks[k])
            after = [k for k in _by_rank(graph, nitrogen, ranks, carbon) if _number(graph, k) == 6]
            if len({ranks[k] for k in after}) < len(after):
                continue
            # omega ends at the alpha carbon, which in proline is the one bonded to a carbonyl
            after.sort(key=lambda k: not any(_is_carbonyl(graph, m) for m in graph[k]))
            if before and after:
                amides.append([before[0], carbon, nitrogen, after[0]])
    return np.array(sorted(amides, key=lambda q: q[1:3]), dtype=int).reshape(-1, 4)


def find_double_bonds(graph: nx.Graph, ranks: np.ndarray) -> Int[np.ndarray, "n_double 4"]:
    """Find double bonds of C and N outside small rings that have different substituents at both ends.

    Args:
        graph: Graph of `molecular_graph`.
        ranks: Ranks of `symmetry_classes`.
    """
    double_bonds = []
    for i, j, data in graph.edges(data=True):
        if data["order"] != 2 or 0 < data["ring"] < SMALL_RING or not {_number(graph, i), _number(graph, j)} <= {6, 7}:
            continue
        if _is_cumulated(graph, i) or _is_cumulated(graph, j):
            continue
        ends = [_by_rank(graph, atom, ranks, other) for atom, other in ((i, j), (j, i))]
        if all(0 < len(end) <= 2 and len({ranks[k] for k in end}) == len(end) for end in ends):
            double_bonds.append([ends[0][0], i, j, ends[1][0]])
    return np.array(double_bonds, dtype=int).reshape(-1, 4)


def _is_cumulated(graph: nx.Graph, atom: int) -> bool:
    """Return whether an atom has two double bonds. It is linear then, so no dihedral can end at it."""
    return sum(graph.edges[atom, k]["order"] == 2 for k in graph[atom]) > 1


def find_backbone(graph: nx.Graph) -> Int[np.ndarray, "n_residues 2 4"]:
    """Find the phi and psi quadruples of all residues C'-N-CA-C-N, in order from the N terminus.

    Args:
        graph: Graph of `molecular_graph`.
    """
    residues = {}
    for alpha in graph:
        if _number(graph, alpha) == 6 and graph.degree(alpha) == 4:
            residues |= _residues_at(graph, alpha)
    followers = {quadruples[1][3] for quadruples in residues.values()}
    chain: list[int] = []
    for start in sorted(residues, key=lambda n: (n in followers, n)):  # N termini first, then cyclic peptides
        nitrogen = start
        while nitrogen in residues and nitrogen not in chain:
            chain.append(nitrogen)
            nitrogen = residues[nitrogen][1][3]
    return np.array([residues[n] for n in chain], dtype=int).reshape(-1, 2, 4)


def _residues_at(graph: nx.Graph, alpha: int) -> dict[int, list[list[int]]]:
    """Return the phi and psi quadruples of the residue around an alpha carbon, by its nitrogen."""
    residues = {}
    for nitrogen in (k for k in graph[alpha] if _number(graph, k) == 7):
        before = [k for k in graph[nitrogen] if k != alpha and _is_carbonyl(graph, k)]
        for carbon in (k for k in graph[alpha] if _is_carbonyl(graph, k)):
            after = [k for k in graph[carbon] if _number(graph, k) == 7]
            if before and after:
                residues[nitrogen] = [[before[0], nitrogen, alpha, carbon], [nitrogen, alpha, carbon, after[0]]]
    return residues
