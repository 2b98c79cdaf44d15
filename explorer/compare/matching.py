"""The same molecule in another atom order: which atom is which, handedness included."""

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
    """Frames of the same molecule in the atom order of ours, and which frames these are.

    Embedded conformers differ in which hydrogen of a CH2 is first, so each pattern of
    hands among the frames is matched by itself, see `match_atoms`.

    Args:
        molecule: whose atom order is wanted.
        atomic_numbers: of the frames' atoms.
        bonds: index pairs between the frames' atoms.
        positions: frames, Å.

    Returns:
        Frames and their indices; none where elements or bonds differ, without those with
        another hand at a stereocentre.
    """
    hands = _hands(_graph(atomic_numbers, bonds), positions)
    patterns, pattern_of_frame = np.unique(hands, axis=0, return_inverse=True)
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
    """The order in which the other atoms are those of the molecule: `positions[order]` is in its order.

    An isomorphism of the bond graphs is found first. It may exchange equivalent branches,
    such as the two hydrogens of a CH2 or the two methyls of valine, and so give a
    four-coordinate atom the wrong hand; exchanging the two branches repairs it. Where no
    branches are equivalent the atom is a stereocentre, and the wrong hand is another molecule.

    Returns:
        None when elements, bonds or stereocentres differ.
    """
    ours = _graph(molecule.atomic_numbers, molecule.bonds)
    order = match_bonds(molecule, atomic_numbers, bonds)
    if order is None:
        return None
    wanted = _hands(ours, molecule.positions)
    for _ in range(1 + len(wanted) ** 2):  # an exchange moves the centres in its branches too
        wrong = np.flatnonzero(_hands(ours, positions[order]) != wanted)
        if len(wrong) == 0:
            return order
        order = _exchange_branches(ours, _centres(ours)[wrong[0]], order)
        if order is None:
            return None
    return None


def match_bonds(
    molecule: Molecule, atomic_numbers: Int[np.ndarray, "N"], bonds: Int[np.ndarray, "n_bonds 2"]
) -> Int[np.ndarray, "N"] | None:
    """An order in which elements and bonds are those of the molecule, any handedness; None if there is none."""
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


def _hands(graph: nx.Graph, positions: Float[np.ndarray, "*F N 3"]) -> Float[np.ndarray, "*F n_centres"]:
    """+1 or -1 per four-coordinate atom: the volume that three neighbours span, seen from the fourth."""
    neighbours = np.array([sorted(graph[atom]) for atom in _centres(graph)], dtype=int).reshape(-1, 4)
    a, b, c, d = (positions[..., atoms, :] for atoms in neighbours.T)
    return np.sign(np.einsum("...x,...x->...", a - d, np.cross(b - d, c - d)))


def _exchange_branches(graph: nx.Graph, centre: int, order: Int[np.ndarray, "N"]) -> Int[np.ndarray, "N"] | None:
    """The order with two equivalent branches of an atom exchanged, the smallest such; None at a stereocentre."""
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
    branch.nodes[root]["element"] = -branch.nodes[root]["element"]  # only the other root matches
    return branch
