"""Atoms as listed in a file, before bonds are perceived."""

from dataclasses import dataclass

import numpy as np
from ase.data import atomic_numbers as ATOMIC_NUMBERS
from jaxtyping import Float, Int

from explorer.errors import InputError


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
        multiplicity: 2 S + 1, if the file states it.
        energy: eV, if the file states it as `energy`.
    """

    title: str
    atomic_numbers: Int[np.ndarray, "N"]
    positions: Float[np.ndarray, "N 3"]
    atom_names: tuple[str, ...]
    lines: tuple[int, ...]
    charge: int | None = None
    multiplicity: int | None = None
    energy: float | None = None

    def where(self, atom: int) -> str:
        """Return the label of an atom in error messages, such as `atom 5 (ALA2:CA, line 7)`.

        Args:
            atom: Index of the atom, from 0.
        """
        return f"atom {atom + 1} ({self.atom_names[atom]}, line {self.lines[atom]})"


def atomic_number(symbol: str, where: str) -> int:
    """Return the atomic number of an element symbol (any case) or of a number in text form.

    Args:
        symbol: Element symbol or atomic number.
        where: Start of the error message.

    Raises:
        InputError: If there is no such element.
    """
    text = symbol.strip()
    number = int(text) if text.isdigit() else ATOMIC_NUMBERS.get(text.capitalize(), 0)
    if not 1 <= number <= 118:
        raise InputError(
            f"{where}: {text!r} is not a chemical element. Correct the symbol; use H for deuterium and Ar for a "
            "Lennard-Jones atom."
        )
    return number


def coordinates(fields: list[str], where: str) -> list[float]:
    """Convert three fields of text to coordinates in Å.

    Args:
        fields: Fields of a line.
        where: Start of the error message.

    Raises:
        InputError: If the fields are not three finite numbers.
    """
    try:
        values = [float(field) for field in fields]
    except ValueError:
        values = []
    if len(values) != 3 or not np.all(np.isfinite(values)):
        raise InputError(
            f"{where}: three coordinates in Å were expected, received {' '.join(fields)!r}. Correct the line."
        )
    return values
