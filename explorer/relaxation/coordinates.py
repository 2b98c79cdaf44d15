"""Redundant internal coordinates of a molecule and their stiffness, from its bond graph; computed on the host."""

from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

import networkx as nx
import numpy as np
from jaxtyping import Bool, Float, Int

from explorer.records.molecule import Molecule
from explorer.relaxation.model_hessian import (
    ANCHOR_STIFFNESS,
    CONTACT_STIFFNESS,
    LINEAR_BEND_STIFFNESS,
    TORSION_STIFFNESS,
    angle_stiffness,
    bond_stiffness,
    out_of_plane_stiffness,
    torsion_stiffness,
)

_LINEAR_ANGLE = np.radians(170.0)  # rad; larger angles are described by linear bends; not tuned


@dataclass(frozen=True, eq=False, kw_only=True)
class Coordinates:
    """A redundant set of internal coordinates, in the order distances, angles, linear bends, anchors, dihedrals.

    Attributes:
        distances: Atoms of bonds, then of distances between fragments, shape (n_distances, 2).
        angles: Atoms i-j-k of angles about j, shape (n_angles, 3).
        linear: Atoms i-j-k of nearly straight angles; each gives three coordinates, shape (n_linear, 3).
        anchors: Atoms of fragments whose Cartesian coordinates are included too, shape (n_anchors,).
        dihedrals: Atoms i-j-k-l of proper dihedrals, then of out-of-plane ones, shape (n_dihedrals, 4).
        stiffness: Diagonal of the model Hessian, eV/Å² or eV/rad², shape (M,).
        is_atom: Whether an atom is one of the molecule and not padding, shape (N,).
    """

    distances: Int[np.ndarray, "n_distances 2"]
    angles: Int[np.ndarray, "n_angles 3"]
    linear: Int[np.ndarray, "n_linear 3"]
    anchors: Int[np.ndarray, "n_anchors"]
    dihedrals: Int[np.ndarray, "n_dihedrals 4"]
    stiffness: Float[np.ndarray, "M"]
    is_atom: Bool[np.ndarray, "N"]

    @property
    def n_atoms(self) -> int:
        """Number of atoms, with padding."""
        return len(self.is_atom)

    @property
    def n_dihedrals(self) -> int:
        """Number of dihedrals, the last coordinates of the set."""
        return len(self.dihedrals)


@lru_cache(maxsize=8)  # relaxers and starts of hops of one molecule ask for them
def internal_coordinates(molecule: Molecule) -> Coordinates:
    """Collect bonds, angles, dihedrals and out-of-plane dihedrals of a molecule with their model Hessian.

    Straight angles (sp centres) become linear bends, and dihedrals span them. Fragments are connected by distances
    and by the Cartesian coordinates of three atoms each: where all these atoms lie in one plane, distances alone do
    not resist motion out of it. Unlike in Lindh's model Hessian, the constants do not depend on the distance, so
    that all conformers of a molecule share them.

    Args:
        molecule: Molecule; its positions decide which angles are straight and where fragments are connected.

    Source: Schlegel, Theor. Chim. Acta 66, 333 (1984), doi:10.1007/BF00554788; Lindh et al.,
    Chem. Phys. Lett. 241, 423 (1995), doi:10.1016/0009-2614(95)00646-L.
    """
    graph = nx.Graph()
    graph.add_nodes_from(range(molecule.n_atoms))
    for (i, j), order in zip(molecule.bonds, molecule.bond_orders, strict=True):
        graph.add_edge(int(i), int(j), order=float(order))
    straight = _straight_atoms(graph, molecule)

    numbers = molecule.atomic_numbers
    bonds = [([i, j], bond_stiffness(graph, numbers, i, j)) for i, j in graph.edges]
    angles, linear = _angles(graph, molecule, straight)
    dihedrals = _dihedrals(graph, molecule, straight) + _out_of_plane(graph, numbers)
    contacts = _contacts(graph, molecule)
    distances = bonds + contacts
    anchors = sorted({atom for pair, _ in contacts for atom in pair})
    threefold = [k for _, k in linear for _ in range(3)] + [ANCHOR_STIFFNESS] * (3 * len(anchors))
    stiffness = [k for _, k in distances + angles] + threefold + [k for _, k in dihedrals]
    return Coordinates(
        distances=_index(distances, 2),
        angles=_index(angles, 3),
        linear=_index(linear, 3),
        anchors=np.array(anchors, dtype=np.int32),
        dihedrals=_index(dihedrals, 4),
        stiffness=np.array(stiffness, dtype=float),
        is_atom=np.ones(molecule.n_atoms, bool),
    )


