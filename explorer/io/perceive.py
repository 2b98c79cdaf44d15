"""Perception of bonds, bond orders and formal charges from coordinates.

Neighbours are determined by distances. If all hydrogens are present, they determine the open valences of each atom.
A maximum matching of the open valences gives a Kekulé structure, in milliseconds even for a small protein. Valences
that remain open are charges (carboxylate, guanidinium) or missing hydrogens.
"""

from typing import NamedTuple

import networkx as nx
import numpy as np
from ase.data import covalent_radii
from jaxtyping import Float, Int
from rdkit import Chem
from rdkit.Chem import rdDetermineBonds
from rdkit.rdBase import BlockLogs

_VALENCES = {  # by atomic number: possible numbers of bonds of a neutral atom
    1: (1,), 5: (3,), 6: (4,), 7: (3,), 8: (2,), 9: (1,), 14: (4,), 15: (3, 5), 16: (2, 4, 6), 17: (1,), 34: (2, 4, 6),
    35: (1,), 53: (1,),
}  # fmt: skip
_CARBON, _NITROGEN, _OXYGEN, _PHOSPHORUS, _CHALCOGENS = 6, 7, 8, 15, (8, 16, 34)
BOND_FACTOR = 1.3  # multiple of the sum of covalent radii within which two atoms are bonded; not tuned
_LINEAR = 150  # degrees; angles at sp atoms are larger, those of isothiocyanates at N smaller; not tuned


class Perception(NamedTuple):
    """Bonds and charges perceived from coordinates.

    Attributes:
        bonds: Index pairs i < j, shape (n_bonds, 2).
        orders: Bond orders 1, 2 or 3, shape (n_bonds,).
        charges: Formal charges, e, shape (N,).
        unsaturated: Atoms with too few or too many neighbours for their usual valences.
        ambiguous: Atoms that are charged unless a hydrogen is missing.
        n_open: Valences that neither bonds nor charges use, shape (N,); negative where there are too many neighbours.
    """

    bonds: Int[np.ndarray, "n_bonds 2"]
    orders: Float[np.ndarray, "n_bonds"]
    charges: Int[np.ndarray, "N"]
    unsaturated: tuple[int, ...]
    ambiguous: tuple[int, ...]
    n_open: Int[np.ndarray, "N"]


def is_cluster(atomic_numbers: Int[np.ndarray, "N"]) -> bool:
    """Return whether the atoms form no covalent molecule: a single atom, or only noble gases and metals.

    Args:
        atomic_numbers: Atomic number of each atom.
    """
    return len(atomic_numbers) == 1 or not set(atomic_numbers.tolist()) & _VALENCES.keys()


def bonded_pairs(
    atomic_numbers: Int[np.ndarray, "N"], positions: Float[np.ndarray, "N 3"]
) -> Int[np.ndarray, "n_bonds 2"]:
    """Find pairs i < j closer than `BOND_FACTOR` times the sum of their covalent radii.

    A hydrogen is bonded only to the neighbour at the smallest relative distance. A short hydrogen bond is therefore
    not a bond.

    Args:
        atomic_numbers: Atomic number of each atom.
        positions: Positions, Å.

    Source: Cordero et al., Dalton Trans. 2832 (2008), doi:10.1039/b801115j (covalent radii).
    """
    radii = covalent_radii[atomic_numbers]
    distances = np.linalg.norm(positions[:, None] - positions[None], axis=-1)
    ratio = distances / (radii[:, None] + radii[None])
    np.fill_diagonal(ratio, np.inf)
    close = ratio < BOND_FACTOR
    hydrogens = np.flatnonzero(atomic_numbers == 1)
    only = np.zeros_like(close[hydrogens])
    only[np.arange(len(hydrogens)), ratio[hydrogens].argmin(axis=1)] = True
    close[hydrogens] &= only
    return np.argwhere(np.triu(close & close.T))


