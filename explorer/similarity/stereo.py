"""Stereo elements whose parity no motion changes, which decides whether a permutation of equal atoms is feasible."""

from typing import NamedTuple

import networkx as nx
import numpy as np
from jaxtyping import Float, Int

from explorer.records.molecule import Molecule
from explorer.topology.chirality import chiral_signs
from explorer.topology.groups import SMALL_RING, molecular_graph
from explorer.topology.stereocentres import is_stereogenic
from explorer.topology.torsions import dihedrals


class StereoElements(NamedTuple):
    """Groups of four atoms whose parity is preserved while bonds are intact.

    They include atoms with equal neighbours, such as CH2 and CH3, which are not stereocentres.

    Attributes:
        centres: Each tetrahedral atom (or pyramidal S, P), followed by three of its neighbours,
            shape (n_centres, 4).
        double_bonds: Neighbour, atom, atom, neighbour of each rigid double bond, shape (n_double, 4).
    """

    centres: Int[np.ndarray, "n_centres 4"]
    double_bonds: Int[np.ndarray, "n_double 4"]


def find_stereo_elements(molecule: Molecule) -> StereoElements:
    """Find all stereo elements of a molecule whose parity is defined in its positions.

    Args:
        molecule: Molecule, with positions of any conformer.
    """
    if not len(molecule.bonds):
        return StereoElements(np.empty((0, 4), int), np.empty((0, 4), int))
    graph = molecular_graph(molecule)
    centres = [[atom, *_heavy_first(graph, atom)[:3]] for atom in sorted(graph) if _is_centre(graph, atom)]
    centres = np.array(centres, dtype=int).reshape(-1, 4)
    double_bonds = [
        [_heavy_first(graph, i, j)[0], i, j, _heavy_first(graph, j, i)[0]]
        for i, j, data in graph.edges(data=True)
        if data["order"] == 2 and not 0 < data["ring"] < SMALL_RING and _is_rigid(graph, i, j)
    ]
    return StereoElements(
        centres[chiral_signs(molecule.positions, centres) != 0], np.array(double_bonds, dtype=int).reshape(-1, 4)
    )


def parities(
    elements: StereoElements, positions: Float[np.ndarray, "*batch N 3"]
) -> Int[np.ndarray, "*batch n_elements"]:
    """Return the parity of each stereo element.

    Args:
        elements: Stereo elements of the molecule.
        positions: Å, any leading axes.

    Returns:
        Sign of the triple product of each centre (0 if planar), then +1 for cis and -1 for trans double bonds.
    """
    cis = np.where(np.abs(dihedrals(positions, elements.double_bonds)) < 90, 1, -1)
    return np.concatenate([chiral_signs(positions, elements.centres), cis], axis=-1)


def _heavy_first(graph: nx.Graph, atom: int, without: int = -1) -> list[int]:
    neighbours = [k for k in graph[atom] if k != without]
    return sorted(neighbours, key=lambda k: (graph.nodes[k]["number"] == 1, k))


def _is_centre(graph: nx.Graph, atom: int) -> bool:
    if graph.nodes[atom]["number"] == 7 and sum(graph.nodes[k]["number"] == 1 for k in graph[atom]) > 1:
        return False  # an ammonium that loses a proton inverts before it regains one
    return is_stereogenic(graph, atom)


def _is_rigid(graph: nx.Graph, i: int, j: int) -> bool:
    """Return whether a C=C, C=N or N=N bond is rigid.

    The C=N bonds of guanidinium and amidinium rotate because their charge is delocalised.
    """
    numbers = {graph.nodes[i]["number"], graph.nodes[j]["number"]}
    if not numbers <= {6, 7} or any(
        graph.degree(k) < 2 or sum(graph.edges[k, m]["order"] == 2 for m in graph[k]) > 1 for k in (i, j)
    ):
        return False
    carbons = [k for k in (i, j) if graph.nodes[k]["number"] == 6]
    partners = {m for k in carbons for m in graph[k]} - {i, j}
    return numbers == {6} or not any(graph.nodes[m]["number"] == 7 for m in partners)
