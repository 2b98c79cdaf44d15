"""Which atoms of a molecule may trade places: the automorphisms of its bond graph, in factors."""

from collections import defaultdict
from dataclasses import dataclass
from itertools import islice, permutations
from math import factorial, prod

import networkx as nx
import numpy as np
from jaxtyping import Bool, Int
from networkx.algorithms.isomorphism import GraphMatcher, categorical_node_match
from rdkit import Chem

from explorer.errors import InputError
from explorer.io.build import to_rdkit
from explorer.records import Molecule

MAX_PERMUTATIONS = 5040  # of one factor that cannot be split further
MAX_STARTS = 64  # alignments that are begun for one pair of structures
EXHAUSTIVE = 144  # groups up to this order (ethane 72, propane 144) are enumerated whole
MIN_ANCHORS = 4  # fewer atoms may lie on a line and leave the rotation open


@dataclass(frozen=True, eq=False)
class Factor:
    """A group of permutations that touches only the atoms of its support.

    Attributes:
        support: the atoms that it moves, shape (n,).
        permutations: rows of indices into the support, the identity among them, shape (n_permutations, n).
    """

    support: Int[np.ndarray, "n"]
    permutations: Int[np.ndarray, "n_permutations n"]


@dataclass(frozen=True, eq=False)
class Symmetry:
    """The relabellings of atoms that leave a molecule the molecule it is.

    The group is a direct product of small factors (a methyl, a phenyl flip, a carboxylate), so it is
    never enumerated: few `starts` fix a rotation, the other factors are chosen one by one after it.

    Attributes:
        atomic_numbers: of each atom, shape (N,).
        orbits: atoms that some automorphism maps onto each other share a label, shape (N,).
        skeleton: atoms that are not one of several equal leaves of the same atom, shape (n_skeleton,).
        anchors: atoms of the first superposition, whose labels a start fixes, shape (n_anchors,).
        starts: permutations of all atoms from which alignments begin, shape (n_starts, N).
        local_factors: chosen for the nearest atoms once a rotation is there, outer ones first.
        order: number of automorphisms.
        has_bonds: false for atomic clusters, where atoms of an element are interchangeable.
        is_achiral: whether the mirror image is the same molecule.
        heavy: the same for the heavy atoms alone; None where there is no hydrogen, or nothing else.
    """

    atomic_numbers: Int[np.ndarray, "N"]
    orbits: Int[np.ndarray, "N"]
    skeleton: Int[np.ndarray, "n_skeleton"]
    anchors: Int[np.ndarray, "n_anchors"]
    starts: Int[np.ndarray, "n_starts N"]
    local_factors: tuple[Factor, ...]
    order: int
    has_bonds: bool
    is_achiral: bool
    heavy: "Symmetry | None" = None

    @property
    def is_heavy(self) -> Bool[np.ndarray, "N"]:
        return self.atomic_numbers != 1


def from_molecule(molecule: Molecule) -> Symmetry:
    """The symmetry of a molecule's bond graph.

    Bond orders and formal charges are left out: with all hydrogens in the graph, two atoms that
    differ in nothing else are related by resonance (carboxylate O, guanidinium N, phenyl C).

    Raises:
        InputError: when one factor of the group is too large to enumerate.
    """
    if not len(molecule.bonds):
        return _of_cluster(np.asarray(molecule.atomic_numbers))
    graph = nx.Graph()
    graph.add_nodes_from((i, {"colour": int(z)}) for i, z in enumerate(molecule.atomic_numbers))
    graph.add_edges_from((int(i), int(j)) for i, j in molecule.bonds)
    achiral = is_achiral(molecule)
    heavy_atoms = np.flatnonzero(molecule.atomic_numbers != 1)
    heavy = None
    if 0 < len(heavy_atoms) < molecule.n_atoms:
        heavy = _of_graph(_without_hydrogen(graph, heavy_atoms), molecule.atomic_numbers[heavy_atoms], achiral, None)
    return _of_graph(graph, np.asarray(molecule.atomic_numbers), achiral, heavy)


