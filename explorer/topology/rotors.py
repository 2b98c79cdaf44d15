"""Bonds about which a part of a molecule turns."""

from functools import partial
from typing import NamedTuple

import networkx as nx
import numpy as np
from jaxtyping import Int

from explorer.topology.bonds import Topology
from explorer.topology.symmetry_classes import symmetry_classes


class Rotor(NamedTuple):
    """A bond about which a part turns; `moved` are the atoms of the smaller part, its dihedral grows with `sense`.

    A turn by 360° / `fold` changes nothing: 2 for a phenyl group or a carboxylate, 3 for an ammonium group, 1 for an
    amine, whose lone pair is one of three places. `twin` is the dihedral of the other hydrogen of an amine, and
    `quadruple` again for anything else: exchanging the two hydrogens changes nothing, turning the lone pair does.
    """

    quadruple: Int[np.ndarray, "4"]
    twin: Int[np.ndarray, "4"]
    moved: Int[np.ndarray, "n"]
    sense: float
    fold: int


def find_rotors(topology: Topology) -> tuple[list[Rotor], list[Rotor]]:
    """Single bonds that turn, hydroxyl groups and amines among them, and amides outside of rings."""
    graph = nx.Graph(topology.bonds.tolist())
    numbers = topology.atomic_numbers
    hydroxyls = [
        sorted((i, next(iter(set(graph[i]) - {h}))))
        for i, h in topology.bonds.tolist() + topology.bonds[:, ::-1].tolist()
        if numbers[h] == 1 and numbers[i] in (8, 16) and graph.degree(i) == 2
    ]
    amines = [
        sorted((i, j))
        for i in graph
        if _is_pyramidal(graph, numbers, i) and sum(numbers[h] == 1 for h in graph[i]) == 2
        for j in graph[i]
        if numbers[j] != 1
    ]
    turnable = {tuple(bond) for bond in [*topology.rotatable_bonds.tolist(), *hydroxyls, *amines]}
    bridges = {frozenset(bond) for bond in nx.bridges(graph)} if len(graph) else set()
    amides = [(int(c), int(n)) for _, c, n, _ in topology.amides if frozenset((int(c), int(n))) in bridges]
    ranks = symmetry_classes(numbers, topology.bonds)
    of_bonds = partial(_rotor, graph, numbers, ranks)
    return [of_bonds(*bond) for bond in sorted(turnable)], [of_bonds(*bond) for bond in amides]


def sides(graph: nx.Graph, j: int, k: int) -> tuple[set[int], set[int]]:
    """Atoms that hang on either end of a bond that belongs to no ring, the ends among them."""
    cut = nx.restricted_view(graph, [], [(j, k)])
    return nx.node_connected_component(cut, j), nx.node_connected_component(cut, k)


def _is_pyramidal(graph: nx.Graph, numbers: Int[np.ndarray, "N"], atom: int) -> bool:
    """Whether it is the nitrogen of an amine, which no neighbour flattens: all are hydrogens or saturated carbons."""
    neighbours = list(graph[atom])
    saturated = all(numbers[n] == 1 or (numbers[n] == 6 and graph.degree(n) == 4) for n in neighbours)
    return bool(numbers[atom] == 7 and len(neighbours) == 3 and saturated)


def _rotor(graph: nx.Graph, numbers: Int[np.ndarray, "N"], ranks: Int[np.ndarray, "N"], j: int, k: int) -> Rotor:
    before, beyond = sides(graph, j, k)
    sense, part = (1.0, beyond) if len(beyond) <= len(before) else (-1.0, before)
    ends = [sorted(set(graph[j]) - {k}), sorted(set(graph[k]) - {j})]
    folds, twins = [1], []
    for atom, end in zip((j, k), ends, strict=True):
        alike, is_amine = len({int(ranks[i]) for i in end}) == 1, _is_pyramidal(graph, numbers, atom)
        folds.append(len(end) if alike and not is_amine else 1)
        twins.append(end[-1] if alike and is_amine else end[0])
    return Rotor(
        quadruple=np.array([ends[0][0], j, k, ends[1][0]]),
        twin=np.array([twins[0], j, k, twins[1]]),
        moved=np.array(sorted(part)),
        sense=sense,
        fold=max(folds),
    )
