"""Permutational symmetry of a molecule: the feasible automorphisms of its bond graph, in factors."""

from dataclasses import dataclass
from math import factorial, prod

import networkx as nx
import numpy as np
from jaxtyping import Bool, Float, Int

from explorer.records.molecule import Molecule
from explorer.similarity.factors import (
    Factor,
    from_all_atoms,
    leaf_factors,
    leaf_groups,
    product_of,
    skeleton_factors,
)
from explorer.similarity.feasible_permutations import Exchange, renumbered, restrict
from explorer.similarity.stereo import StereoElements, find_stereo_elements, parities
from explorer.topology.symmetry_classes import symmetry_classes

_MAX_STARTS = 64  # initial alignments of one pair of structures; not tuned
_MAX_ENUMERATED_ORDER = 144  # groups up to this order (ethane 18, propane 18) are enumerated completely; not tuned
_MIN_ANCHORS = 4  # fewer atoms can be collinear and leave the rotation undetermined; not tuned


@dataclass(frozen=True, eq=False, kw_only=True)
class Symmetry:
    """Permutations of equal atoms of a molecule.

    There are two groups. All automorphisms of the bond graph, including those that require a reflection, define the
    orbits from which invariants are built. The feasible automorphisms can be realised by motion (see
    `feasible_permutations`); structures are compared with these. Their group is a product of small factors (a methyl,
    a phenyl flip, a carboxylate), so it is not enumerated. A few `starts` determine the rotation, and the other
    factors are then chosen one by one.

    Attributes:
        atomic_numbers: Atomic number of each atom, shape (N,).
        orbits: Label of each atom, equal for atoms that an automorphism maps onto each other, shape (N,).
        skeleton: Atoms that are not one of several equal leaves of one parent, shape (n_skeleton,).
        anchors: Atoms of the first superposition, whose labels are fixed by a start, shape (n_anchors,).
        starts: Permutations of all atoms from which alignments start, shape (n_starts, N).
        local_factors: Factors that are chosen to minimise distances once a rotation is known, outer ones first.
        order: Number of feasible automorphisms.
        has_bonds: False for atomic clusters, in which atoms of an element are interchangeable.
        stereo_elements: Groups of atoms whose parity is preserved by motion.
        parities: Parities in the positions of the molecule, shape (n_elements,).
        exchanges: Permutations of equal atoms that change a parity.
        homotopic: Indices of stereo elements whose parity depends only on the numbering, such as methyls,
            shape (n_homotopic,).
        is_achiral: Whether the mirror image is the same molecule.
        heavy: Symmetry of the heavy atoms alone; None if the molecule has no hydrogens or no heavy atoms.
        in_methyl: Whether each atom is a hydrogen of a methyl or an ammonium group, shape (N,).
        without_methyls: Symmetry of the other atoms; None without such groups, or if the skeleton has less than four
            atoms.
    """

    atomic_numbers: Int[np.ndarray, "N"]
    orbits: Int[np.ndarray, "N"]
    skeleton: Int[np.ndarray, "n_skeleton"]
    anchors: Int[np.ndarray, "n_anchors"]
    starts: Int[np.ndarray, "n_starts N"]
    local_factors: tuple[Factor, ...]
    order: int
    has_bonds: bool
    stereo_elements: StereoElements
    parities: Int[np.ndarray, "n_elements"]
    exchanges: tuple[Exchange, ...]
    homotopic: Int[np.ndarray, "n_homotopic"]
    is_achiral: bool
    in_methyl: Bool[np.ndarray, "N"]
    heavy: "Symmetry | None" = None
    without_methyls: "Symmetry | None" = None

    @property
    def is_heavy(self) -> Bool[np.ndarray, "N"]:
        """Whether each atom is not a hydrogen."""
        return self.atomic_numbers != 1

    @property
    def fixed(self) -> Int[np.ndarray, "n_fixed"]:
        """Atoms that no automorphism moves."""
        return np.flatnonzero(np.bincount(self.orbits)[self.orbits] == 1)


def symmetry_of(molecule: Molecule) -> Symmetry:
    """Compute the symmetry of a molecule. Its positions define the parities of its stereo elements.

    Bond orders and formal charges are not part of the graph. The graph contains all hydrogens, so atoms that differ
    only in these are related by resonance (carboxylate O, guanidinium N, phenyl C).

    Args:
        molecule: Molecule, or atomic cluster without bonds.

    Raises:
        InputError: If one factor of the group is too large to enumerate.
    """
    numbers = np.asarray(molecule.atomic_numbers)
    elements = find_stereo_elements(molecule)
    if not len(molecule.bonds):
        return _of_cluster(numbers, elements)
    graph = nx.empty_graph(len(numbers))
    graph.add_edges_from(molecule.bonds.tolist())
    classes = symmetry_classes(numbers, molecule.bonds).tolist()
    leaves = leaf_groups(graph, classes)
    outer, inner = skeleton_factors(graph, classes, leaves), leaf_factors(leaves)
    feasible = restrict(outer, inner, elements, molecule.positions)
    of_molecule = parities(elements, molecule.positions)
    mirror = renumbered(-molecule.positions[None], of_molecule, elements, feasible.exchanges)[0]
    in_leaves = np.array([atom for group in leaves.values() for atom in group], dtype=int)
    fields = _arranged(numbers, feasible.outer, feasible.inner) | {
        "orbits": _orbits(outer + inner, len(numbers)),
        "skeleton": np.setdiff1d(np.arange(len(numbers)), in_leaves),
        "stereo_elements": elements,
        "parities": of_molecule,
        "exchanges": feasible.exchanges,
        "homotopic": feasible.homotopic,
        "is_achiral": bool(np.array_equal(parities(elements, mirror), of_molecule)),
        "in_methyl": np.isin(np.arange(len(numbers)), _methyl_hydrogens(graph, numbers, leaves)),
    }
    factors = feasible.outer + feasible.inner
    is_small = len(fields["skeleton"]) < _MIN_ANCHORS  # the fingerprint then contains the hydrogens of methyls
    return Symmetry(
        **fields,
        heavy=_of_some_atoms(fields, factors, numbers != 1),
        without_methyls=None if is_small else _of_some_atoms(fields, factors, ~fields["in_methyl"]),
    )