def perceive(atomic_numbers: Int[np.ndarray, "N"], positions: Float[np.ndarray, "N 3"]) -> Perception:
    """Perceive bonds, orders and formal charges of a closed-shell molecule with explicit hydrogens.

    Args:
        atomic_numbers: Atomic number of each atom. Elements without known valences count as monatomic ions.
        positions: Positions, Å.
    """
    bonds = bonded_pairs(atomic_numbers, positions)
    graph = nx.Graph()
    graph.add_nodes_from(range(len(atomic_numbers)))
    graph.add_edges_from(map(tuple, bonds.tolist()), order=1)
    opened, charges = _open_valences(atomic_numbers, positions, graph)
    unsaturated = [
        i for i, n in opened.items() if n < 0 or n > 2 or not _looks_unsaturated(i, n, atomic_numbers, positions, graph)
    ]
    _match(graph, opened, atomic_numbers, positions)
    ambiguous = _assign_charges(graph, opened, charges, atomic_numbers)
    unsaturated += [i for i, n in opened.items() if n > 0 and i not in unsaturated]
    orders = np.array([graph.edges[i, j]["order"] for i, j in bonds.tolist()], dtype=float)
    return Perception(
        bonds=bonds,
        orders=orders,
        charges=charges,
        unsaturated=tuple(sorted(unsaturated)),
        ambiguous=tuple(ambiguous),
        n_open=np.array([opened[i] for i in range(len(atomic_numbers))], dtype=int),
    )


def _open_valences(numbers: np.ndarray, positions: np.ndarray, graph: nx.Graph) -> tuple[dict[int, int], np.ndarray]:
    """Return valences left open by single bonds, and charges determined by the number of neighbours."""
    opened, charges = {}, np.zeros(len(numbers), dtype=int)
    for i in graph:
        n_neighbours, number = graph.degree(i), int(numbers[i])
        valence = next((v for v in _VALENCES.get(number, ()) if v >= n_neighbours), None)
        terminal = [j for j in graph[i] if numbers[j] == _OXYGEN and graph.degree(j) == 1]
        if number == _NITROGEN and (n_neighbours == 4 or (n_neighbours == 3 and len(terminal) >= 2)):
            valence, charges[i] = 4, 1  # ammonium, nitro
        elif _is_linear_nitrogen(i, numbers, positions, graph):
            valence, charges[i] = 4, 1  # azide, diazonium, diazo, isocyanide, nitrile oxide
        elif (
            number == _CARBON
            and any(_is_linear_nitrogen(j, numbers, positions, graph) for j in graph[i])
            and (n_neighbours == 1)
        ):
            valence, charges[i] = 3, -1  # isocyanide
        elif number == _OXYGEN and n_neighbours == 3:
            valence, charges[i] = 3, 1
        elif number == 5 and n_neighbours == 4:
            valence, charges[i] = 4, -1
        elif number in (16, 34) and n_neighbours == 4:
            valence = 6  # sulfone, sulfonamide
        opened[i] = -1 if valence is None else valence - n_neighbours
    return opened, charges


def _is_linear_nitrogen(i: int, numbers: np.ndarray, positions: np.ndarray, graph: nx.Graph) -> bool:
    """Return whether a nitrogen has two neighbours in a line, one of them terminal; such a nitrogen is N+."""
    if numbers[i] != _NITROGEN or graph.degree(i) != 2 or all(graph.degree(j) > 1 or numbers[j] == 1 for j in graph[i]):
        return False
    return _angles(i, positions, graph)[0] > _LINEAR


def _angles(i: int, positions: np.ndarray, graph: nx.Graph) -> Float[np.ndarray, "n_angles"]:
    """Return the bond angles at an atom, degrees."""
    vectors = positions[list(graph[i])] - positions[i]
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    first, second = np.triu_indices(len(vectors), 1)
    return np.degrees(np.arccos(np.clip(np.sum(vectors[first] * vectors[second], axis=1), -1, 1)))


def _looks_unsaturated(i: int, n_open: int, numbers: np.ndarray, positions: np.ndarray, graph: nx.Graph) -> bool:
    """Return whether the geometry fits the open valences: such a carbon is planar, linear or a carbonyl."""
    carbonyl = any(numbers[j] in _CHALCOGENS and graph.degree(j) == 1 for j in graph[i])
    if numbers[i] != _CARBON or n_open == 0 or graph.degree(i) == 1 or carbonyl:
        return True
    # three angles add up to 360 degrees for sp2, 328 for sp3; one angle is 180 for sp, 109 for sp3
    return bool(_angles(i, positions, graph).sum() > (342 if n_open == 1 else _LINEAR))


