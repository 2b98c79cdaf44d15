"""Which residue of a peptide each atom belongs to, from the bond graph alone."""

from functools import cache
from itertools import product

import networkx as nx
import numpy as np
from jaxtyping import Int
from rdkit import Chem

from explorer.io.build import SIDE_CHAINS, Caps, peptide_smiles

OTHER = "other"  # what is no residue, in molecules that are no peptides
CAPS: tuple[Caps, ...] = ("ace-nme", "ace", "nme", "none")
SAME = {"HIE": "H"}  # the neutral tautomer that stands for histidine


def residues_of(atomic_numbers: Int[np.ndarray, "N"], bonds: Int[np.ndarray, "n_bonds 2"]) -> list[str]:
    """The residue of each atom: a letter, another protonation state such as HIP, CYX, ACE, NME, or `other`.

    Peptide bonds and disulfides are cut; what is left is compared with all residues, inside a chain and at its ends.

    Args:
        atomic_numbers: of a molecule.
        bonds: index pairs; their orders are not needed.
    """
    graph = _graph(atomic_numbers, bonds)
    names = [OTHER] * len(atomic_numbers)
    for piece in _pieces(graph):
        name = _templates().get(_key(graph.subgraph(piece)), OTHER)
        for atom in piece:
            names[atom] = name
    return names


def _graph(atomic_numbers: Int[np.ndarray, "N"], bonds: Int[np.ndarray, "n_bonds 2"]) -> nx.Graph:
    graph = nx.Graph()
    graph.add_nodes_from((k, {"number": str(z)}) for k, z in enumerate(np.asarray(atomic_numbers).tolist()))
    graph.add_edges_from(np.asarray(bonds).tolist())
    return graph


def _pieces(graph: nx.Graph) -> list[set[int]]:
    cut = [edge for edge in graph.edges if _is_peptide_bond(graph, *edge) or _is_peptide_bond(graph, *edge[::-1])]
    cut += [(i, j) for i, j in graph.edges if _number(graph, i) == _number(graph, j) == "16"]
    return list(nx.connected_components(nx.restricted_view(graph, [], cut)))


def _is_peptide_bond(graph: nx.Graph, carbon: int, nitrogen: int) -> bool:
    """C(=O)-N whose nitrogen has another carbon; those of asparagine and glutamine have hydrogens only."""
    if (_number(graph, carbon), _number(graph, nitrogen)) != ("6", "7") or graph.degree(carbon) != 3:
        return False
    carbonyl = any(_number(graph, k) == "8" and graph.degree(k) == 1 for k in graph[carbon])
    return carbonyl and sum(_number(graph, k) == "6" for k in graph[nitrogen]) > 1


def _number(graph: nx.Graph, atom: int) -> str:
    return graph.nodes[atom]["number"]


def _key(piece: nx.Graph) -> str:
    return nx.weisfeiler_lehman_graph_hash(piece, node_attr="number", iterations=6)


@cache
def _templates() -> dict[str, str]:
    """Names of all pieces of peptides by their key: the two caps, and every residue between all kinds of ends."""
    acetyl, methylamine = _keys("CC(=O)NC")
    found = {acetyl: "ACE", methylamine: "NME"}
    residues = {name if len(name) == 1 else f"[{name}]": SAME.get(name, name) for name in ("G", "P", *SIDE_CHAINS)}
    for (sequence, name), caps in product([*residues.items(), ("[CYX][CYX]", "CYX")], CAPS):
        for key in _keys(peptide_smiles(sequence, caps)):
            found.setdefault(key, name)
    return found


def _keys(smiles: str) -> list[str]:
    """Of the pieces of a molecule, in the order of their first atoms."""
    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    bonds = np.array([(b.GetBeginAtomIdx(), b.GetEndAtomIdx()) for b in mol.GetBonds()])
    graph = _graph(np.array([a.GetAtomicNum() for a in mol.GetAtoms()]), bonds)
    return [_key(graph.subgraph(piece)) for piece in sorted(_pieces(graph), key=min)]