Terms = list[tuple[list[int], float]]


def _index(terms: Terms, width: int) -> Int[np.ndarray, "n width"]:
    return np.array([atoms for atoms, _ in terms], dtype=np.int32).reshape(-1, width)


def _angle(molecule: Molecule, i: int, j: int, k: int) -> float:
    u, v = molecule.positions[i] - molecule.positions[j], molecule.positions[k] - molecule.positions[j]
    return float(np.arctan2(np.linalg.norm(np.cross(u, v)), u @ v))


def _straight_atoms(graph: nx.Graph, molecule: Molecule) -> set[int]:
    """Atoms with two neighbours opposite each other: sp by valence, or straight as given."""
    straight = set()
    for j in graph:
        if graph.degree(j) == 2:
            i, k = graph[j]
            cumulated = graph[i][j]["order"] + graph[j][k]["order"] >= 4
            if cumulated or _angle(molecule, i, j, k) > _LINEAR_ANGLE:
                straight.add(j)
    return straight


def _angles(graph: nx.Graph, molecule: Molecule, straight: set[int]) -> tuple[Terms, Terms]:
    angles, linear = [], []
    for j in graph:
        for i, k in combinations(sorted(graph[j]), 2):
            if j in straight or _angle(molecule, i, j, k) > _LINEAR_ANGLE:
                linear.append(([i, j, k], LINEAR_BEND_STIFFNESS))
            else:
                angles.append(([i, j, k], angle_stiffness(graph, molecule.atomic_numbers, i, j, k)))
    return angles, linear


def _dihedrals(graph: nx.Graph, molecule: Molecule, straight: set[int]) -> Terms:
    """All dihedrals about each bond share its stiffness; straight atoms are bridged."""
    bridged = graph.copy()
    for atom in straight:
        ends = list(bridged[atom])
        bridged.remove_node(atom)
        bridged.add_edge(*ends, order=1.0)
    terms = []
    for j, k in bridged.edges:
        about = [[i, j, k, m] for i in sorted(bridged[j]) for m in sorted(bridged[k]) if len({i, j, k, m}) == 4]
        total = torsion_stiffness(graph, molecule.atomic_numbers, j, k) if graph.has_edge(j, k) else TORSION_STIFFNESS
        terms += [(atoms, total / len(about)) for atoms in about]
    return terms


def _out_of_plane(graph: nx.Graph, numbers: Int[np.ndarray, "N"]) -> Terms:
    """One dihedral centre-a-b-c per three-coordinate atom: 0 or 180° when it is planar."""
    return [([j, *sorted(graph[j])], out_of_plane_stiffness(numbers, j)) for j in graph if graph.degree(j) == 3]


def _contacts(graph: nx.Graph, molecule: Molecule) -> Terms:
    """Distances that connect each fragment to its nearest one: three atoms of each fix six degrees of freedom."""
    fragments = [sorted(c) for c in nx.connected_components(graph)]
    if len(fragments) == 1:
        return []
    positions = molecule.positions
    between = nx.Graph()
    for a, b in combinations(range(len(fragments)), 2):
        gap = np.linalg.norm(positions[fragments[a]][:, None] - positions[fragments[b]][None], axis=-1)
        between.add_edge(a, b, weight=gap.min(), nearest=np.unravel_index(gap.argmin(), gap.shape))
    terms = []
    for a, b, edge in nx.minimum_spanning_edges(between):
        first = _anchors(positions, fragments[a], edge["nearest"][0])
        second = _anchors(positions, fragments[b], edge["nearest"][1])
        terms += [([i, j], CONTACT_STIFFNESS / (len(first) * len(second))) for i in first for j in second]
    return terms


def _anchors(positions: Float[np.ndarray, "N 3"], fragment: list[int], nearest: int) -> list[int]:
    """The nearest atom, the one farthest from it, and the one farthest from the line of both."""
    atoms = positions[fragment]
    first = int(nearest)
    second = int(np.argmax(np.linalg.norm(atoms - atoms[first], axis=-1)))
    axis = atoms[second] - atoms[first]
    third = int(np.argmax(np.linalg.norm(np.cross(atoms - atoms[first], axis), axis=-1)))
    return [fragment[k] for k in dict.fromkeys((first, second, third))]
