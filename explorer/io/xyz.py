"""Reader of XYZ and extended XYZ files."""

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from ase.data import atomic_masses, chemical_symbols
from jaxtyping import Float, Int

from explorer.errors import InputError
from explorer.io.cell import without_cell
from explorer.io.energies import energy_of_comment
from explorer.io.frames import read_frames
from explorer.io.structure import Frame, Structure, coordinates, element

_WHOLE_NUMBER = re.compile(r"[-+]?[0-9]{1,3}(?:\.0*)?")
# after a colon only a number is a value, because prose has colons as well
_VALUE = r"""\s*(?:=\s*(?:"([^"]*)"|'([^']*)'|([^\s,;]*))|:\s*([-+]?\d+)(?=[\s,;]|$))"""
_CHARGE_KEY = re.compile(r"(?:^|[\s,;])(?:total_)?charge" + _VALUE, re.IGNORECASE)
_MULTIPLICITY_KEY = re.compile(r"(?:^|[\s,;])(?:spin_)?multiplicity" + _VALUE, re.IGNORECASE)
_PROPERTIES_KEY = re.compile(r'(?:^|\s)Properties\s*=\s*"?([^\s"]+)', re.IGNORECASE)
_HEAVIEST = 500  # amu; the heaviest known nuclide has 294
_QM9 = re.compile(r"gdb\s+\d+\s")  # comment line of a file of the QM9 data
_LATTICE_KEY = re.compile(r"""(?:^|\s)Lattice\s*=\s*(["']?)(.*?)(?:\1|$)""", re.IGNORECASE)
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
    texts = [lines[k].split()[species] for k in atoms]
    symbols = [t.capitalize() if t.isalpha() else chemical_symbols[z] for t, z in zip(texts, numbers, strict=True)]
    energy, remarks = energy_of_comment(comment)
    if "move_mask" in columns:
        remarks = (*remarks, "The constraints (move_mask) are ignored: all atoms move.")
    structure = Structure(
        title=title,
        atomic_numbers=numbers,
        positions=np.array(positions),
        atom_names=tuple(f"{symbol}{i + 1}" for i, symbol in enumerate(symbols)),
        lines=tuple(k + 1 for k in atoms),
        charge=_integer(_CHARGE_KEY, comment, f"{comment_at}: the charge"),
        multiplicity=_integer(_MULTIPLICITY_KEY, comment, f"{comment_at}: the multiplicity"),
        energy=energy,
        remarks=remarks,
    )
    structure = replace(structure, isotopes=isotopes) if isotopes.any() else structure
    return without_cell(structure, _cell(comment))


def _cell(comment: str) -> Float[np.ndarray, "3 3"] | None:
    """Return the cell vectors (Å) of a periodic extended XYZ frame; NaN for a cell that cannot be read."""
    lattice, periodic = _LATTICE_KEY.search(comment), _PBC_KEY.search(comment)
    if lattice is None or (periodic and "t" not in periodic[1].lower() and "1" not in periodic[1]):
        return None
    try:
        return np.array(lattice[2].replace(",", " ").split(), dtype=float).reshape(3, 3)
    except ValueError:
        return np.full((3, 3), np.nan)


def _integer(key: re.Pattern[str], comment: str, what: str) -> int | None:
    """Return the whole number that a comment line states by a key; None for none."""
    found = ["".join(filter(None, match.groups())).strip() for match in key.finditer(comment)]
    stated = [text for text in found if text.lower() != "none"]  # as ASE and others write what is not known
    values = {round(float(text)) for text in stated if _WHOLE_NUMBER.fullmatch(text)}
    if not stated:
        return None
    if len(values) != 1 or not all(map(_WHOLE_NUMBER.fullmatch, stated)):
        received = " and ".join(repr(text[:40]) for text in stated[:2])
        raise InputError(f"{what} must be one whole number, received {received}. Correct the comment line.")
    return values.pop()


def _mass(text: str, where: str) -> float:
    try:
        mass = float(text)
    except ValueError:
        mass = np.nan
    if not 0 <= mass <= _HEAVIEST:
        raise InputError(
            f"{where}: a mass between 0 and {_HEAVIEST} amu was expected, received {text[:40]!r}. Correct the line."
        )
    return mass


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
