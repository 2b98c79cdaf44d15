"""Reader of XYZ and extended XYZ files."""

import re

import numpy as np

from explorer.errors import InputError
from explorer.io.structure import Structure, atomic_number, coordinates

_CHARGE_KEY = re.compile(r'(?:^|\s)(?:total_)?charge\s*=\s*"?([-+]?\d+)(?:\.0*)?"?(?:\s|$)', re.IGNORECASE)
_MULTIPLICITY_KEY = re.compile(r'(?:^|\s)(?:spin_)?multiplicity\s*=\s*"?(\d+)(?:\.0*)?"?(?:\s|$)', re.IGNORECASE)
_ENERGY_KEY = re.compile(r'(?:^|\s)energy\s*=\s*"?([-+]?\d+\.?\d*(?:e[-+]?\d+)?)"?(?:\s|$)', re.IGNORECASE)
_PROPERTIES_KEY = re.compile(r'(?:^|\s)Properties\s*=\s*"?([^\s"]+)', re.IGNORECASE)


def parse_xyz(text: str, name: str) -> list[Structure]:
    """Read all frames, with `charge=`, `multiplicity=` and `energy=` of their comment lines.

    Args:
        text: Content of the file.
        name: Name of the file, for titles and error messages.

    Raises:
        InputError: If a line cannot be read; the message gives its number.
    """
    lines = text.splitlines()
    structures = []
    start = 0
    while start < len(lines):
        if not lines[start].strip():
            start += 1
            continue
        n_atoms = _count(lines[start], f"{name}, line {start + 1}")
        if len(lines) < start + 2 + n_atoms:
            raise InputError(
                f"{name}, line {start + 1}: {n_atoms} atoms were expected, received "
                f"{max(0, len(lines) - start - 2)} lines. The file is truncated; obtain the complete file."
            )
        title = f"{name}, frame {len(structures) + 1}" if structures else name
        structures.append(_frame(lines, start, n_atoms, title, name))
        start += 2 + n_atoms
    return structures


def _count(line: str, where: str) -> int:
    if not line.strip().isdigit() or int(line) < 1:
        raise InputError(
            f"{where}: the number of atoms was expected, received {line.strip()[:40]!r}. Correct the line."
        )
    return int(line)


def _frame(lines: list[str], start: int, n_atoms: int, title: str, name: str) -> Structure:
    comment = lines[start + 1]
    species, position = _columns(comment, f"{name}, line {start + 2}")
    numbers, positions = [], []
    for k in range(start + 2, start + 2 + n_atoms):
        where = f"{name}, line {k + 1}"
        fields = lines[k].split()
        if len(fields) < max(species + 1, position + 3):
            raise InputError(
                f"{where}: an element and three coordinates were expected, received {lines[k].strip()!r}. "
                "Correct the line."
            )
        numbers.append(atomic_number(fields[species], where))
        positions.append(coordinates(fields[position : position + 3], where))
    symbols = [lines[k].split()[species] for k in range(start + 2, start + 2 + n_atoms)]
    charge, multiplicity, energy = (key.search(comment) for key in (_CHARGE_KEY, _MULTIPLICITY_KEY, _ENERGY_KEY))
    return Structure(
        title=title,
        atomic_numbers=np.array(numbers),
        positions=np.array(positions),
        atom_names=tuple(f"{symbol.capitalize()}{i + 1}" for i, symbol in enumerate(symbols)),
        lines=tuple(range(start + 3, start + 3 + n_atoms)),
        charge=int(charge.group(1)) if charge else None,
        multiplicity=int(multiplicity.group(1)) if multiplicity else None,
        energy=float(energy.group(1)) if energy else None,
    )


def _columns(comment: str, where: str) -> tuple[int, int]:
    """Return the first columns of species and positions; 0 and 1 in a plain XYZ file."""
    match = _PROPERTIES_KEY.search(comment)
    if match is None:
        return 0, 1
    parts = match.group(1).split(":")
    first, columns = 0, {}
    for name, width in zip(parts[::3], parts[2::3], strict=False):
        columns[name.lower()] = first
        first += int(width) if width.isdigit() else 1
    if "pos" not in columns or not columns.keys() & {"species", "z", "numbers"}:
        raise InputError(
            f"{where}: Properties with species and pos was expected, received {match.group(1)!r}. Add these columns."
        )
    species = next(columns[key] for key in ("species", "z", "numbers") if key in columns)
    return species, columns["pos"]
