"""Rotatable bonds, their moving atoms and their rotational symmetry."""

from functools import partial
from typing import NamedTuple

import networkx as nx
import numpy as np
from jaxtyping import Int

from explorer.topology.bonds import Topology
from explorer.topology.symmetry_classes import symmetry_classes


class Rotor(NamedTuple):
    """A bond about which a part of the molecule rotates.

    Attributes:
        quadruple: Atoms of the dihedral, shape (4,).
        twin: Atoms of the dihedral of the other hydrogen of an amine; equal to `quadruple` for all other groups.
            Exchange of the two hydrogens gives the same structure, rotation of the lone pair does not.
        moved: Atoms of the smaller part, which rotates.
        sense: +1 or -1, the direction of rotation about the bond that increases the dihedral.
        fold: Symmetry number f of the rotor: a rotation by 360° / f gives the same structure. It is 2 for a phenyl
            group or a carboxylate, 3 for an ammonium group, and 1 for an amine, whose lone pair takes one of three
            positions.
    """

    quadruple: Int[np.ndarray, "4"]
    twin: Int[np.ndarray, "4"]
    moved: Int[np.ndarray, "n"]
    sense: float
    fold: int


def find_rotors(topology: Topology) -> tuple[list[Rotor], list[Rotor]]:
    """Find the rotors of a molecule.

    Args:
        topology: Topology of the molecule.

    Returns:
        Rotatable single bonds, including those to hydroxyl groups and amines; and amide bonds outside rings.
    """
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
    found = {tuple(bond) for bond in [*topology.rotatable_bonds.tolist(), *hydroxyls, *amines]}
    rotatable = {bond for bond in found if min(graph.degree(i) for i in bond) > 1}  # the bonds of water have one end
    bridges = {frozenset(bond) for bond in nx.bridges(graph)} if len(graph) else set()
    amides = [(int(c), int(n)) for _, c, n, _ in topology.amides if frozenset((int(c), int(n))) in bridges]
    ranks = symmetry_classes(numbers, topology.bonds)
    rotor = partial(_rotor, graph, numbers, ranks)
    return [rotor(*bond) for bond in sorted(rotatable)], [rotor(*bond) for bond in amides]


def find_methyls(topology: Topology) -> list[Rotor]:
    """Find methyl groups and the like: bonds to an atom with three equal hydrogens, whose turn changes no conformer.

    Args:
        topology: Topology of the molecule.
    """
    graph, numbers = nx.Graph(topology.bonds.tolist()), topology.atomic_numbers
    ranks = symmetry_classes(numbers, topology.bonds)
    bonds = []
    for atom in sorted(graph):
        heavy = [n for n in graph[atom] if numbers[n] != 1]
        if graph.degree(atom) == 4 and len(heavy) == 1 and graph.degree(heavy[0]) > 1:
            bonds.append((atom, heavy[0]))
    return [_rotor(graph, numbers, ranks, *bond) for bond in bonds]


def sides(graph: nx.Graph, j: int, k: int) -> tuple[set[int], set[int]]:
    """Return the atoms on the two sides of an acyclic bond, including its ends.

    Args:
        graph: Bond graph.
        j: First atom of the bond.
        k: Second atom of the bond.
    """
    cut = nx.restricted_view(graph, [], [(j, k)])
    return nx.node_connected_component(cut, j), nx.node_connected_component(cut, k)


def _is_pyramidal(graph: nx.Graph, numbers: Int[np.ndarray, "N"], atom: int) -> bool:
    """Return whether an atom is a pyramidal amine nitrogen, bonded only to hydrogens and saturated carbons."""
    neighbours = list(graph[atom])
    saturated = all(numbers[n] == 1 or (numbers[n] == 6 and graph.degree(n) == 4) for n in neighbours)
    return bool(numbers[atom] == 7 and len(neighbours) == 3 and saturated)


def _rotor(graph: nx.Graph, numbers: Int[np.ndarray, "N"], ranks: Int[np.ndarray, "N"], j: int, k: int) -> Rotor:
    before, beyond = sides(graph, j, k)
    sense, part = (1.0, beyond) if len(beyond) <= len(before) else (-1.0, before)
    ends = [sorted(set(graph[j]) - {k}), sorted(set(graph[k]) - {j})]
    folds, twins = [1], []
    for atom, end in zip((j, k), ends, strict=True):
        are_equal, is_amine = len({int(ranks[i]) for i in end}) == 1, _is_pyramidal(graph, numbers, atom)
        folds.append(len(end) if are_equal and not is_amine else 1)
        twins.append(end[-1] if are_equal and is_amine else end[0])
    return Rotor(
        quadruple=np.array([ends[0][0], j, k, ends[1][0]]),
        twin=np.array([twins[0], j, k, twins[1]]),
        moved=np.array(sorted(part)),
        sense=sense,
        fold=max(folds),
    )