def is_achiral(molecule: Molecule) -> bool:
    """Whether the molecule and its mirror image have the same name; meso compounds are achiral, too.

    Tetrahedral centres and double bonds count; axes and helices, which RDKit does not name, do not.
    """
    if not len(molecule.bonds):
        return True
    name, mirror_name = (Chem.MolToSmiles(to_rdkit(molecule, sign * molecule.positions)) for sign in (1, -1))
    return name == mirror_name


def _without_hydrogen(graph: nx.Graph, heavy_atoms: np.ndarray) -> nx.Graph:
    """Heavy atoms renumbered from 0; the number of hydrogens stays in the colour."""
    heavy = nx.Graph()
    number = {int(atom): k for k, atom in enumerate(heavy_atoms)}
    for atom, k in number.items():
        n_hydrogens = sum(neighbour not in number for neighbour in graph[atom])
        heavy.add_node(k, colour=(graph.nodes[atom]["colour"], n_hydrogens))
    heavy.add_edges_from((number[i], number[j]) for i, j in graph.edges if i in number and j in number)
    return heavy


def _of_cluster(atomic_numbers: np.ndarray) -> Symmetry:
    _, orbits, counts = np.unique(atomic_numbers, return_inverse=True, return_counts=True)
    everyone = np.arange(len(atomic_numbers))
    return Symmetry(
        atomic_numbers, orbits, everyone, everyone, everyone[None], (),
        prod(factorial(int(n)) for n in counts), has_bonds=False, is_achiral=True,
    )  # fmt: skip


def _of_graph(graph: nx.Graph, atomic_numbers: np.ndarray, achiral: bool, heavy: Symmetry | None) -> Symmetry:
    classes = _refine(graph)
    leaves = _leaf_groups(graph, classes)
    in_group = {atom for group in leaves.values() for atom in group}
    skeleton = [atom for atom in sorted(graph) if atom not in in_group]
    outer = _skeleton_factors(graph.subgraph(skeleton), classes, leaves)
    inner = [Factor(np.array(group), _all_permutations(len(group))) for group in leaves.values()]
    order = prod(len(factor.permutations) for factor in outer + inner)
    started, local, anchors = _choose_starts(outer, inner, skeleton, order)
    return Symmetry(
        np.asarray(atomic_numbers), _orbits(outer + inner, len(graph)), np.array(skeleton), anchors,
        _product(started, len(graph)), tuple(local), order, has_bonds=True, is_achiral=achiral, heavy=heavy,
    )  # fmt: skip


def _refine(graph: nx.Graph) -> dict[int, int]:
    """Colour refinement: atoms in different classes cannot trade places."""
    colours = {atom: graph.nodes[atom]["colour"] for atom in graph}
    n_classes = 0
    while True:
        names = {key: k for k, key in enumerate(sorted(set(colours.values())))}
        classes = {atom: names[colours[atom]] for atom in graph}
        if len(names) == n_classes:
            return classes
        n_classes = len(names)
        colours = {atom: (classes[atom], tuple(sorted(classes[n] for n in graph[atom]))) for atom in graph}


def _leaf_groups(graph: nx.Graph, classes: dict[int, int]) -> dict[tuple[int, int], list[int]]:
    """Equal atoms with one bond to the same parent, by (parent, class): methyl H, carboxylate O."""
    groups = defaultdict(list)
    for atom in sorted(graph):
        if graph.degree[atom] == 1:
            (parent,) = graph[atom]
            groups[parent, classes[atom]].append(atom)
    return {key: group for key, group in groups.items() if len(group) > 1}


