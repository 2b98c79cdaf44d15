"""Automorphisms of a bond graph as a product of small groups, which avoids their complete enumeration."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice, permutations

import networkx as nx
import numpy as np
from jaxtyping import Int
from networkx.algorithms.isomorphism import GraphMatcher, categorical_node_match

from explorer.errors import InputError

MAX_PERMUTATIONS = 5040  # 7!, largest size of a factor that cannot be split further; not tuned


@dataclass(frozen=True, eq=False)
class Factor:
    """A group of permutations that move only the atoms of their support.

    Attributes:
        support: Atoms that are moved, shape (n,).
        permutations: Rows of indices into the support, including the identity, shape (n_permutations, n).
    """

    support: Int[np.ndarray, "n"]
    permutations: Int[np.ndarray, "n_permutations n"]

    def on_all_atoms(self, n_atoms: int) -> Int[np.ndarray, "n_permutations N"]:
        """Return the same permutations as permutations of all atoms.

        Args:
            n_atoms: Number of atoms of the molecule.
        """
        rows = np.tile(np.arange(n_atoms), (len(self.permutations), 1))
        rows[:, self.support] = self.support[self.permutations]
        return rows


def from_all_atoms(rows: Int[np.ndarray, "n_permutations N"]) -> Factor:
    """Build the factor of some permutations of all atoms.

    Args:
        rows: Permutations, including the identity.
    """
    support = np.flatnonzero((rows != np.arange(rows.shape[1])).any(axis=0))
    return Factor(support, np.searchsorted(support, rows[:, support]))


def product_of(factors: list[Factor], n_atoms: int) -> Int[np.ndarray, "n_products N"]:
    """Return all products of one permutation from each factor, as permutations of all atoms.

    Args:
        factors: Factors of the group.
        n_atoms: Number of atoms of the molecule.

    Raises:
        InputError: If there are more than `MAX_PERMUTATIONS`.
    """
    rows = np.arange(n_atoms)[None]
    for factor in factors:
        check_size(len(rows) * len(factor.permutations), len(factor.support))
        rows = rows[:, factor.on_all_atoms(n_atoms)].reshape(-1, n_atoms)
    return rows


def check_size(n_permutations: int, n_atoms: int) -> None:
    """Check that a factor is small enough to enumerate.

    Args:
        n_permutations: Number of permutations of the factor.
        n_atoms: Number of atoms that it moves, for the error message.

    Raises:
        InputError: If there are more than `MAX_PERMUTATIONS`.
    """
    if n_permutations > MAX_PERMUTATIONS:
        raise InputError(
            f"At most {MAX_PERMUTATIONS} permutations of equal parts of a molecule are supported, but {n_atoms} atoms "
            "have more. Explore fewer equal molecules at a time."
        )


def leaf_groups(graph: nx.Graph, classes: Sequence[int]) -> dict[tuple[int, int], list[int]]:
    """Group equal atoms that have a single bond to the same parent, such as methyl H and carboxylate O.

    Args:
        graph: Bond graph.
        classes: Symmetry class of each atom.

    Returns:
        Atoms by (parent, class).
    """
    groups = defaultdict(list)
    for atom in sorted(graph):
        if graph.degree[atom] == 1:
            (parent,) = graph[atom]
            groups[parent, classes[atom]].append(atom)
    return {key: group for key, group in groups.items() if len(group) > 1}


def leaf_factors(leaves: dict[tuple[int, int], list[int]]) -> list[Factor]:
    """Return a factor with every order of the leaves, for each group of leaves.

    Args:
        leaves: Groups of `leaf_groups`.
    """
    return [Factor(np.array(group), np.array(list(permutations(range(len(group)))))) for group in leaves.values()]


def skeleton_factors(graph: nx.Graph, classes: Sequence[int], leaves: dict[tuple[int, int], list[int]]) -> list[Factor]:
    """Return independent factors of the automorphisms of the skeleton, the largest first. Leaves move with parents.

    An atom alone in its class is fixed by all automorphisms. Without these atoms the skeleton splits into fragments.
    Fragments that share a class can be exchanged; all others move independently.

    Args:
        graph: Bond graph.
        classes: Symmetry class of each atom.
        leaves: Groups of `leaf_groups`.

    Raises:
        InputError: If a factor has more than `MAX_PERMUTATIONS`.
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
    fragments = [sorted(fragment) for fragment in nx.connected_components(linked)]
    factors = [_factor(moving.subgraph(fragment), classes, leaves) for fragment in fragments]
    factors = [factor for factor in factors if len(factor.permutations) > 1]
    return sorted(factors, key=lambda factor: (-len(factor.support), factor.support[0]))


def _factor(fragment: nx.Graph, classes: Sequence[int], leaves: dict[tuple[int, int], list[int]]) -> Factor:
    coloured = nx.Graph(fragment)
    nx.set_node_attributes(coloured, {atom: classes[atom] for atom in fragment}, "class")
    matcher = GraphMatcher(coloured, coloured, categorical_node_match("class", None))
    mappings = list(islice(matcher.isomorphisms_iter(), MAX_PERMUTATIONS + 1))
    check_size(len(mappings), len(fragment))
    for mapping in mappings:
        for (parent, leaf_class), group in leaves.items():
            if parent in fragment:
                mapping.update(zip(group, leaves[mapping[parent], leaf_class], strict=True))
    support = sorted(mappings[0])
    place = {atom: k for k, atom in enumerate(support)}
    rows = sorted([place[mapping[atom]] for atom in support] for mapping in mappings)
    return Factor(np.array(support), np.array(rows))
