"""The automorphisms of a bond graph as a product of small groups, so that they are never enumerated whole."""

from collections import defaultdict
from dataclasses import dataclass
from itertools import islice, permutations

import networkx as nx
import numpy as np
from jaxtyping import Int
from networkx.algorithms.isomorphism import GraphMatcher, categorical_node_match

from explorer.errors import InputError

MAX_PERMUTATIONS = 5040  # of one factor that cannot be split further


@dataclass(frozen=True, eq=False)
class Factor:
    """Permutations that touch only the atoms of their support.

    Attributes:
        support: the atoms that they move, shape (n,).
        permutations: rows of indices into the support, the identity among them, shape (n_permutations, n).
    """

    support: Int[np.ndarray, "n"]
    permutations: Int[np.ndarray, "n_permutations n"]

    def whole(self, n_atoms: int) -> Int[np.ndarray, "n_permutations N"]:
        """The same as permutations of all atoms."""
        rows = np.tile(np.arange(n_atoms), (len(self.permutations), 1))
        rows[:, self.support] = self.support[self.permutations]
        return rows


def from_whole(rows: Int[np.ndarray, "n_permutations N"]) -> Factor:
    """The factor that some permutations of all atoms make."""
    support = np.flatnonzero((rows != np.arange(rows.shape[1])).any(axis=0))
    return Factor(support, np.searchsorted(support, rows[:, support]))


def product_of(factors: list[Factor], n_atoms: int) -> Int[np.ndarray, "n_products N"]:
    """All products of one permutation from each factor, as permutations of all atoms.

    Raises:
        InputError: when there are too many.
    """
    rows = np.arange(n_atoms)[None]
    for factor in factors:
        check_size(len(rows) * len(factor.permutations), len(factor.support))
        rows = rows[:, factor.whole(n_atoms)].reshape(-1, n_atoms)
    return rows


def check_size(n_permutations: int, n_atoms: int) -> None:
    """Raises an `InputError` when a factor is too large to enumerate."""
    if n_permutations > MAX_PERMUTATIONS:
        raise InputError(
            f"At most {MAX_PERMUTATIONS} ways to exchange equal parts of a molecule were wanted, {n_atoms} atoms "
            "have more. Explore fewer equal molecules at a time."
        )


def colour_classes(graph: nx.Graph) -> dict[int, int]:
    """Colour refinement: atoms in different classes cannot trade places; the nodes bring their `colour`."""
    colours = {atom: graph.nodes[atom]["colour"] for atom in graph}
    n_classes = 0
    while True:
        names = {key: k for k, key in enumerate(sorted(set(colours.values())))}
        classes = {atom: names[colours[atom]] for atom in graph}
        if len(names) == n_classes:
            return classes
        n_classes = len(names)
        colours = {atom: (classes[atom], tuple(sorted(classes[n] for n in graph[atom]))) for atom in graph}


def leaf_groups(graph: nx.Graph, classes: dict[int, int]) -> dict[tuple[int, int], list[int]]:
    """Equal atoms with one bond to the same parent, by (parent, class): methyl H, carboxylate O."""
    groups = defaultdict(list)
    for atom in sorted(graph):
        if graph.degree[atom] == 1:
            (parent,) = graph[atom]
            groups[parent, classes[atom]].append(atom)
    return {key: group for key, group in groups.items() if len(group) > 1}


def leaf_factors(leaves: dict[tuple[int, int], list[int]]) -> list[Factor]:
    """Every order of the leaves of a group."""
    return [Factor(np.array(group), np.array(list(permutations(range(len(group)))))) for group in leaves.values()]


def skeleton_factors(graph: nx.Graph, classes: dict[int, int], leaves: dict[tuple[int, int], list[int]]):
    """Independent factors of the skeleton's automorphisms, leaves carried along; the largest first.

    Atoms alone in their class are fixed by all automorphisms. Without them the skeleton falls into
    pieces; pieces that share a class can be exchanged, all others move independently.
    """
    in_group = {atom for group in leaves.values() for atom in group}
    skeleton = graph.subgraph([atom for atom in sorted(graph) if atom not in in_group])
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


def _factor(piece: nx.Graph, classes: dict[int, int], leaves: dict[tuple[int, int], list[int]]) -> Factor:
    coloured = nx.Graph(piece)
    nx.set_node_attributes(coloured, {atom: classes[atom] for atom in piece}, "class")
    matcher = GraphMatcher(coloured, coloured, categorical_node_match("class", None))
    mappings = list(islice(matcher.isomorphisms_iter(), MAX_PERMUTATIONS + 1))
    check_size(len(mappings), len(piece))
    for mapping in mappings:
        for (parent, kind), group in leaves.items():
            if parent in piece:
                mapping.update(zip(group, leaves[mapping[parent], kind], strict=True))
    support = sorted(mappings[0])
    place = {atom: k for k, atom in enumerate(support)}
    rows = sorted([place[mapping[atom]] for atom in support] for mapping in mappings)
    return Factor(np.array(support), np.array(rows))