def renumber(symmetry: Symmetry, positions: Float[np.ndarray, "B N 3"]) -> Float[np.ndarray, "B N 3"]:
    """Renumber equal atoms so that the structures have the parities of the molecule, as far as possible.

    Args:
        symmetry: Symmetry of the molecule.
        positions: Positions, Å.

    Returns:
        Positions in the new order, Å; see `renumbered`.
    """
    return renumbered(positions, symmetry.parities, symmetry.stereo_elements, symmetry.exchanges)


def mirror_images(symmetry: Symmetry, positions: Float[np.ndarray, "B N 3"]) -> list[Float[np.ndarray, "B N 3"]]:
    """Return the mirror images of structures: the reflected atoms and, if it differs, a renumbered version.

    A reflection exchanges the two H of a CH2 and reverses the order of the H of every methyl. A motion that leads to
    the mirror image of a conformer does neither. The renumbered version has the numbering that motion would give.

    Args:
        symmetry: Symmetry of the molecule.
        positions: Positions, Å.

    Returns:
        One or two arrays of positions, Å.
    """
    reflected = -np.asarray(positions, dtype=float)
    corrected = renumber(symmetry, reflected)
    return [reflected] if np.array_equal(reflected, corrected) else [reflected, corrected]


def _of_cluster(atomic_numbers: np.ndarray, elements: StereoElements) -> Symmetry:
    _, orbits, counts = np.unique(atomic_numbers, return_inverse=True, return_counts=True)
    all_atoms, empty = np.arange(len(atomic_numbers)), np.empty(0, dtype=int)
    return Symmetry(
        atomic_numbers=atomic_numbers,
        orbits=orbits,
        skeleton=all_atoms,
        anchors=all_atoms,
        starts=all_atoms[None],
        local_factors=(),
        order=prod(factorial(int(n)) for n in counts),
        has_bonds=False,
        stereo_elements=elements,
        parities=empty,
        exchanges=(),
        homotopic=empty,
        is_achiral=True,
        in_methyl=np.zeros(len(atomic_numbers), bool),
    )


def _methyl_hydrogens(graph: nx.Graph, numbers: np.ndarray, leaves: dict[tuple[int, int], list[int]]) -> list[int]:
    """Return the atoms of all groups of three equal hydrogens whose parent has one other neighbour."""
    groups = [group for (parent, _), group in leaves.items() if len(group) == 3 and graph.degree[parent] == 4]
    return [atom for group in groups for atom in group if numbers[atom] == 1]


def _of_some_atoms(fields: dict, factors: list[Factor], is_kept: Bool[np.ndarray, "N"]) -> Symmetry | None:
    """Return the feasible permutations restricted to some of the atoms; None if these are all atoms or none."""
    numbers, kept = fields["atomic_numbers"], np.flatnonzero(is_kept)
    if not 0 < len(kept) < len(numbers):
        return None
    rows = [np.unique(factor.on_all_atoms(len(numbers))[:, kept], axis=0) for factor in factors]
    moving = [from_all_atoms(np.searchsorted(kept, row)) for row in rows if len(row) > 1]
    empty = np.empty(0, dtype=int)
    kept_fields = _arranged(numbers[kept], moving, []) | {
        "orbits": _orbits(moving, len(kept)),
        "skeleton": np.arange(len(kept)),
        "stereo_elements": StereoElements(np.empty((0, 4), int), np.empty((0, 4), int)),
        "parities": empty,
        "exchanges": (),
        "homotopic": empty,
        "is_achiral": fields["is_achiral"],
        "in_methyl": np.zeros(len(kept), bool),
    }
    return Symmetry(**kept_fields)


def _arranged(numbers: np.ndarray, outer: list[Factor], inner: list[Factor]) -> dict:
    """Decide which factors are enumerated before the first superposition; the others are chosen after it."""
    order = prod(len(factor.permutations) for factor in outer + inner)
    started, local, n_starts = [], outer + inner, 1
    all_atoms = np.arange(len(numbers))
    for factor in outer + inner:
        anchors = np.setdiff1d(all_atoms, [atom for rest in local for atom in rest.support])
        n_more = n_starts * len(factor.permutations)
        affordable = factor in outer and n_more <= _MAX_STARTS
        if order <= _MAX_ENUMERATED_ORDER or len(anchors) < _MIN_ANCHORS or affordable:
            started.append(factor)
            local = [rest for rest in local if rest is not factor]
            n_starts = n_more
    anchors = np.setdiff1d(all_atoms, [atom for rest in local for atom in rest.support])
    return {
        "atomic_numbers": numbers,
        "anchors": anchors,
        "starts": product_of(started, len(numbers)),
        "local_factors": tuple(local),
        "order": order,
        "has_bonds": True,
    }


def _orbits(factors: list[Factor], n_atoms: int) -> Int[np.ndarray, "N"]:
    exchanges = nx.empty_graph(n_atoms)
    for factor in factors:
        for permutation in factor.permutations:
            exchanges.add_edges_from(zip(factor.support, factor.support[permutation], strict=True))
    orbits = np.empty(n_atoms, dtype=int)
    for label, members in enumerate(sorted(sorted(c) for c in nx.connected_components(exchanges))):
        orbits[members] = label
    return orbits