def _skeleton_factors(skeleton: nx.Graph, classes: dict[int, int], leaves: dict) -> list[Factor]:
    """Independent factors of the skeleton's automorphisms, leaves carried along.

    Atoms alone in their class are fixed by all automorphisms. Without them the skeleton falls into
    pieces; pieces that share a class can be exchanged, all others move independently.
    """
    members = defaultdict(list)
    for atom in skeleton:
        members[classes[atom]].append(atom)
    moving = skeleton.subgraph([atom for group in members.values() if len(group) > 1 for atom in group])
    linked = nx.Graph(moving)
    for group in members.values():
        if len(group) > 1:
            nx.add_path(linked, group)
    pieces = [sorted(piece) for piece in nx.connected_components(linked)]
    factors = [_factor(moving.subgraph(piece), classes, leaves) for piece in pieces]
    factors = [factor for factor in factors if len(factor.permutations) > 1]
    return sorted(factors, key=lambda factor: (-len(factor.support), factor.support[0]))


def _factor(piece: nx.Graph, classes: dict[int, int], leaves: dict) -> Factor:
    coloured = nx.Graph(piece)
    nx.set_node_attributes(coloured, {atom: classes[atom] for atom in piece}, "class")
    matcher = GraphMatcher(coloured, coloured, categorical_node_match("class", None))
    mappings = list(islice(matcher.isomorphisms_iter(), MAX_PERMUTATIONS + 1))
    if len(mappings) > MAX_PERMUTATIONS:
        raise InputError(
            f"At most {MAX_PERMUTATIONS} ways to exchange equal parts of a molecule were wanted, {len(piece)} atoms "
            "have more. Explore fewer equal molecules at a time."
        )
    for mapping in mappings:
        for (parent, kind), group in leaves.items():
            if parent in piece:
                mapping.update(zip(group, leaves[mapping[parent], kind], strict=True))
    support = sorted(mappings[0])
    place = {atom: k for k, atom in enumerate(support)}
    rows = sorted([place[mapping[atom]] for atom in support] for mapping in mappings)
    return Factor(np.array(support), np.array(rows))


def _all_permutations(n: int) -> Int[np.ndarray, "n_permutations n"]:
    return np.array(list(permutations(range(n))))


def _choose_starts(
    outer: list[Factor], inner: list[Factor], skeleton: list[int], order: int
) -> tuple[list[Factor], list[Factor], np.ndarray]:
    """Which factors are enumerated before the first superposition, which are left for after it."""
    anchors = set(skeleton) - {int(atom) for factor in outer for atom in factor.support}
    started, local, n_starts = [], [], 1
    for factor in outer + inner:
        n_more = n_starts * len(factor.permutations)
        affordable = factor in outer and n_more <= MAX_STARTS
        if order <= EXHAUSTIVE or len(anchors) < MIN_ANCHORS or affordable:
            started.append(factor)
            n_starts = n_more
            enumerated = factor in inner or order <= EXHAUSTIVE
            anchors |= {int(atom) for atom in factor.support if enumerated or int(atom) in skeleton}
        else:
            local.append(factor)
    return started, local, np.array(sorted(anchors))


def _product(factors: list[Factor], n_atoms: int) -> Int[np.ndarray, "n_starts N"]:
    """All products of one permutation from each factor, as permutations of all atoms."""
    rows = np.arange(n_atoms)[None]
    for factor in factors:
        rows = np.repeat(rows[:, None], len(factor.permutations), axis=1)
        rows[:, :, factor.support] = rows[:, 0][:, factor.support[factor.permutations]]
        rows = rows.reshape(-1, n_atoms)
    return rows


def _orbits(factors: list[Factor], n_atoms: int) -> Int[np.ndarray, "N"]:
    exchanges = nx.empty_graph(n_atoms)
    for factor in factors:
        for permutation in factor.permutations:
            exchanges.add_edges_from(zip(factor.support, factor.support[permutation], strict=True))
    orbits = np.empty(n_atoms, dtype=int)
    for label, members in enumerate(sorted(sorted(c) for c in nx.connected_components(exchanges))):
        orbits[members] = label
    return orbits