def _match(graph: nx.Graph, opened: dict[int, int], numbers: np.ndarray, positions: np.ndarray) -> None:
    """Increase bond orders by a maximum matching of open valences, preferring carbon and short bonds.

    A carbon that remains open should be next to a nitrogen that can take the charge (quinolinium). Two double bonds
    are preferred to a triple and a single one (azides).
    """
    worth = {i: 0 if numbers[i] != _CARBON else 99 if _donors(i, graph, numbers) else 100 for i in graph}
    copies = nx.Graph()
    for i, j in graph.edges:
        length = float(np.linalg.norm(positions[i] - positions[j]))
        for a in range(max(0, opened[i])):
            for b in range(max(0, opened[j])):
                copies.add_edge((i, a), (j, b), weight=worth[i] + worth[j] - length - 0.5 * (a > 0 and b > 0))
    for part in nx.connected_components(copies):
        for (i, _), (j, _) in nx.max_weight_matching(copies.subgraph(part), maxcardinality=True):
            graph.edges[i, j]["order"] += 1
            opened[i] -= 1
            opened[j] -= 1


def _assign_charges(graph: nx.Graph, opened: dict[int, int], charges: np.ndarray, numbers: np.ndarray) -> list[int]:
    """Convert remaining open valences into charges; return the atoms where a hydrogen may be missing."""
    ambiguous = []
    for i in [i for i, n in opened.items() if n == 1]:
        if numbers[i] == _CARBON:
            donors = [j for j in _donors(i, graph, numbers) if charges[j] == 0]
            if donors:  # guanidinium, amidinium, imidazolium
                donor = max(donors, key=lambda j: sum(numbers[k] == 1 for k in graph[j]))
                graph.edges[i, donor]["order"] = 2
                charges[donor], opened[i] = 1, 0
        elif numbers[i] in _CHALCOGENS and graph.degree(i) == 3:
            charges[i], opened[i] = 1, 0  # sulfonium
        elif numbers[i] == _PHOSPHORUS and graph.degree(i) == 4:
            charges[i], opened[i] = 1, 0  # phosphonium
        elif numbers[i] in (_NITROGEN, *_CHALCOGENS):
            charges[i], opened[i] = -1, 0
            if not _shares_charge(i, graph, charges, numbers):
                ambiguous.append(i)
    return ambiguous


def _donors(i: int, graph: nx.Graph, numbers: np.ndarray) -> list[int]:
    """Return the nitrogens next to an atom that have three single bonds, and so can take a positive charge."""
    return [
        j
        for j in graph[i]
        if numbers[j] == _NITROGEN and graph.degree(j) == 3 and all(graph.edges[j, k]["order"] == 1 for k in graph[j])
    ]


def _shares_charge(i: int, graph: nx.Graph, charges: np.ndarray, numbers: np.ndarray) -> bool:
    """Return whether a negative atom belongs to an azide, carboxylate, sulfonate, phosphate, nitro group or N-oxide."""
    if any(charges[j] > 0 for j in graph[i]):
        return True
    if numbers[i] == _NITROGEN:
        return False
    (centre,) = graph[i]
    partners = [j for j in graph[centre] if j != i and numbers[j] in _CHALCOGENS and graph.degree(j) == 1]
    return any(graph.edges[centre, j]["order"] == 2 for j in partners)


def perceive_with_charge(
    atomic_numbers: Int[np.ndarray, "N"], positions: Float[np.ndarray, "N 3"], charge: int
) -> Chem.Mol | None:
    """Perceive bonds with RDKit for a given total charge. It is slower than `perceive` but supports unusual valences.

    Args:
        atomic_numbers: Atomic number of each atom.
        positions: Positions, Å.
        charge: Total charge, e.

    Returns:
        RDKit molecule, or None if no combination of valences has this charge.

    Source: Kim & Kim, Bull. Korean Chem. Soc. 36, 1769 (2015), doi:10.1002/bkcs.10334.
    """
    mol = Chem.RWMol()
    for number in atomic_numbers:
        mol.AddAtom(Chem.Atom(int(number)))
    for i, j in bonded_pairs(atomic_numbers, positions):
        mol.AddBond(int(i), int(j), Chem.BondType.SINGLE)
    conformer = Chem.Conformer(len(atomic_numbers))
    conformer.SetPositions(np.array(positions, dtype=float))
    mol.AddConformer(conformer)
    try:
        with BlockLogs():
            rdDetermineBonds.DetermineBondOrders(mol, charge=charge, embedChiral=False, maxIterations=2000)
            Chem.SanitizeMol(mol)
    except (ValueError, RuntimeError):  # no valence combination carries this charge
        return None
    radical_free = all(a.GetNumRadicalElectrons() == 0 for a in mol.GetAtoms())
    return mol if Chem.GetFormalCharge(mol) == charge and radical_free else None
