"""Which automorphisms of a bond graph a molecule can carry out without breaking a bond.

A permutation p of equal atoms leaves the bond graph what it is, but the relabelled structure x[p] may be one
that no motion reaches: the two H of a CH2 are exchanged by no rotation, those of a methyl only three at a time.
The feasible permutations are those that keep every handedness and every cis or trans (Longuet-Higgins,
Mol. Phys. 6, 445 (1963), doi:10.1080/00268976300100501); feasible permutation-inversions reverse every
handedness instead, and a molecule is achiral when it has one.
"""

from collections import defaultdict
from typing import NamedTuple

import networkx as nx
import numpy as np
from jaxtyping import Float, Int

from explorer.similarity.factors import Factor, from_whole, product_of
from explorer.similarity.stereo import StereoElements, parities


class Exchange(NamedTuple):
    """Relabellings that set the sense of some stereo units.

    Attributes:
        units: columns of `senses`, shape (n_units,).
        permutations: of all atoms, one for each pattern of senses that they make, shape (n_patterns, N).
    """

    units: Int[np.ndarray, "n_units"]
    permutations: Int[np.ndarray, "n_patterns N"]


class FeasiblePermutations(NamedTuple):
    """What is left of the automorphisms.

    Attributes:
        outer: factors that move whole branches.
        inner: factors that move leaves of one atom.
        exchanges: how to renumber a structure whose equal atoms are numbered in another sense, outer ones first.
        homotopic: columns of `senses` of centres with three equal leaves, such as methyls: the order of these has no
            chemical meaning at all, shape (n_homotopic,).
    """

    outer: list[Factor]
    inner: list[Factor]
    exchanges: tuple[Exchange, ...]
    homotopic: Int[np.ndarray, "n_homotopic"]


def restrict(
    outer: list[Factor], inner: list[Factor], units: StereoElements, positions: Float[np.ndarray, "N 3"]
) -> FeasiblePermutations:
    """The permutations that keep all senses, as factors.

    Leaves set the sense of their parent and of nothing else. So the leaves of each unit are restricted among
    themselves; permutations of branches are completed by an exchange of leaves where that mends a sense, and those
    that change another sense are dropped, unless several of them together do not.

    Args:
        outer: permutations of branches, leaves carried along.
        inner: permutations of leaves.
        units: of the molecule.
        positions: of the molecule, Å; its senses are the ones to keep.
    """
    changes = _Changes(units, positions)
    leaf_groups, free = _by_unit(inner, changes)
    switches, kept, homotopic = [], [], []
    for unit, group in leaf_groups.items():
        rows = product_of(group, len(positions))
        keep = np.asarray(changes.of(rows)[:, unit] > 0)
        kept.append(from_whole(rows[keep]))
        switches.append(Exchange(np.array([unit]), rows[~keep][:1]))
        homotopic += [unit] if keep.sum() > 1 else []
    branches, exchanges = [], []
    for group in _coupled(outer, changes, [int(s.units[0]) for s in switches]):
        rows = _mended(product_of(group, len(positions)), switches, changes)
        senses_of_rows = changes.of(rows)
        keep = np.asarray((senses_of_rows > 0).all(axis=1))
        branches.append(from_whole(rows[keep]))
        if not keep.all():
            changed = np.flatnonzero((senses_of_rows < 0).any(axis=0))
            _, first = np.unique(senses_of_rows, axis=0, return_index=True)
            exchanges.append(Exchange(changed, rows[[k for k in sorted(first) if not keep[k]]]))
    return FeasiblePermutations(
        [factor for factor in branches if len(factor.permutations) > 1],
        free + [factor for factor in kept if len(factor.permutations) > 1],
        (*exchanges, *switches),
        np.array(sorted(homotopic), dtype=int),
    )


def renumbered(
    positions: Float[np.ndarray, "B N 3"],
    wanted: Int[np.ndarray, "n_units"],
    units: StereoElements,
    exchanges: tuple[Exchange, ...],
) -> Float[np.ndarray, "B N 3"]:
    """The same structures with equal atoms numbered so that all senses are the wanted ones, as far as that is possible.

    What cannot be mended this way is a real difference: the other enantiomer, a diastereomer.

    Args:
        positions: Å.
        wanted: senses.
        units: of the molecule.
        exchanges: of `restrict`.
    """
    positions = np.array(positions, dtype=float)
    for exchange in exchanges:
        target = wanted[exchange.units]
        wrong = np.flatnonzero((parities(units, positions)[:, exchange.units] != target).any(axis=1))
        for permutation in exchange.permutations:
            trial = positions[wrong][:, permutation]
            mended = (parities(units, trial)[:, exchange.units] == target).all(axis=1)
            positions[wrong[mended]] = trial[mended]
            wrong = wrong[~mended]
    return positions


class _Changes:
    """Which senses a permutation changes: +1 kept, -1 changed."""

    def __init__(self, units: StereoElements, positions: Float[np.ndarray, "N 3"]):
        self._units, self._positions = units, positions
        self._senses = parities(units, positions)

    def of(self, rows: Int[np.ndarray, "n_permutations N"]) -> Int[np.ndarray, "n_permutations n_units"]:
        return parities(self._units, self._positions[rows]) * self._senses


def _by_unit(inner: list[Factor], changes: _Changes) -> tuple[dict[int, list[Factor]], list[Factor]]:
    """Leaf groups by the unit whose sense they set, and those that set none (carboxylate O, NH2)."""
    by_unit, free = defaultdict(list), []
    for factor in inner:
        changed = np.flatnonzero((changes.of(factor.whole(len(changes._positions))) < 0).any(axis=0))
        if len(changed):
            by_unit[int(changed[0])].append(factor)
        else:
            free.append(factor)
    return by_unit, free


def _mended(rows: np.ndarray, switches: list[Exchange], changes: _Changes) -> Int[np.ndarray, "n_permutations N"]:
    """The rows with leaves exchanged at every unit whose sense that restores."""
    rows = rows.copy()
    wrong = changes.of(rows) < 0
    for switch in switches:
        chosen = wrong[:, switch.units[0]]
        rows[chosen] = rows[chosen][:, switch.permutations[0]]
    return rows


def _coupled(outer: list[Factor], changes: _Changes, switched: list[int]) -> list[list[Factor]]:
    """Factors that change the same sense, which no leaves can restore, may do so only together."""
    links = nx.empty_graph(len(outer))
    for k, factor in enumerate(outer):
        changed = (changes.of(factor.whole(len(changes._positions))) < 0).any(axis=0)
        links.add_edges_from((k, ("unit", int(u))) for u in np.flatnonzero(changed) if u not in switched)
    groups = [sorted(k for k in group if isinstance(k, int)) for group in nx.connected_components(links)]
    return [[outer[k] for k in group] for group in sorted(groups)]
