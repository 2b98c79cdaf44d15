"""Feasible permutations: automorphisms of a bond graph that a molecule can realise without breaking a bond.

A permutation p of equal atoms preserves the bond graph, but motion may not be able to reach the relabelled structure
x[p]. No rotation exchanges the two H of a CH2, and the H of a methyl are permuted only cyclically. The feasible
permutations preserve the parity of all stereo elements, chiral as well as cis/trans (Longuet-Higgins, Mol. Phys. 6,
445 (1963), doi:10.1080/00268976300100501). Feasible permutation-inversions reverse the parity of all centres instead;
a molecule is achiral if it has one.
"""

from collections import defaultdict
from typing import NamedTuple

import networkx as nx
import numpy as np
from jaxtyping import Float, Int

from explorer.similarity.factors import Factor, from_all_atoms, product_of
from explorer.similarity.stereo import StereoElements, parities


class Exchange(NamedTuple):
    """Permutations that change the parity of some stereo elements.

    Attributes:
        elements: Indices of the stereo elements, shape (n_elements,).
        permutations: Permutations of all atoms, one for each pattern of parities, shape (n_patterns, N).
    """

    elements: Int[np.ndarray, "n_elements"]
    permutations: Int[np.ndarray, "n_patterns N"]


class FeasiblePermutations(NamedTuple):
    """The feasible automorphisms of a molecule.

    Attributes:
        outer: Factors that move whole branches.
        inner: Factors that move the leaves of one atom.
        exchanges: Permutations of equal atoms that change a parity, outer ones first; see `renumbered`.
        homotopic: Indices of stereo elements with three equal leaves, such as methyls. The order of these leaves has
            no chemical meaning, shape (n_homotopic,).
    """

    outer: list[Factor]
    inner: list[Factor]
    exchanges: tuple[Exchange, ...]
    homotopic: Int[np.ndarray, "n_homotopic"]


def restrict(
    outer: list[Factor], inner: list[Factor], elements: StereoElements, positions: Float[np.ndarray, "N 3"]
) -> FeasiblePermutations:
    """Restrict automorphisms to those that preserve all parities.

    Leaves determine only the parity of their parent, so the leaves of each element are restricted separately.
    Permutations of branches are combined with an exchange of leaves if that restores a parity. Branch permutations
    that change another parity are dropped, unless a product of several preserves it.

    Args:
        outer: Permutations of branches, including their leaves.
        inner: Permutations of leaves.
        elements: Stereo elements of the molecule.
        positions: Positions whose parities are preserved, Å.
    """
    changes = _ParityChanges(elements, positions)
    leaf_groups, free = _by_element(inner, changes)
    switches, kept, homotopic = [], [], []
    for element, group in leaf_groups.items():
        rows = product_of(group, len(positions))
        keep = np.asarray(changes.of(rows)[:, element] > 0)
        kept.append(from_all_atoms(rows[keep]))
        switches.append(Exchange(np.array([element]), rows[~keep][:1]))
        homotopic += [element] if keep.sum() > 1 else []
    branches, exchanges = [], []
    for group in _coupled(outer, changes, [int(switch.elements[0]) for switch in switches]):
        rows = _with_leaves_exchanged(product_of(group, len(positions)), switches, changes)
        signs = changes.of(rows)
        keep = np.asarray((signs > 0).all(axis=1))
        branches.append(from_all_atoms(rows[keep]))
        if not keep.all():
            changed = np.flatnonzero((signs < 0).any(axis=0))
            _, first = np.unique(signs, axis=0, return_index=True)
            exchanges.append(Exchange(changed, rows[[k for k in sorted(first) if not keep[k]]]))
    return FeasiblePermutations(
        outer=[factor for factor in branches if len(factor.permutations) > 1],
        inner=free + [factor for factor in kept if len(factor.permutations) > 1],
        exchanges=(*exchanges, *switches),
        homotopic=np.array(sorted(homotopic), dtype=int),
    )


def renumbered(
    positions: Float[np.ndarray, "B N 3"],
    wanted: Int[np.ndarray, "n_elements"],
    elements: StereoElements,
    exchanges: tuple[Exchange, ...],
) -> Float[np.ndarray, "B N 3"]:
    """Renumber equal atoms so that the structures have the wanted parities, as far as possible.

    A parity that no renumbering restores is a real difference: the other enantiomer or a diastereomer.

    Args:
        positions: Positions, Å.
        wanted: Wanted parity of each stereo element.
        elements: Stereo elements of the molecule.
        exchanges: Exchanges of `restrict`.

    Returns:
        Positions in the new order, Å.
    """
    positions = np.array(positions, dtype=float)
    for exchange in exchanges:
        target = wanted[exchange.elements]
        wrong = np.flatnonzero((parities(elements, positions)[:, exchange.elements] != target).any(axis=1))
        for permutation in exchange.permutations:
            trial = positions[wrong][:, permutation]
            is_correct = (parities(elements, trial)[:, exchange.elements] == target).all(axis=1)
            positions[wrong[is_correct]] = trial[is_correct]
            wrong = wrong[~is_correct]
    return positions


class _ParityChanges:
    """Effect of permutations on parities: +1 if preserved, -1 if changed."""

    def __init__(self, elements: StereoElements, positions: Float[np.ndarray, "N 3"]):
        self.n_atoms = len(positions)
        self._elements, self._positions = elements, positions
        self._parities = parities(elements, positions)

    def of(self, rows: Int[np.ndarray, "n_permutations N"]) -> Int[np.ndarray, "n_permutations n_elements"]:
        return parities(self._elements, self._positions[rows]) * self._parities


def _by_element(inner: list[Factor], changes: _ParityChanges) -> tuple[dict[int, list[Factor]], list[Factor]]:
    """Return leaf factors by the element whose parity they change, and those that change none (carboxylate O, NH2)."""
    by_element, free = defaultdict(list), []
    for factor in inner:
        changed = np.flatnonzero((changes.of(factor.on_all_atoms(changes.n_atoms)) < 0).any(axis=0))
        if len(changed):
            by_element[int(changed[0])].append(factor)
        else:
            free.append(factor)
    return by_element, free


def _with_leaves_exchanged(
    rows: np.ndarray, switches: list[Exchange], changes: _ParityChanges
) -> Int[np.ndarray, "n_permutations N"]:
    """Exchange leaves at every element whose parity this restores."""
    rows = rows.copy()
    wrong = changes.of(rows) < 0
    for switch in switches:
        chosen = wrong[:, switch.elements[0]]
        rows[chosen] = rows[chosen][:, switch.permutations[0]]
    return rows


def _coupled(outer: list[Factor], changes: _ParityChanges, switched: list[int]) -> list[list[Factor]]:
    """Group factors that change the same parity if no leaves can restore it; only their products may be feasible."""
    links = nx.empty_graph(len(outer))
    for k, factor in enumerate(outer):
        changed = (changes.of(factor.on_all_atoms(changes.n_atoms)) < 0).any(axis=0)
        links.add_edges_from((k, ("element", int(e))) for e in np.flatnonzero(changed) if e not in switched)
    groups = [sorted(k for k in group if isinstance(k, int)) for group in nx.connected_components(links)]
    return [[outer[k] for k in group] for group in sorted(groups)]
