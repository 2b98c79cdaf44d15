"""Whether a structure can be explored: each refusal says what, where and what to do."""

from collections.abc import Iterable

import networkx as nx
import numpy as np
from ase.data import chemical_symbols
from jaxtyping import Int

from explorer.errors import InputError
from explorer.io.perceive import Perception
from explorer.io.structure import Structure
from explorer.records.molecule import Molecule

CLOSEST = 0.5  # Å; the shortest bond, H-H, has 0.74


def check_overlap(structure: Structure) -> None:
    """Refuse two atoms on top of each other (closer than 0.5 Å)."""
    positions = structure.positions
    distances = np.linalg.norm(positions[:, None] - positions[None], axis=-1)
    np.fill_diagonal(distances, np.inf)
    i, j = sorted(divmod(int(distances.argmin()), len(distances)))
    if distances[i, j] < CLOSEST:
        raise InputError(
            f"{structure.title}: {structure.where(i)} and {structure.where(j)} are on top of each other "
            f"({distances[i, j]:.2f} Å apart). Remove one of them or correct its position."
        )


def check_one_molecule(structure: Structure, bonds: Int[np.ndarray, "n_bonds 2"]) -> None:
    """Refuse a structure whose bonds do not connect all atoms."""
    graph = nx.Graph()
    graph.add_nodes_from(range(len(structure.atomic_numbers)))
    graph.add_edges_from(map(tuple, bonds.tolist()))
    parts = sorted(nx.connected_components(graph), key=len, reverse=True)
    if len(parts) > 1:
        sizes = ", ".join(str(len(part)) for part in parts[:4]) + (", ..." if len(parts) > 4 else "")
        raise InputError(
            f"{structure.title} holds {len(parts)} separate molecules ({sizes} atoms); one was wanted. "
            f"The second begins at {structure.where(min(parts[1]))}: keep one molecule in the file, no water, no ions."
        )


def check_hydrogens(structure: Structure, perception: Perception, charge: int | None) -> None:
    """Refuse atoms with too few neighbours, and doubtful charges that nobody stated."""
    numbers = structure.atomic_numbers
    if not (numbers == 1).any() and (numbers == 6).any() and perception.lacking:
        raise InputError(
            f"{structure.title} has no hydrogens; all of them were wanted. Add them first, for example with "
            "PDBFixer, reduce or Open Babel (obabel -h)."
        )
    crowded = [i for i in perception.lacking if (perception.bonds == i).sum() > 4 or numbers[i] == 1]
    if crowded:
        raise InputError(
            f"{structure.title}: {structure.where(crowded[0])} has {(perception.bonds == crowded[0]).sum()} neighbours "
            "within bonding distance. Correct the positions, or give bonds in an SDF file."
        )
    if perception.lacking:
        raise InputError(
            f"{structure.title}: {structure.where(perception.lacking[0])} lacks a hydrogen"
            f"{_others(perception.lacking)}. Add hydrogens (for example with PDBFixer, reduce or Open Babel); "
            "if it is an unusual ion, pass --charge."
        )
    if perception.doubtful and charge is None:
        total = int(perception.charges.sum())
        raise InputError(
            f"{structure.title}: {structure.where(perception.doubtful[0])} lacks a hydrogen or is charged"
            f"{_others(perception.doubtful)}. Add the hydrogen, or pass --charge {total} if the molecule is that ion."
        )


def _others(atoms: tuple[int, ...]) -> str:
    return f", and {len(atoms) - 1} more atoms do" if len(atoms) > 1 else ""


def check_electrons(title: str, atomic_numbers: Int[np.ndarray, "N"], charge: int, multiplicity: int) -> None:
    """Refuse a multiplicity that the number of electrons cannot have."""
    n_electrons = int(atomic_numbers.sum()) - charge
    if multiplicity < 1 or n_electrons < multiplicity - 1 or (n_electrons - multiplicity + 1) % 2:
        raise InputError(
            f"{title}: {n_electrons} electrons (charge {charge}) cannot have multiplicity {multiplicity}. "
            "Correct --charge or the multiplicity."
        )


def check_elements(molecule: Molecule, trained_elements: Iterable[int], model_name: str) -> None:
    """Refuse a molecule with an element that the model was not trained on."""
    known = {int(number) for number in trained_elements}
    for i, number in enumerate(molecule.atomic_numbers.tolist()):
        if number not in known:
            elements = " ".join(chemical_symbols[n] for n in sorted(known))
            raise InputError(
                f"{molecule.name}: atom {i + 1} ({molecule.atom_names[i]}) is {chemical_symbols[number]}, but the "
                f"model {model_name} was trained on {elements} only. Choose another with --potential, or train one."
            )
