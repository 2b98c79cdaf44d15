"""Which atoms of a molecule may trade places: the realisable automorphisms of its bond graph, in factors."""

from dataclasses import dataclass
from math import factorial, prod

import networkx as nx
import numpy as np
from jaxtyping import Bool, Float, Int

from explorer.records.molecule import Molecule
from explorer.similarity.factors import (
    Factor,
    colour_classes,
    from_whole,
    leaf_factors,
    leaf_groups,
    product_of,
    skeleton_factors,
)
from explorer.similarity.feasible_permutations import Exchange, renumbered, restrict
from explorer.similarity.stereo import StereoElements, find_stereo_elements, parities

MAX_STARTS = 64  # alignments that are begun for one pair of structures
EXHAUSTIVE = 144  # groups up to this order (ethane 18, propane 18) are enumerated whole
MIN_ANCHORS = 4  # fewer atoms may lie on a line and leave the rotation open


@dataclass(frozen=True, eq=False)
class Symmetry:
    """The relabellings of atoms that leave a molecule the molecule it is.

    Two groups matter. All automorphisms of the bond graph, mirror images included, give the orbits, which invariants
    are made of. The realisable ones are what a motion can do (see `realisable`); structures are compared with these.
    Their group is a product of small factors (a methyl, a phenyl flip, a carboxylate), so it is never enumerated: few
    `starts` fix a rotation, the other factors are chosen one by one after it.

    Attributes:
        atomic_numbers: of each atom, shape (N,).
        orbits: atoms that some automorphism maps onto each other share a label, shape (N,).
        skeleton: atoms that are not one of several equal leaves of the same atom, shape (n_skeleton,).
        anchors: atoms of the first superposition, whose labels a start fixes, shape (n_anchors,).
        starts: permutations of all atoms from which alignments begin, shape (n_starts, N).
        local_factors: chosen for the nearest atoms once a rotation is there, outer ones first.
        order: number of realisable automorphisms.
        has_bonds: false for atomic clusters, where atoms of an element are interchangeable.
        units: where the molecule keeps a handedness, or cis and trans.
        senses: of these in the given structure, shape (n_units,).
        exchanges: renumber equal atoms whose order is of the other sense.
        homotopic: units whose sense is only a matter of numbering, such as methyls, shape (n_homotopic,).
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
    units: StereoElements
    senses: Int[np.ndarray, "n_units"]
    exchanges: tuple[Exchange, ...]
    homotopic: Int[np.ndarray, "n_homotopic"]
    is_achiral: bool
    heavy: "Symmetry | None" = None

    @property
    def is_heavy(self) -> Bool[np.ndarray, "N"]:
        return self.atomic_numbers != 1

    @property
    def fixed(self) -> Int[np.ndarray, "n_fixed"]:
        """Atoms that no automorphism moves."""
        return np.flatnonzero(np.bincount(self.orbits)[self.orbits] == 1)


def symmetry_of(molecule: Molecule) -> Symmetry:
    """The symmetry of a molecule; its positions say which handedness its atoms have.

    Bond orders and formal charges are left out of the graph: with all hydrogens in it, two atoms that
    differ in nothing else are related by resonance (carboxylate O, guanidinium N, phenyl C).

    Raises:
        InputError: when one factor of the group is too large to enumerate.
    """
    numbers = np.asarray(molecule.atomic_numbers)
    units = find_stereo_elements(molecule)
    if not len(molecule.bonds):
        return _of_cluster(numbers, units)
    graph = nx.Graph()
    graph.add_nodes_from((i, {"colour": int(z)}) for i, z in enumerate(numbers))
    graph.add_edges_from((int(i), int(j)) for i, j in molecule.bonds)
    classes = colour_classes(graph)
    leaves = leaf_groups(graph, classes)
    outer, inner = skeleton_factors(graph, classes, leaves), leaf_factors(leaves)
    possible = restrict(outer, inner, units, molecule.positions)
    of_start = parities(units, molecule.positions)
    mirror = renumbered(-molecule.positions[None], of_start, units, possible.exchanges)[0]
    in_leaves = np.array([atom for group in leaves.values() for atom in group], dtype=int)
    whole = _arranged(numbers, possible.outer, possible.inner) | {
        "orbits": _orbits(outer + inner, len(numbers)),
        "skeleton": np.setdiff1d(np.arange(len(numbers)), in_leaves),
        "units": units,
        "senses": of_start,
        "exchanges": possible.exchanges,
        "homotopic": possible.homotopic,
        "is_achiral": bool(np.array_equal(parities(units, mirror), of_start)),
    }
    return Symmetry(**whole, heavy=_of_heavy_atoms(whole, possible.outer + possible.inner))


def renumber(symmetry: Symmetry, positions: Float[np.ndarray, "B N 3"]) -> Float[np.ndarray, "B N 3"]:
    """Structures with equal atoms in the order that has the senses of the molecule, see `renumbered`, Å."""
    return renumbered(positions, symmetry.senses, symmetry.units, symmetry.exchanges)


def mirror_images(symmetry: Symmetry, positions: Float[np.ndarray, "B N 3"]) -> list[Float[np.ndarray, "B N 3"]]:
    """What stands for the mirror image of each structure: the reflected atoms, and the same with the numbering mended.

    A reflection exchanges the two H of a CH2 and turns the order of the H of every methyl. A motion that leads to the
    mirror image of a conformer leaves them as they are, so that one has the numbering of the molecule, Å.
    """
    reflected = -np.asarray(positions, dtype=float)
    mended = renumber(symmetry, reflected)
    return [reflected] if np.array_equal(reflected, mended) else [reflected, mended]


def _of_cluster(atomic_numbers: np.ndarray, units: StereoElements) -> Symmetry:
    _, orbits, counts = np.unique(atomic_numbers, return_inverse=True, return_counts=True)
    everyone, none = np.arange(len(atomic_numbers)), np.empty(0, dtype=int)
    return Symmetry(
        atomic_numbers,
        orbits,
        everyone,
        everyone,
        everyone[None],
        (),
        prod(factorial(int(n)) for n in counts),
        False,
        units,
        none,
        (),
        none,
        is_achiral=True,
    )


def _of_heavy_atoms(whole: dict, factors: list[Factor]) -> Symmetry | None:
    """The realisable permutations as far as they move heavy atoms; hydrogens follow unseen."""
    numbers = whole["atomic_numbers"]
    heavy = np.flatnonzero(numbers != 1)
    if not 0 < len(heavy) < len(numbers):
        return None
    rows = [np.unique(factor.whole(len(numbers))[:, heavy], axis=0) for factor in factors]
    moving = [from_whole(np.searchsorted(heavy, row)) for row in rows if len(row) > 1]
    none = np.empty(0, dtype=int)
    parts = _arranged(numbers[heavy], moving, []) | {
        "orbits": _orbits(moving, len(heavy)),
        "skeleton": np.arange(len(heavy)),
        "units": StereoElements(np.empty((0, 4), int), np.empty((0, 4), int)),
        "senses": none,
        "exchanges": (),
        "homotopic": none,
        "is_achiral": whole["is_achiral"],
    }
    return Symmetry(**parts)


def _arranged(numbers: np.ndarray, outer: list[Factor], inner: list[Factor]) -> dict:
    """Which factors are enumerated before the first superposition, which are left for after it."""
    order = prod(len(factor.permutations) for factor in outer + inner)
    started, local, n_starts = [], outer + inner, 1
    everyone = np.arange(len(numbers))
    for factor in outer + inner:
        anchors = np.setdiff1d(everyone, [atom for rest in local for atom in rest.support])
        n_more = n_starts * len(factor.permutations)
        affordable = factor in outer and n_more <= MAX_STARTS
        if order <= EXHAUSTIVE or len(anchors) < MIN_ANCHORS or affordable:
            started.append(factor)
            local = [rest for rest in local if rest is not factor]
            n_starts = n_more
    anchors = np.setdiff1d(everyone, [atom for rest in local for atom in rest.support])
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
