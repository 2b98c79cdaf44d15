"""Atom matching of molecules in different atom orders, including chirality."""

from itertools import combinations

import networkx as nx
import numpy as np
from jaxtyping import Float, Int

from explorer.records.molecule import Molecule


def reorder_frames(
    molecule: Molecule,
    atomic_numbers: Int[np.ndarray, "N"],
    bonds: Int[np.ndarray, "n_bonds 2"],
    positions: Float[np.ndarray, "F N 3"],
) -> tuple[Float[np.ndarray, "n N 3"], Int[np.ndarray, "n"]]:
    """Bring frames of a molecule into the atom order of a reference molecule.

    Embedded conformers differ in the order of the hydrogens of a CH2. Each pattern of parities among the frames is
    therefore matched separately by `match_atoms`.

    Args:
        molecule: Molecule that defines the atom order.
        atomic_numbers: Atomic number of each atom of the frames.
        bonds: Index pairs of the frames.
        positions: Positions of the frames, Å.

    Returns:
        Reordered frames and their indices. Frames with another parity at a stereocentre are left out. There are no
        frames if elements or bonds differ.
    """
    parities = _parities(_graph(atomic_numbers, bonds), positions)
    patterns, pattern_of_frame = np.unique(parities, axis=0, return_inverse=True)
    kept, reordered = [], []
    for pattern in range(len(patterns)):
        frames = np.flatnonzero(pattern_of_frame.ravel() == pattern)
        order = match_atoms(molecule, atomic_numbers, bonds, positions[frames[0]])
        if order is not None:
            kept.append(frames)
            reordered.append(positions[frames][:, order])
    if not kept:
        return np.zeros((0, molecule.n_atoms, 3)), np.zeros(0, int)
    indices = np.concatenate(kept)
    ascending = np.argsort(indices)
    return np.concatenate(reordered)[ascending], indices[ascending]


def match_atoms(
    molecule: Molecule,
    atomic_numbers: Int[np.ndarray, "N"],
    bonds: Int[np.ndarray, "n_bonds 2"],
    positions: Float[np.ndarray, "N 3"],
) -> Int[np.ndarray, "N"] | None:
    """Find the order of other atoms that matches a molecule, including chirality.

    First an isomorphism of the bond graphs is found. It may exchange equivalent branches, such as the two hydrogens
    of a CH2 or the two methyls of valine, and thereby give a four-coordinate atom the wrong parity. Exchanging the two
    branches corrects this. An atom without equivalent branches is a stereocentre, and a wrong parity of it means
    another molecule.

    Args:
        molecule: Molecule that defines the atom order.
        atomic_numbers: Atomic number of each of the other atoms.
        bonds: Index pairs of the other atoms.
        positions: Positions of the other atoms, Å.

    Returns:
        Indices such that `positions[order]` is in the order of the molecule; None if elements, bonds or stereocentres
        differ.
    """
    reference = _graph(molecule.atomic_numbers, molecule.bonds)
    order = match_bonds(molecule, atomic_numbers, bonds)
    if order is None:
        return None
    wanted = _parities(reference, molecule.positions)
    for _ in range(1 + len(wanted) ** 2):  # an exchange also moves the centres in its branches
        wrong = np.flatnonzero(_parities(reference, positions[order]) != wanted)
        if len(wrong) == 0:
            return order
        order = _exchange_branches(reference, _centres(reference)[wrong[0]], order)
        if order is None:
            return None
    return None


def match_bonds(
    molecule: Molecule, atomic_numbers: Int[np.ndarray, "N"], bonds: Int[np.ndarray, "n_bonds 2"]
) -> Int[np.ndarray, "N"] | None:
    """Find an order in which elements and bonds match a molecule, regardless of chirality.

    Args:
        molecule: Molecule that defines the atom order.
        atomic_numbers: Atomic number of each of the other atoms.
        bonds: Index pairs of the other atoms.

    Returns:
        Indices into the other atoms; None if elements or bonds differ.
    """
    if np.array_equal(molecule.atomic_numbers, atomic_numbers) and np.array_equal(molecule.bonds, bonds):
        return np.arange(molecule.n_atoms)
    mapping = nx.vf2pp_isomorphism(
        _graph(molecule.atomic_numbers, molecule.bonds), _graph(atomic_numbers, bonds), node_label="element"
    )
    return None if mapping is None else np.array([mapping[i] for i in range(molecule.n_atoms)])


def _graph(atomic_numbers: np.ndarray, bonds: np.ndarray) -> nx.Graph:
    graph = nx.Graph()
    graph.add_nodes_from((i, {"element": int(number)}) for i, number in enumerate(atomic_numbers))
    graph.add_edges_from((int(i), int(j)) for i, j in bonds)
    return graph


def _centres(graph: nx.Graph) -> list[int]:
    return [atom for atom in graph if graph.degree[atom] == 4]


def _parities(graph: nx.Graph, positions: Float[np.ndarray, "*F N 3"]) -> Float[np.ndarray, "*F n_centres"]:
    """Return +1 or -1 for each four-coordinate atom: the sign of the volume spanned by its neighbours."""
    neighbours = np.array([sorted(graph[atom]) for atom in _centres(graph)], dtype=int).reshape(-1, 4)
    a, b, c, d = (positions[..., atoms, :] for atoms in neighbours.T)
    return np.sign(np.einsum("...x,...x->...", a - d, np.cross(b - d, c - d)))


def _exchange_branches(graph: nx.Graph, centre: int, order: Int[np.ndarray, "N"]) -> Int[np.ndarray, "N"] | None:
    """Return the order with the smallest two equivalent branches of an atom exchanged; None at a stereocentre."""
    rest = graph.copy()
    rest.remove_node(centre)
    branches = {root: nx.node_connected_component(rest, root) for root in graph[centre]}
    for a, b in sorted(combinations(branches, 2), key=lambda pair: len(branches[pair[0]])):
        if b in branches[a] or len(branches[a]) != len(branches[b]):
            continue
        left, right = (_rooted(rest, branches[root], root) for root in (a, b))
        mapping = nx.vf2pp_isomorphism(left, right, node_label="element")
        if mapping is not None:
            exchanged = order.copy()
            exchanged[list(mapping)] = order[list(mapping.values())]
            exchanged[list(mapping.values())] = order[list(mapping)]
            return exchanged
    return None


def _rooted(graph: nx.Graph, nodes: set[int], root: int) -> nx.Graph:
    branch = graph.subgraph(nodes).copy()
    branch.nodes[root]["element"] = -branch.nodes[root]["element"]  # matches only the other root
    return branch
