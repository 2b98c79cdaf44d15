"""Atoms as a file lists them, before anybody knows which are bonded."""

from dataclasses import dataclass

import numpy as np
from ase.data import atomic_numbers as ATOMIC_NUMBERS
from jaxtyping import Float, Int

from explorer.errors import InputError


@dataclass(frozen=True, eq=False)
class Structure:
    """One structure of a file, atom order and positions as they stand there.

    Attributes:
        title: the file's name, with the number of the structure when there are several.
        atomic_numbers: of each atom, shape (N,).
        positions: Å, shape (N, 3).
        atom_names: "ALA2:CA" from a PDB file, otherwise "C1".
        lines: line of the file on which each atom stands, from 1.
        charge: total charge if the file states it, e.
        multiplicity: 2 S + 1 if the file states it.
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
        """How an error names an atom: `atom 5 (ALA2:CA, line 7)`."""
        return f"atom {atom + 1} ({self.atom_names[atom]}, line {self.lines[atom]})"


def atomic_number(symbol: str, where: str) -> int:
    """The atomic number of an element symbol (any case) or of a number given as text.

    Raises:
        InputError: when there is no such element; `where` opens the message.
    """
    text = symbol.strip()
    number = int(text) if text.isdigit() else ATOMIC_NUMBERS.get(text.capitalize(), 0)
    if not 1 <= number <= 118:
        raise InputError(
            f"{where}: {text!r} is not a chemical element. Correct it (deuterium is H, a Lennard-Jones atom Ar)."
        )
    return number


def coordinates(fields: list[str], where: str) -> list[float]:
    """Three numbers in Å from text.

    Raises:
        InputError: when they are not three finite numbers.
    """
    try:
        values = [float(field) for field in fields]
    except ValueError:
        values = []
    if len(values) != 3 or not np.all(np.isfinite(values)):
        raise InputError(f"{where}: three coordinates in Å were wanted, received {' '.join(fields)!r}.")
    return values
