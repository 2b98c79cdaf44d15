"""Assignment of atoms to peptide residues from the bond graph."""

from functools import cache
from itertools import product

import networkx as nx
import numpy as np
from jaxtyping import Int
from rdkit import Chem

from explorer.io.sequence import MODIFIED_SIDE_CHAINS, SIDE_CHAINS, Caps, peptide_smiles

OTHER_RESIDUE = "other"  # for atoms that belong to no known residue
# Ends that make residues in the chain and at both of its ends, and single residues with charged ends.
_CAPS: tuple[Caps, ...] = ("ace-nme", "nme", "h-nme", "ace", "ace-oh", "ace-nh2", "none")
_TAUTOMERS = {"HIE": "H"}  # the neutral tautomer that the letter H denotes


def residues_of(atomic_numbers: Int[np.ndarray, "N"], bonds: Int[np.ndarray, "n_bonds 2"]) -> list[str]:
    """Return the residue name of each atom.

    Peptide bonds and disulfides are cut. The fragments are compared with all residues, both inside a chain and at its
    ends.

    Args:
        atomic_numbers: Atomic number of each atom.
        bonds: Index pairs; bond orders are not needed.

    Returns:
        A one-letter code, the name of another protonation state or modified residue such as HIP or SEP, CYX, ACE,
        NME, or `other`.
    """
    graph = _graph(atomic_numbers, bonds)
    names = [OTHER_RESIDUE] * len(atomic_numbers)
    for fragment in _fragments(graph):
        name = _templates().get(_key(graph.subgraph(fragment)), OTHER_RESIDUE)
        if name == "CYX" and not any(_is_disulfide(graph, i, j) for i in fragment for j in graph[i]):
            name = "CYM"
        for atom in fragment:
            names[atom] = name
    return names


def _graph(atomic_numbers: Int[np.ndarray, "N"], bonds: Int[np.ndarray, "n_bonds 2"]) -> nx.Graph:
    graph = nx.Graph()
    graph.add_nodes_from((k, {"number": str(z)}) for k, z in enumerate(np.asarray(atomic_numbers).tolist()))
    graph.add_edges_from(np.asarray(bonds).tolist())
    return graph


def _fragments(graph: nx.Graph) -> list[set[int]]:
    cut = [edge for edge in graph.edges if _is_peptide_bond(graph, *edge) or _is_peptide_bond(graph, *edge[::-1])]
    cut += [(i, j) for i, j in graph.edges if _is_disulfide(graph, i, j)]
    return list(nx.connected_components(nx.restricted_view(graph, [], cut)))


def _is_disulfide(graph: nx.Graph, i: int, j: int) -> bool:
    return _number(graph, i) == _number(graph, j) == "16"


def _is_peptide_bond(graph: nx.Graph, carbon: int, nitrogen: int) -> bool:
    """Return whether C(=O)-N has another carbon at N, unlike the side chains of asparagine and glutamine."""
    if (_number(graph, carbon), _number(graph, nitrogen)) != ("6", "7") or graph.degree(carbon) != 3:
        return False
    carbonyl = any(_number(graph, k) == "8" and graph.degree(k) == 1 for k in graph[carbon])
    return carbonyl and sum(_number(graph, k) == "6" for k in graph[nitrogen]) > 1


def _number(graph: nx.Graph, atom: int) -> str:
    return graph.nodes[atom]["number"]


def _key(fragment: nx.Graph) -> str:
    return nx.weisfeiler_lehman_graph_hash(fragment, node_attr="number", iterations=6)


@cache
def _templates() -> dict[str, str]:
    """Return the names of all peptide fragments by their hash: both caps, and every residue with all chain ends."""
    acetyl, methylamine = _keys("CC(=O)NC")
    names = {acetyl: "ACE", methylamine: "NME"}
    modified = sorted({*MODIFIED_SIDE_CHAINS, "AIB", "HYP", "SAR"} - {"CYM"})  # a thiolate has the graph of CYX
    names_of_residues = ("G", "P", *SIDE_CHAINS, *modified)
    residues = {name if len(name) == 1 else f"[{name}]": _TAUTOMERS.get(name, name) for name in names_of_residues}
    for (sequence, name), caps in product([*residues.items(), ("[CYX][CYX]", "CYX")], _CAPS):
        for key in _keys(peptide_smiles(sequence, caps)):
            names.setdefault(key, name)
    return names


def _keys(smiles: str) -> list[str]:
    """Return the hashes of the fragments of a molecule, ordered by first atom."""
    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    bonds = np.array([(b.GetBeginAtomIdx(), b.GetEndAtomIdx()) for b in mol.GetBonds()])
    graph = _graph(np.array([a.GetAtomicNum() for a in mol.GetAtoms()]), bonds)
    return [_key(graph.subgraph(fragment)) for fragment in sorted(_fragments(graph), key=min)]
