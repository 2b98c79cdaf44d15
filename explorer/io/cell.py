"""Periodic cells: a molecule that a cell has cut is made whole, and the cell is left out."""

from dataclasses import replace

import networkx as nx
import numpy as np
from ase import Atoms
from ase.data import covalent_radii
from ase.neighborlist import neighbor_list
from jaxtyping import Float, Int

from explorer.io.perceive import BOND_FACTOR, bonded_pairs, perceive
from explorer.io.structure import Structure

IGNORED = "The periodic cell is ignored: the molecule is computed alone."
MADE_WHOLE = "The molecule was wrapped at the faces of its periodic cell and is made whole; the cell is ignored."
_SMALLEST_CELL = 2.0  # Å, between faces; a smaller one cannot hold a molecule, and would need many images; not tuned


def without_cell(structure: Structure, cell: Float[np.ndarray, "3 3"] | None) -> Structure:
    """Return the structure without its cell, made whole if the faces of the cell cut the molecule.

    Args:
        structure: Structure of a file.
        cell: Cell vectors, Å; None for an isolated molecule.
    """
    if cell is None or len(structure.atomic_numbers) > 5000:
        return structure
    whole = _made_whole(structure, cell) if _can_hold_a_molecule(cell) else None
    if whole is None:
        return replace(structure, remarks=(*structure.remarks, IGNORED))
    return replace(structure, positions=whole, remarks=(*structure.remarks, MADE_WHOLE))


def _can_hold_a_molecule(cell: Float[np.ndarray, "3 3"]) -> bool:
    """Return whether opposite faces of a cell are far enough from each other, and not absurdly far."""
    if not np.abs(cell).max() < 1e5:  # also for NaN
        return False
    faces = np.linalg.norm([np.cross(cell[i - 2], cell[i - 1]) for i in range(3)], axis=1)
    return bool(abs(np.linalg.det(cell)) > _SMALLEST_CELL * faces.max())


def _made_whole(structure: Structure, cell: Float[np.ndarray, "3 3"]) -> Float[np.ndarray, "N 3"] | None:
    """Return positions with bonded atoms next to each other; None if they are so already, or if that joins nothing."""
    atoms = Atoms(structure.atomic_numbers, structure.positions, cell=cell, pbc=True)
    radii = covalent_radii[structure.atomic_numbers]
    first, second, distances, shifts = neighbor_list("ijdS", atoms, BOND_FACTOR * radii)
    graph = nx.Graph()
    graph.add_nodes_from(range(len(atoms)))
    ratios = distances / (radii[first] + radii[second])
    for k in np.argsort(-ratios):  # between two atoms only the nearest images stay
        i, j = int(first[k]), int(second[k])
        if i != j:
            graph.add_edge(i, j, ratio=ratios[k], separation=abs(i - j), start=i, shift=shifts[k])
    if not shifts.any() or not nx.is_connected(graph):
        return None
    # in a small cell, images of the molecule touch; bonds join atoms near in the file, or are the shortest contacts
    candidates = [structure.positions + _offsets(graph, weight) @ cell for weight in ("separation", "ratio")]
    complete = (one for one in candidates if not perceive(structure.atomic_numbers, one).unsaturated)
    whole = next(complete, candidates[0])
    if np.abs(whole - structure.positions).max() < 1e-6 or _is_whole(structure):  # it touches images in a small cell
        return None
    return whole


def _is_whole(structure: Structure) -> bool:
    """Return whether the positions are one complete molecule as they are."""
    numbers, positions = structure.atomic_numbers, structure.positions
    bonds = nx.Graph(bonded_pairs(numbers, positions).tolist())
    return len(bonds) == len(numbers) and nx.is_connected(bonds) and not perceive(numbers, positions).unsaturated


def _offsets(graph: nx.Graph, weight: str) -> Int[np.ndarray, "N 3"]:
    """Return the cell of each atom, following the spanning tree of lowest weight from the first atom."""
    tree = nx.minimum_spanning_tree(graph, weight)
    offsets = np.zeros((len(graph), 3), dtype=int)
    for i, j in nx.bfs_edges(tree, 0):
        edge = tree.edges[i, j]
        offsets[j] = offsets[i] + edge["shift"] * (1 if edge["start"] == i else -1)
    return offsets
