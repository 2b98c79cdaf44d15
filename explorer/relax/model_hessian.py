"""How stiff internal coordinates are: the diagonal model Hessian, from the bond graph alone.

Distances and bends follow Hessians of SO3LR at minima of ten peptides, diag-fitted in the metric of the model; bonds of
one stiffness cost a tenth more force calls. Dihedrals keep softer constants than that fit, which cost fewer.
"""

import networkx as nx
from jaxtyping import Int
from numpy import ndarray

# eV/Å²
BOND = 30.0  # a single bond of two heavy atoms
BOND_CONJUGATED, BOND_DOUBLE, BOND_TRIPLE, BOND_HEAVY = 44.0, 70.0, 100.0, 20.0
BOND_HYDROGEN = {6: 33.0, 7: 43.0, 8: 51.0}
BOND_HYDROGEN_HEAVY = 26.0
CONTACT = 0.5  # all distances between two fragments together
ANCHOR = 0.05  # a Cartesian coordinate of an atom that holds a fragment in place
# eV/rad²
ANGLE, ANGLE_PLANAR, ANGLE_HYDROGEN, ANGLE_HYDROGEN_PLANAR, LINEAR = 9.0, 7.4, 4.0, 3.4, 4.0
TORSION, TORSION_CONJUGATED = 0.4, 4.0  # all dihedrals about a bond together
OUT_OF_PLANE, OUT_OF_PLANE_PYRAMIDAL = 4.0, 0.5


def bond_stiffness(graph: nx.Graph, numbers: Int[ndarray, "N"], i: int, j: int) -> float:
    """Of the bond i-j, eV/Å²."""
    lighter, heavier = sorted((int(numbers[i]), int(numbers[j])))
    if lighter == 1:
        return BOND_HYDROGEN.get(heavier, BOND_HYDROGEN_HEAVY)
    if heavier > 10:
        return BOND_HEAVY
    order = graph[i][j]["order"]
    if order == 1:
        return BOND_CONJUGATED if is_conjugated(graph, numbers, i, j) else BOND
    return BOND_DOUBLE if order == 2 else BOND_TRIPLE


def angle_stiffness(graph: nx.Graph, numbers: Int[ndarray, "N"], i: int, j: int, k: int) -> float:
    """Of the angle i-j-k, eV/rad²."""
    crowded = graph.degree(j) == 4
    if 1 in (numbers[i], numbers[k]):
        return ANGLE_HYDROGEN if crowded else ANGLE_HYDROGEN_PLANAR
    return ANGLE if crowded else ANGLE_PLANAR


def torsion_stiffness(graph: nx.Graph, numbers: Int[ndarray, "N"], j: int, k: int) -> float:
    """Of all dihedrals about the bond j-k together, eV/rad²."""
    stiff = graph[j][k]["order"] > 1 or is_conjugated(graph, numbers, j, k)
    return TORSION_CONJUGATED if stiff else TORSION


def out_of_plane_stiffness(numbers: Int[ndarray, "N"], centre: int) -> float:
    """Of a three-coordinate atom, eV/rad²; nitrogen bends out of the plane of an amide easily."""
    return OUT_OF_PLANE if numbers[centre] == 6 else OUT_OF_PLANE_PYRAMIDAL


def is_conjugated(graph: nx.Graph, numbers: Int[ndarray, "N"], j: int, k: int) -> bool:
    """Amide-like C-N, or a single bond of an aromatic ring (a Kekulé structure is given)."""

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
    """Atoms of the smallest ring through a bond; empty when there is none."""
    without = nx.restricted_view(graph, [], [(j, k)])
    try:
        return nx.shortest_path(without, j, k)
    except nx.NetworkXNoPath:
        return []
