"""Atoms as listed in a file, before bonds are perceived."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from ase.data import atomic_numbers as ATOMIC_NUMBERS
from jaxtyping import Float, Int
from rdkit import Chem

from explorer.errors import InputError

_FARTHEST = 1e6  # Å; no molecule is that large, and float64 keeps ten digits after the point below it


@dataclass(frozen=True, eq=False, kw_only=True)
class Structure:
    """One structure of a file, with its atom order and positions.

    Attributes:
        title: File name, with the number of the structure if there are several.
        atomic_numbers: Atomic number of each atom, shape (N,).
        positions: Å, shape (N, 3).
        atom_names: Labels such as "ALA2:CA" from a PDB file, otherwise such as "C1".
        lines: Line number of each atom in the file, from 1.
        charge: Total charge, e, if the file states it.
        sum_of_formal_charges: Sum of the formal charges of atoms, e, if the file states any; it may not state all.
        multiplicity: 2 S + 1, if the file states it.
        energy: eV, if the file states it with a unit or is of a program whose unit is known.
        isotopes: Mass number of each atom, 0 for the natural mixture, shape (N,); None if no atom has one.
        mol: RDKit molecule with the bonds of the file; None for a format without bonds.
        remarks: What was ignored, changed or not understood, one sentence each.
    """

    title: str
    atomic_numbers: Int[np.ndarray, "N"]
    positions: Float[np.ndarray, "N 3"]
    atom_names: tuple[str, ...]
    lines: tuple[int, ...]
    charge: int | None = None
    sum_of_formal_charges: int | None = None
    multiplicity: int | None = None
    energy: float | None = None
    isotopes: Int[np.ndarray, "N"] | None = None
    mol: Chem.Mol | None = None
    remarks: tuple[str, ...] = ()

    @property
    def n_atoms(self) -> int:
        """Number of atoms."""
        return len(self.atomic_numbers)

    def where(self, atom: int) -> str:
        """Return the label of an atom in error messages, such as `atom 5 (ALA2:CA, line 7)`.

        Args:
            atom: Index of the atom, from 0.
        """
        return f"atom {atom + 1} ({self.atom_names[atom]}, line {self.lines[atom]})"


Frame = Structure | InputError  # a structure of a file, or why it cannot be read


class Element(NamedTuple):
    """Atomic number, and mass number of an isotope or 0."""

    number: int
    isotope: int = 0


_HYDROGEN_ISOTOPES = {"D": Element(1, 2), "T": Element(1, 3)}


def element(symbol: str, where: str) -> Element:
    """Return the element of a symbol (any case; D and T are isotopes of hydrogen) or of a number in text form.

    Args:
        symbol: Element symbol or atomic number.
        where: Start of the error message.

    Raises:
        InputError: If there is no such element.
    """
    text = symbol.strip()
    if text.upper() in _HYDROGEN_ISOTOPES:
        return _HYDROGEN_ISOTOPES[text.upper()]
    is_number = text.isascii() and text.isdigit() and len(text) <= 3
    number = int(text) if is_number else ATOMIC_NUMBERS.get(text.capitalize(), 0)
    if not 1 <= number <= 118:
        raise InputError(
            f"{where}: {text[:20]!r} is not a chemical element. Correct the symbol; use Ar for a Lennard-Jones atom."
        )
    return Element(number)


def coordinates(fields: Sequence[str], where: str) -> list[float]:
    """Convert three fields of text to coordinates in Å.

    Args:
        fields: Fields of a line.
        where: Start of the error message.

    Raises:
        InputError: If the fields are not three finite numbers of reasonable size.
    """
    try:
        values = [float(field) for field in fields]
    except ValueError:
        values = []
    if len(values) != 3 or not np.all(np.abs(values) < _FARTHEST):  # also for NaN
        raise InputError(
            f"{where}: three coordinates in Å were expected, received {' '.join(fields)[:60]!r}. Correct the line."
        )
    return values
