"""Checks of input structures. Each error message names the problem, the atom and a remedy."""

from collections.abc import Iterable

import networkx as nx
import numpy as np
from ase.data import chemical_symbols
from jaxtyping import Int
from scipy.spatial import KDTree

from explorer.errors import InputError
from explorer.io.perceive import Perception, is_cluster
from explorer.io.structure import Structure
from explorer.records.molecule import Molecule

_OVERLAP_DISTANCE = 0.5  # Å; the shortest bond (H-H) is 0.74 Å long; not tuned
_LARGEST_GAP = 20.0  # Å; noble gases do not attract each other noticeably at half of it; not tuned
_MOST_ATOMS = 5000  # arrays of pairs of more atoms do not fit into the memory of a workstation; not tuned
_LARGEST_CLUSTER_CHARGE = 8  # e; not tuned


def check_atom_count(structure: Structure) -> None:
    """Check that a structure has at most 5000 atoms.

    Args:
        structure: Structure of a file.

    Raises:
        InputError: If there are more atoms.
    """
    if structure.n_atoms > _MOST_ATOMS:
        raise InputError(
            f"{structure.title}: at most {_MOST_ATOMS} atoms are possible, received {structure.n_atoms}. "
            "Cut out the molecule, without solvent."
        )


def check_distances(structure: Structure) -> None:
    """Check that no two atoms are closer than 0.5 Å, and that no atom of a cluster is far from all others.

    Args:
        structure: Structure of a file.

    Raises:
        InputError: If two atoms overlap or one is far away; the message names them.
    """
    if structure.n_atoms == 1:
        return
    distances, neighbours = map(np.asarray, KDTree(structure.positions).query(structure.positions, k=2))
    nearest = distances[:, 1]
    i, j = sorted((int(nearest.argmin()), int(neighbours[nearest.argmin(), 1])))
    if nearest.min() < _OVERLAP_DISTANCE:
        if i == j:  # three or more atoms at one place
            j = next(k for k in neighbours[i] if k != i)
        raise InputError(
            f"{structure.title}: {structure.where(i)} and {structure.where(j)} overlap "
            f"({nearest.min():.2f} Å apart). Remove one of them or correct its position."
        )
    if is_cluster(structure.atomic_numbers) and nearest.max() > _LARGEST_GAP:
        raise InputError(
            f"{structure.title}: the atoms of one cluster were expected, but {structure.where(int(nearest.argmax()))} "
            f"is {nearest.max():.3g} Å from the next atom. Correct its position; coordinates are in Å."
        )


def check_one_molecule(structure: Structure, bonds: Int[np.ndarray, "n_bonds 2"]) -> None:
    """Check that the bonds connect all atoms.

    Args:
        structure: Structure of a file.
        bonds: Index pairs.

    Raises:
        InputError: If there are several molecules; the message gives their sizes.
    """
    graph = nx.Graph()
    graph.add_nodes_from(range(len(structure.atomic_numbers)))
    graph.add_edges_from(map(tuple, bonds.tolist()))
    parts = sorted(nx.connected_components(graph), key=len, reverse=True)
    if len(parts) > 1:
        sizes = ", ".join(str(len(part)) for part in parts[:4]) + (", ..." if len(parts) > 4 else "")
        raise InputError(
            f"{structure.title}: one molecule was expected, received {len(parts)} separate molecules ({sizes} atoms). "
            f"The second starts at {structure.where(min(parts[1]))}. Keep one molecule without water and ions."
        )


def check_hydrogens(structure: Structure, perception: Perception, charge: int | None) -> None:
    """Check that no hydrogens are missing and that ambiguous charges were given explicitly.

    Args:
        structure: Structure of a file.
        perception: Perceived bonds and charges of the structure.
        charge: Total charge given by the user or the file, e; None if not given.

    Raises:
        InputError: If an atom lacks a hydrogen, has too many neighbours or is ambiguous; the message names the first
            one.
    """
    numbers = structure.atomic_numbers
    if not (numbers == 1).any() and (numbers == 6).any() and perception.unsaturated:
        raise InputError(
            f"{structure.title}: all hydrogens were expected, received none. Add them first, for example with "
            "PDBFixer, reduce or Open Babel (obabel -h)."
        )
    crowded = [i for i in perception.unsaturated if (perception.bonds == i).sum() > 4 or numbers[i] == 1]
    if crowded:
        raise InputError(
            f"{structure.title}: {structure.where(crowded[0])} has {(perception.bonds == crowded[0]).sum()} neighbours "
            "within bonding distance. Correct the positions, or specify the bonds in an SDF file."
        )
    if perception.unsaturated:
        raise InputError(
            f"{structure.title}: {structure.where(perception.unsaturated[0])} lacks a hydrogen"
            f"{_others(perception.unsaturated)}. Add hydrogens (for example with PDBFixer, reduce or Open Babel); "
            "for an unusual ion, pass --charge, for a radical --multiplicity."
        )
    if perception.ambiguous and charge is None:
        total = int(perception.charges.sum())
        raise InputError(
            f"{structure.title}: {structure.where(perception.ambiguous[0])} lacks a hydrogen or is charged"
            f"{_others(perception.ambiguous)}. Add the hydrogen; for an ion, pass --charge {total}; "
            f"for a radical, --multiplicity {len(perception.ambiguous) + 1}."
        )


def _others(atoms: tuple[int, ...]) -> str:
    return f", and {len(atoms) - 1} more atoms do" if len(atoms) > 1 else ""


def check_cluster_charge(structure: Structure, charge: int) -> None:
    """Check that the charge of atoms without bonds is small.

    Args:
        structure: Structure of a file.
        charge: Total charge, e.

    Raises:
        InputError: If it is larger than 8 e.
    """
    if abs(charge) > _LARGEST_CLUSTER_CHARGE:
        raise InputError(
            f"{structure.title}: a cluster with a charge of at most {_LARGEST_CLUSTER_CHARGE} was expected, "
            f"received {charge}. Correct the charge."
        )


def check_electrons(title: str, atomic_numbers: Int[np.ndarray, "N"], charge: int, multiplicity: int) -> None:
    """Check that the number of electrons allows the multiplicity.

    Args:
        title: Start of the error message.
        atomic_numbers: Atomic number of each atom.
        charge: Total charge, e.
        multiplicity: 2 S + 1.

    Raises:
        InputError: If the multiplicity is impossible; the message gives the number of electrons.
    """
    n_electrons = int(atomic_numbers.sum()) - charge
    if multiplicity < 1 or n_electrons < multiplicity - 1 or (n_electrons - multiplicity + 1) % 2:
        raise InputError(
            f"{title}: {n_electrons} electrons (charge {charge}) cannot have multiplicity {multiplicity}. "
            "Correct --charge or the multiplicity."
        )


def check_elements(molecule: Molecule, trained_elements: Iterable[int], model_name: str) -> None:
    """Check that the model was trained on all elements of the molecule.

    Args:
        molecule: Molecule to check.
        trained_elements: Atomic numbers that the model supports.
        model_name: Name of the model, for the error message.

    Raises:
        InputError: If an element is not supported; the message names the first such atom.
    """
    supported = {int(number) for number in trained_elements}
    for i, number in enumerate(molecule.atomic_numbers.tolist()):
        if number not in supported:
            elements = " ".join(chemical_symbols[n] for n in sorted(supported))
            raise InputError(
                f"{molecule.name}: atom {i + 1} ({molecule.atom_names[i]}) is {chemical_symbols[number]}, but the "
                f"model {model_name} was trained on {elements} only. Choose another with --potential, or train one."
            )
