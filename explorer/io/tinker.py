"""Reader of Tinker XYZ files: numbered atoms with names, coordinates, types and bonded atoms."""

import re
from collections.abc import Sequence

import numpy as np
from ase.data import atomic_numbers as ATOMIC_NUMBERS

from explorer.errors import InputError
from explorer.io.frames import read_frames
from explorer.io.structure import Frame, Structure, coordinates, element

_ATOM = re.compile(r"\s*1\s+[A-Za-z*+'\"-]\S*(?:\s+-?\d*\.\d+){3}\s+\d+(?:\s+\d+)*\s*")
_HALOGENS = ("F", "CL", "BR", "I")
_ORGANIC = "CHNOPSFI"


def is_tinker(text: str) -> bool:
    """Return whether the text of an XYZ file is in the format of Tinker: its first atom line starts with a 1.

    Args:
        text: Content of the file.
    """
    lines = text.split("\n", 3)
    is_count = re.match(r"\s*[0-9]+(?:\s|$)", lines[0]) is not None
    return is_count and any(_ATOM.fullmatch(line) for line in lines[1:3])


def parse_tinker(text: str, name: str) -> list[Frame]:
    """Read all frames; elements follow from the names of the atoms, bonds are later perceived from distances.

    Args:
        text: Content of the file.
        name: Name of the file, for titles and error messages.
    """
    return read_frames(text, name, _extent, _frame)


def _extent(lines: Sequence[str], start: int, name: str) -> tuple[range, int]:
    count = lines[start].split()[0]
    n_atoms = int(count) if re.fullmatch("[0-9]{1,9}", count) else 0
    has_cell = start + 1 < len(lines) and len(lines[start + 1].split()) == 6 and "." in lines[start + 1].split()[0]
    first = start + 1 + has_cell
    if not 0 < n_atoms <= len(lines) - first:
        raise InputError(
            f"{name}, line {start + 1}: a number of atoms and as many lines were expected, received "
            f"{lines[start].strip()[:40]!r} and {len(lines) - first} lines. Obtain the complete file."
        )
    return range(first, first + n_atoms), first + n_atoms


def _frame(lines: Sequence[str], atoms: range, title: str, name: str) -> Structure:
    numbers, positions, names = [], [], []
    for k in atoms:
        where, fields = f"{name}, line {k + 1}", lines[k].split()
        if len(fields) < 6:
            raise InputError(
                f"{where}: number, name, three coordinates and type of an atom were expected, received "
                f"{lines[k].strip()[:60]!r}. Correct the line."
            )
        numbers.append(element(_symbol(fields[1], n_bonds=len(fields) - 6), where).number)
        positions.append(coordinates(fields[2:5], where))
        names.append(f"{fields[1]}{k - atoms.start + 1}")
    return Structure(
        title=title,
        atomic_numbers=np.array(numbers),
        positions=np.array(positions),
        atom_names=tuple(names),
        lines=tuple(k + 1 for k in atoms),
    )


def _symbol(name: str, n_bonds: int) -> str:
    """Return the element of a name such as C, CA, HN, OW or Cl; CA is an alpha carbon unless it has no bonds."""
    letters = re.match("[A-Za-z]*", name)[0]  # pyright: ignore[reportOptionalSubscript]
    two = letters[:2]
    if len(two) == 2 and two.capitalize() in ATOMIC_NUMBERS:
        is_halogen = two.upper() in _HALOGENS and n_bonds <= 1
        if is_halogen or n_bonds == 0 or two[:1].upper() not in _ORGANIC or (letters == two and two[1].islower()):
            return two
    return letters[:1]
