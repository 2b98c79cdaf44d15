"""Diagonal model Hessian: the stiffness of internal coordinates, from the bond graph alone.

The constants of distances and bends are fitted to Hessians of SO3LR at minima of ten peptides, in the metric of the
model. One common stiffness for all bonds costs a tenth more force calls. Dihedrals keep softer constants than those
of the fit, because these cost fewer force calls.
"""

import networkx as nx
from jaxtyping import Int
from numpy import ndarray

# eV/Å²
SINGLE_BOND_STIFFNESS = 30.0  # of two heavy atoms of the second row
_CONJUGATED_BOND_STIFFNESS, _DOUBLE_BOND_STIFFNESS, _TRIPLE_BOND_STIFFNESS = 44.0, 70.0, 100.0
_THIRD_ROW_BOND_STIFFNESS = 20.0  # to an atom heavier than neon, such as sulphur
_BOND_STIFFNESS_TO_HYDROGEN = {6: 33.0, 7: 43.0, 8: 51.0}  # by atomic number of the other atom
_OTHER_STIFFNESS_TO_HYDROGEN = 26.0
CONTACT_STIFFNESS = 0.5  # all distances between two fragments together; not tuned
ANCHOR_STIFFNESS = 0.05  # a Cartesian coordinate of an atom that connects fragments; not tuned
# eV/rad²
_ANGLE_STIFFNESS, _PLANAR_ANGLE_STIFFNESS = 9.0, 7.4
_HYDROGEN_ANGLE_STIFFNESS, _PLANAR_HYDROGEN_ANGLE_STIFFNESS = 4.0, 3.4
LINEAR_BEND_STIFFNESS = 4.0
TORSION_STIFFNESS, CONJUGATED_TORSION_STIFFNESS = 0.4, 4.0  # all dihedrals about a bond together
_OUT_OF_PLANE_STIFFNESS, _PYRAMIDAL_OUT_OF_PLANE_STIFFNESS = 4.0, 0.5


def bond_stiffness(graph: nx.Graph, numbers: Int[ndarray, "N"], i: int, j: int) -> float:
    """Return the stiffness of the bond i-j, eV/Å²."""
    lighter, heavier = sorted((int(numbers[i]), int(numbers[j])))
    if lighter == 1:
        return _BOND_STIFFNESS_TO_HYDROGEN.get(heavier, _OTHER_STIFFNESS_TO_HYDROGEN)
    if heavier > 10:
        return _THIRD_ROW_BOND_STIFFNESS
    order = graph[i][j]["order"]
    if order == 1:
        return _CONJUGATED_BOND_STIFFNESS if is_conjugated(graph, numbers, i, j) else SINGLE_BOND_STIFFNESS
    return _DOUBLE_BOND_STIFFNESS if order == 2 else _TRIPLE_BOND_STIFFNESS


def angle_stiffness(graph: nx.Graph, numbers: Int[ndarray, "N"], i: int, j: int, k: int) -> float:
    """Return the stiffness of the angle i-j-k, eV/rad²."""
    tetrahedral = graph.degree(j) == 4
    if 1 in (numbers[i], numbers[k]):
        return _HYDROGEN_ANGLE_STIFFNESS if tetrahedral else _PLANAR_HYDROGEN_ANGLE_STIFFNESS
    return _ANGLE_STIFFNESS if tetrahedral else _PLANAR_ANGLE_STIFFNESS


def torsion_stiffness(graph: nx.Graph, numbers: Int[ndarray, "N"], j: int, k: int) -> float:
    """Return the stiffness of all dihedrals about the bond j-k together, eV/rad²."""
    stiff = graph[j][k]["order"] > 1 or is_conjugated(graph, numbers, j, k)
    return CONJUGATED_TORSION_STIFFNESS if stiff else TORSION_STIFFNESS


def out_of_plane_stiffness(numbers: Int[ndarray, "N"], centre: int) -> float:
    """Return the stiffness of a three-coordinate atom, eV/rad²; the nitrogen of an amide leaves the plane easily."""
    return _OUT_OF_PLANE_STIFFNESS if numbers[centre] == 6 else _PYRAMIDAL_OUT_OF_PLANE_STIFFNESS


def is_conjugated(graph: nx.Graph, numbers: Int[ndarray, "N"], j: int, k: int) -> bool:
    """Return whether the bond j-k is an amide-like C-N or a single bond of an aromatic ring (in Kekulé form)."""

    def has_double(atom: int) -> bool:
        return any(graph[atom][n]["order"] > 1 for n in graph[atom])

    for carbon, nitrogen in ((j, k), (k, j)):
        planar = numbers[nitrogen] == 7 and graph.degree(nitrogen) == 3
        if numbers[carbon] == 6 and planar and has_double(carbon) and not has_double(nitrogen):
            return True
    ring = _smallest_ring(graph, j, k)
    donors = sum(not has_double(atom) for atom in ring)
    allowed = {5: 1, 6: 0}
    return donors <= allowed.get(len(ring), -1) and all(has_double(a) or numbers[a] in (7, 8, 16) for a in ring)


def _smallest_ring(graph: nx.Graph, j: int, k: int) -> list[int]:
    """Atoms of the smallest ring through a bond; empty if there is no ring."""
    without = nx.restricted_view(graph, [], [(j, k)])
    try:
        return nx.shortest_path(without, j, k)
    except nx.NetworkXNoPath:
        return []
