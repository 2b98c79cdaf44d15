"""Symmetry classes of atoms by colour refinement of the bond graph."""

import numpy as np
from jaxtyping import Int


def symmetry_classes(
    atomic_numbers: Int[np.ndarray, "N"],
    bonds: Int[np.ndarray, "n_bonds 2"],
    marks: Int[np.ndarray, "N"] | None = None,
) -> Int[np.ndarray, "N"]:
    """Rank atoms by iterated refinement of element and neighbourhood (colour refinement).

    Bond orders are not used. The two oxygens of a carboxylate and the nitrogens of a guanidinium are therefore
    equivalent in every Kekulé structure.

    Args:
        atomic_numbers: Atomic number of each atom.
        bonds: Index pairs.
        marks: Labels that distinguish atoms of one element from the start; all equal by default.

    Returns:
        Ranks from 0. Atoms with different ranks are not related by any automorphism of the graph.

    Source: Weisfeiler & Leman (1968); Morgan, J. Chem. Doc. 5, 107 (1965), doi:10.1021/c160017a018.
    """
    neighbours: list[list[int]] = [[] for _ in atomic_numbers]
    for i, j in np.asarray(bonds).reshape(-1, 2).tolist():
        neighbours[i].append(j)
        neighbours[j].append(i)
    marks = np.zeros(len(neighbours), int) if marks is None else marks
    keys: list[tuple[int, ...]] = list(zip(map(int, atomic_numbers), map(int, marks), strict=True))
    while True:
        order = {key: rank for rank, key in enumerate(sorted(set(keys)))}
        ranks = [order[key] for key in keys]
        keys = [(ranks[i], *sorted(ranks[j] for j in neighbours[i])) for i in range(len(ranks))]
        if len(set(keys)) == len(order):
            return np.array(ranks, dtype=int)
