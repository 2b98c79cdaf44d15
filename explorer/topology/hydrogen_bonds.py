"""Hydrogen bonds of structures, and the pattern that they form: a short name for a family of conformers."""

from dataclasses import dataclass

import networkx as nx
import numpy as np
from jaxtyping import Bool, Float, Int

from explorer.records.molecule import Molecule
from explorer.topology.groups import molecular_graph

# Largest distance H...A (Å) and smallest angle D-H...A (degrees): Baker & Hubbard, Prog. Biophys. Mol. Biol. 44, 97
# (1984), doi:10.1016/0079-6107(84)90007-5.
MAX_DISTANCE, MIN_ANGLE = 2.5, 120.0
NO_BONDS = "none"  # pattern of a structure without hydrogen bonds


@dataclass(frozen=True, eq=False, kw_only=True)
class HydrogenBondSites:
    """Atoms of a molecule that can form hydrogen bonds.

    Attributes:
        donors: Heavy atom and hydrogen of each N-H and O-H, shape (n_donors, 2).
        acceptors: Oxygen atoms, and nitrogen atoms with a lone pair of their own, shape (n_acceptors,).
        ring_sizes: Number of atoms in the ring that a hydrogen bond closes, hydrogen and acceptor included; 0 between
            two molecules, -1 where the acceptor is bonded to the donor.
    """

    donors: Int[np.ndarray, "D 2"]
    acceptors: Int[np.ndarray, "A"]
    ring_sizes: Int[np.ndarray, "D A"]


def hydrogen_bond_sites(molecule: Molecule) -> HydrogenBondSites:
    """Find the donors and acceptors of a molecule.

    Args:
        molecule: Molecule with bonds, or an atomic cluster, which has none.
    """
    numbers, graph = molecule.atomic_numbers, molecular_graph(molecule)
    donors = [(d, h) for d in graph for h in graph[d] if numbers[d] in (7, 8) and numbers[h] == 1]
    acceptors = [a for a in graph if numbers[a] == 8 or (numbers[a] == 7 and _has_free_lone_pair(molecule, graph, a))]
    sizes = np.zeros((len(donors), len(acceptors)), int)
    for row, (donor, hydrogen) in enumerate(donors):
        steps = nx.single_source_shortest_path_length(graph, hydrogen)
        sizes[row] = [-1 if a == donor or a in graph[donor] else steps[a] + 1 if a in steps else 0 for a in acceptors]
    return HydrogenBondSites(
        donors=np.array(donors, int).reshape(-1, 2), acceptors=np.array(acceptors, int), ring_sizes=sizes
    )


def _has_free_lone_pair(molecule: Molecule, graph: nx.Graph, nitrogen: int) -> bool:
    """Whether the lone pair of a nitrogen is not shared with a neighbour: amines, imines and pyridines, not amides."""
    if molecule.formal_charges[nitrogen] > 0:
        return False
    if len(graph[nitrogen]) < 3:  # its own double bond leaves the lone pair in the plane
        return True
    return all(graph.edges[a, b]["order"] == 1 for a in graph[nitrogen] for b in graph[a])


def hydrogen_bonds(sites: HydrogenBondSites, positions: Float[np.ndarray, "B N 3"]) -> Bool[np.ndarray, "B D A"]:
    """Return which donors and acceptors form a hydrogen bond: H...A up to 2.5 Å and D-H...A of at least 120°.

    Args:
        sites: Sites of the molecule.
        positions: Structures, Å.

    Source: Baker & Hubbard, Prog. Biophys. Mol. Biol. 44, 97 (1984), doi:10.1016/0079-6107(84)90007-5.
    """
    hydrogens = positions[:, sites.donors[:, 1], None]
    to_acceptor = positions[:, None, sites.acceptors] - hydrogens
    to_donor = positions[:, sites.donors[:, 0], None] - hydrogens
    distance = np.linalg.norm(to_acceptor, axis=-1)
    length = np.maximum(distance, 1e-9) * np.linalg.norm(to_donor, axis=-1)
    cosine = (to_acceptor * to_donor).sum(axis=-1) / length
    near = (distance <= MAX_DISTANCE) & (cosine <= np.cos(np.radians(MIN_ANGLE)))
    return near & (sites.ring_sizes >= 0)


def hydrogen_bond_patterns(molecule: Molecule, positions: Float[np.ndarray, "B N 3"]) -> list[str]:
    """Return the pattern of hydrogen bonds of each structure, such as `C10+C7+C7`.

    Cn is a bond that closes a ring of n atoms (C7 is the γ turn of a peptide, C10 the β turn, C13 the turn of the α
    helix), D one between two molecules. A structure without hydrogen bonds has the pattern `none`.

    Args:
        molecule: Molecule to which the structures belong.
        positions: Structures, Å.
    """
    sites = hydrogen_bond_sites(molecule)
    patterns = []
    for present in hydrogen_bonds(sites, np.asarray(positions, float).reshape(-1, molecule.n_atoms, 3)):
        sizes = sorted(sites.ring_sizes[present].tolist(), reverse=True)
        patterns.append("+".join(f"C{n}" if n else "D" for n in sizes) or NO_BONDS)
    return patterns


def family_label(pattern: str) -> str:
    """Return a pattern of hydrogen bonds as the legend of a figure.

    Args:
        pattern: Pattern from `hydrogen_bond_patterns`.
    """
    return "no hydrogen bond" if pattern == NO_BONDS else pattern
