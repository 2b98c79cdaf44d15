"""Handedness that no motion changes: what makes an exchange of equal atoms possible or impossible."""

from typing import NamedTuple

import networkx as nx
import numpy as np
from jaxtyping import Float, Int

from explorer.records.molecule import Molecule
from explorer.topology.chirality import chiral_signs
from explorer.topology.groups import SMALL_RING, molecular_graph
from explorer.topology.stereocentres import PYRAMIDAL, TETRAHEDRAL
from explorer.topology.torsions import dihedrals


class StereoElements(NamedTuple):
    """Where four atoms keep their sense while bonds stay whole, whether or not anybody could name it.

    Attributes:
        centres: a tetrahedral atom (or pyramidal S, P) and three of its neighbours; a CH2 and a methyl are among
            them, shape (n_centres, 4).
        double_bonds: neighbour, atom, atom, neighbour of each double bond that does not turn, shape (n_double, 4).
    """

    centres: Int[np.ndarray, "n_centres 4"]
    double_bonds: Int[np.ndarray, "n_double 4"]

    @property
    def target_of_mirror(self) -> Int[np.ndarray, "n_units"]:
        """What a reflection does to each: handedness changes its sign, cis stays cis."""
        return np.repeat([-1, 1], [len(self.centres), len(self.double_bonds)])


def find_stereo_elements(molecule: Molecule) -> StereoElements:
    """All units of a molecule whose sense is defined in the given structure."""
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


def parities(units: StereoElements, positions: Float[np.ndarray, "*batch N 3"]) -> Int[np.ndarray, "*batch n_units"]:
    """+1 or -1 for each unit: the sign of the triple product of a centre, +1 for cis and -1 for trans; 0 where flat."""
    cis = np.where(np.abs(dihedrals(positions, units.double_bonds)) < 90, 1, -1)
    return np.concatenate([chiral_signs(positions, units.centres), cis], axis=-1)


def _heavy_first(graph: nx.Graph, atom: int, without: int = -1) -> list[int]:
    neighbours = [k for k in graph[atom] if k != without]
    return sorted(neighbours, key=lambda k: (graph.nodes[k]["number"] == 1, k))


def _is_centre(graph: nx.Graph, atom: int) -> bool:
    number, n_neighbours = graph.nodes[atom]["number"], graph.degree(atom)
    if number == 7 and sum(graph.nodes[k]["number"] == 1 for k in graph[atom]) > 1:
        return False  # an ammonium that gives a proton away inverts before it gets another one
    return (n_neighbours == 4 and number in TETRAHEDRAL) or (n_neighbours == 3 and number in PYRAMIDAL)


def _is_rigid(graph: nx.Graph, i: int, j: int) -> bool:
    """C=C, C=N and N=N between bent atoms; the C=N of guanidinium and amidinium turn, their charge is shared."""
    numbers = {graph.nodes[i]["number"], graph.nodes[j]["number"]}
    if not numbers <= {6, 7} or any(
        graph.degree(k) < 2 or sum(graph.edges[k, m]["order"] == 2 for m in graph[k]) > 1 for k in (i, j)
    ):
        return False
    carbons = [k for k in (i, j) if graph.nodes[k]["number"] == 6]
    partners = {m for k in carbons for m in graph[k]} - {i, j}
    return numbers == {6} or not any(graph.nodes[m]["number"] == 7 for m in partners)
