"""Reader of XYZ and extended XYZ files."""

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from ase.data import atomic_masses
from jaxtyping import Float, Int

from explorer.errors import InputError
from explorer.io.cell import without_cell
from explorer.io.energies import energy_of_comment
from explorer.io.frames import read_frames
from explorer.io.structure import Frame, Structure, coordinates, element

_CHARGE_KEY = re.compile(r'(?:^|\s)(?:total_)?charge\s*=\s*"?([-+]?\d+\.?\d*)"?(?:\s|$)', re.IGNORECASE | re.ASCII)
_MULTIPLICITY_KEY = re.compile(
    r'(?:^|\s)(?:spin_)?multiplicity\s*=\s*"?([-+]?\d+\.?\d*)"?(?:\s|$)', re.IGNORECASE | re.ASCII
)
_PROPERTIES_KEY = re.compile(r'(?:^|\s)Properties\s*=\s*"?([^\s"]+)', re.IGNORECASE)

_QM9 = re.compile(r"gdb\s+\d+\s")  # comment line of a file of the QM9 data
_LATTICE_KEY = re.compile(r'(?:^|\s)Lattice\s*=\s*"([^"]*)"', re.IGNORECASE)
_PBC_KEY = re.compile(r'(?:^|\s)pbc\s*=\s*"?([^"]*)"?', re.IGNORECASE)


def parse_xyz(text: str, name: str) -> list[Frame]:
    """Read all frames, with charge, multiplicity and energy of their comment lines.

    A frame with a bad line is an error in the list; the frames after it are read.

    Args:
        text: Content of the file.
        name: Name of the file, for titles and error messages.
    """
    return read_frames(text, name, _extent, _frame)


def _extent(lines: Sequence[str], start: int, name: str) -> tuple[range, int]:
    line, where = lines[start].strip(), f"{name}, line {start + 1}"
    if not re.fullmatch("[0-9]{1,9}", line) or int(line) < 1:
        raise InputError(f"{where}: the number of atoms was expected, received {line[:40]!r}. Correct the line.")
    n_lines = max(0, len(lines) - start - 2)
    if n_lines < int(line):
        raise InputError(
            f"{where}: {int(line)} atoms were expected, received {n_lines} lines. "
            "The file is truncated; obtain the complete file."
        )
    atoms = range(start + 2, start + 2 + int(line))
    n_more = 3 if _QM9.match(lines[start + 1]) else 0  # wavenumbers, SMILES and InChI
    return atoms, atoms.stop + n_more


def _frame(lines: Sequence[str], atoms: range, title: str, name: str) -> Structure:
    comment, comment_at = lines[atoms.start - 1], f"{name}, line {atoms.start}"
    columns = _columns(comment, comment_at)
    species, position = columns["species"], columns["pos"]
    elements, positions, masses = [], [], []
    for k in atoms:
        where = f"{name}, line {k + 1}"
        fields = lines[k].split()
        if len(fields) < max(species + 1, position + 3, columns.get("masses", 0) + 1):
            raise InputError(
                f"{where}: an element and three coordinates were expected, received {lines[k].strip()[:60]!r}. "
                "Correct the line."
            )
        elements.append(element(fields[species], where))
        numbers_of_qm9 = [field.replace("*^", "e") for field in fields[position : position + 3]]
        positions.append(coordinates(numbers_of_qm9, where))
        masses.append(_mass(fields[columns["masses"]], where) if "masses" in columns else 0.0)
    numbers = np.array([one.number for one in elements])
    isotopes = np.array([one.isotope for one in elements])
    if "masses" in columns:
        isotopes = np.where(isotopes > 0, isotopes, _isotopes(numbers, np.array(masses)))
    symbols = [lines[k].split()[species] for k in atoms]
    energy, remarks = energy_of_comment(comment)
    if "move_mask" in columns:
        remarks = (*remarks, "The constraints (move_mask) are ignored: all atoms move.")
    structure = Structure(
        title=title,
        atomic_numbers=numbers,
        positions=np.array(positions),
        atom_names=tuple(f"{symbol.capitalize()}{i + 1}" for i, symbol in enumerate(symbols)),
        lines=tuple(k + 1 for k in atoms),
        charge=_integer(_CHARGE_KEY, comment, f"{comment_at}: the charge"),
        multiplicity=_integer(_MULTIPLICITY_KEY, comment, f"{comment_at}: the multiplicity"),
        energy=energy,
        remarks=remarks,
    )
    structure = replace(structure, isotopes=isotopes) if isotopes.any() else structure
    return without_cell(structure, _cell(comment))


def _cell(comment: str) -> Float[np.ndarray, "3 3"] | None:
    """Return the cell vectors (Å) of a periodic extended XYZ frame."""
    lattice, periodic = _LATTICE_KEY.search(comment), _PBC_KEY.search(comment)
    values = lattice[1].split() if lattice else []
    if len(values) != 9 or (periodic and "t" not in periodic[1].lower() and "1" not in periodic[1]):
        return None
    try:
        return np.array(values, dtype=float).reshape(3, 3)
    except ValueError:
        return None


def _integer(key: re.Pattern[str], comment: str, what: str) -> int | None:
    match = key.search(comment)
    if match is None:
        return None
    value = float(match[1])
    if abs(value) > 1000 or value != round(value):
        raise InputError(f"{what} must be a whole number, received {match[1][:40]}. Correct the comment line.")
    return round(value)


def _mass(text: str, where: str) -> float:
    return coordinates([text, "0", "0"], where)[0]


def _isotopes(numbers: Int[np.ndarray, "N"], masses: Float[np.ndarray, "N"]) -> Int[np.ndarray, "N"]:
    """Return mass numbers for masses (amu) that are not the standard ones."""
    return np.where(np.abs(masses - atomic_masses[numbers]) > 0.3, np.rint(masses), 0).astype(int)


def _columns(comment: str, where: str) -> dict[str, int]:
    """Return the first column of species, pos and others by name; 0 and 1 in a plain XYZ file."""
    match = _PROPERTIES_KEY.search(comment)
    if match is None:
        return {"species": 0, "pos": 1}
    parts = match.group(1).split(":")
    first, columns = 0, {}
    for name, width in zip(parts[::3], parts[2::3], strict=False):
        columns[name.lower()] = first
        first += int(width) if re.fullmatch("[0-9]{1,3}", width) else 1
    if "pos" not in columns or not columns.keys() & {"species", "z", "numbers"}:
        raise InputError(
            f"{where}: Properties with species and pos was expected, received {match.group(1)[:60]!r}. "
            "Add these columns."
        )
    columns["species"] = next(columns[key] for key in ("species", "z", "numbers") if key in columns)
    return columns
