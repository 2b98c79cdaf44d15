"""Local environments of atoms: element, formal charge and bonded neighbours, as text keys and in words."""

import re
from collections.abc import Iterable
from itertools import combinations

import numpy as np
from ase.data import atomic_names, chemical_symbols
from jaxtyping import Float, Int

from explorer.records.molecule import Molecule

# Names of groups by their environment, for messages. Environments that are not listed are described by their atoms.
_GROUPS = {
    "S- C(C H H S)": "thiolate sulfur",
    "O- C(C C O)": "phenolate or enolate oxygen",
    "O- C(C H H O)": "alkoxide oxygen",
    "O- C(C C H O)": "alkoxide oxygen",
    "N C H": "imine nitrogen",
    "N C": "nitrile nitrogen",
    "N N": "azide nitrogen",
    "C N N N": "guanidine carbon",
}


def local_environments(
    atomic_numbers: Int[np.ndarray, "N"], bonds: Int[np.ndarray, "n_bonds 2"], charges: Int[np.ndarray, "N"]
) -> list[str]:
    """Return the environment of each atom, such as `C C H H N` or `O- C(C O O)`.

    It is the element with its formal charge, and the elements of the bonded atoms. For a charged atom, each of these
    has its own neighbours in brackets, since a phenolate and a carboxylate differ only there. A carbon between two or
    three atoms of N and O also has their charges, since a guanidine and a guanidinium differ only there. An atom in a
    ring of three or four has the size of its smallest ring, such as `C C C H H (ring of 3)`: its angles are strained.

    Args:
        atomic_numbers: Atomic number of each atom.
        bonds: Index pairs.
        charges: Formal charge of each atom, e.
    """
    symbols = [chemical_symbols[z] for z in atomic_numbers]
    neighbours: list[list[int]] = [[] for _ in symbols]
    for i, j in np.asarray(bonds, dtype=int).reshape(-1, 2).tolist():
        neighbours[i].append(j)
        neighbours[j].append(i)

    def listed(atom: int) -> str:
        return " ".join(sorted(symbols[k] for k in neighbours[atom]))

    def signed(atom: int) -> str:
        charge = int(charges[atom])
        size = str(abs(charge)) if abs(charge) > 1 else ""
        return symbols[atom] + ("" if not charge else "+" + size if charge > 0 else "-" + size)

    def of(atom: int) -> str:
        around = neighbours[atom]
        if not charges[atom]:
            shares_charge = symbols[atom] == "C" and len(around) == 3 and sum(symbols[k] in "NO" for k in around) > 1
            texts = sorted(map(signed, around)) if shares_charge else [listed(atom)]
            return " ".join([symbols[atom], *texts]).strip()
        return " ".join(
            [signed(atom), *sorted(f"{symbols[k]}({listed(k)})" if symbols[k] != "H" else "H" for k in around)]
        )

    def ring(atom: int) -> str:
        pairs = list(combinations(neighbours[atom], 2))
        if any(k in neighbours[j] for j, k in pairs):
            return " (ring of 3)"
        is_in_four = any(set(neighbours[j]) & set(neighbours[k]) - {atom} for j, k in pairs)
        return " (ring of 4)" if is_in_four else ""

    return [of(atom) + ring(atom) for atom in range(len(symbols))]


def resonance_environments(
    atomic_numbers: Int[np.ndarray, "N"],
    bonds: Int[np.ndarray, "n_bonds 2"],
    orders: Float[np.ndarray, "n_bonds"],
    charges: Int[np.ndarray, "N"],
) -> set[str]:
    """Return the environments of all atoms, for every equal place of each charge.

    A charge may stand on either oxygen of a carboxylate and on any nitrogen of a guanidinium. It may stand on an atom
    of the same element that shares an unsaturated neighbour with the charged atom.

    Args:
        atomic_numbers: Atomic number of each atom.
        bonds: Index pairs.
        orders: Bond orders.
        charges: Formal charge of each atom, e.
    """
    order = {frozenset(pair): value for pair, value in zip(np.asarray(bonds).tolist(), orders.tolist(), strict=True)}
    near: dict[int, list[int]] = {}
    for i, j in np.asarray(bonds).tolist():
        near.setdefault(i, []).append(j)
        near.setdefault(j, []).append(i)
    found = set(local_environments(atomic_numbers, bonds, charges))
    for a in np.flatnonzero(charges).tolist():
        for centre in near.get(a, []):
            for b in near[centre]:
                unsaturated = max(order[frozenset((a, centre))], order[frozenset((b, centre))]) > 1
                if b != a and unsaturated and atomic_numbers[b] == atomic_numbers[a] and not charges[b]:
                    moved = charges.copy()
                    moved[a], moved[b] = 0, charges[a]
                    found |= set(local_environments(atomic_numbers, bonds, moved))
    return found


def describe_environment(environment: str) -> str:
    """Return an environment in words.

    >>> describe_environment("S- C(C H H S)")
    'thiolate sulfur S(-) bonded to C'
    """
    strained = re.search(r" \(ring of (\d)\)$", environment)
    ring = f", in a ring of {strained[1]} atoms" if strained else ""
    atom, *around = _parts(environment)
    symbol = atom.rstrip("+-0123456789")
    charge = atom.removeprefix(symbol)
    name = _GROUPS.get(environment, f"{atomic_names[chemical_symbols.index(symbol)].lower()}")
    bonded = f"bonded to {', '.join(around)}" if around else "without bonds"
    return f"{name} {symbol}{f'({charge})' if charge else ''} {bonded}{ring}"


def describe_unseen(molecule: Molecule, known: Iterable[str]) -> list[str]:
    """Return the atoms of a molecule whose environments are not among known ones, in words with an atom name.

    Args:
        molecule: Molecule; its positions are not used.
        known: Environments as texts.
    """
    known, found = set(known), {}
    environments = local_environments(molecule.atomic_numbers, molecule.bonds, molecule.formal_charges)
    for atom, environment in enumerate(environments):
        if environment not in known:
            found.setdefault(environment, []).append(molecule.atom_names[atom] if molecule.atom_names else f"{atom}")
    return [f"{describe_environment(one)} (atom {', '.join(atoms[:3])})" for one, atoms in found.items()]


def _parts(environment: str) -> list[str]:
    """Return the atom and the elements of its neighbours, without what stands in brackets."""
    return re.sub(r"\([^)]*\)", "", environment).split()
