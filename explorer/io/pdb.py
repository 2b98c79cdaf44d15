"""Reader of PDB files: atoms of every model, with residue and atom names."""

import re

import gemmi
import numpy as np
from ase.data import atomic_numbers as ATOMIC_NUMBERS

from explorer.errors import InputError
from explorer.io.cell import without_cell
from explorer.io.residue_names import is_amino_acid
from explorer.io.structure import Element, Frame, Structure, coordinates, element

_HYDROGENS = (Element(1), Element(1, 2), Element(1, 3))
_SELENIUM_RESIDUES = ("MSE", "CSE", "SEC")
_CHARGE = "[0-9]?[+-]|[+-][0-9]|0"  # of columns 79-80; programs write 2+ and +2
Record = tuple[int, str]  # line number and line


def parse_pdb(text: str, name: str) -> list[Frame]:
    """Read the structure of each model; models end with ENDMDL or END.

    CONECT records are ignored; bonds are later perceived from distances. A model with a bad line or alternate locations
    is an error in the list.

    Args:
        text: Content of the file.
        name: Name of the file, for titles and error messages.
    """
    models: list[list[Record]] = [[]]
    cell = None
    for k, line in enumerate(text.split("\n"), start=1):
        if re.match(r"MODEL\b|ENDMDL|END\s*$", line) and models[-1]:
            models.append([])
        elif line.startswith(("ATOM  ", "HETATM")):
            models[-1].append((k, line))
        elif line.startswith("CRYST1"):
            cell = _cell(line)
    models = [model for model in models if model]
    frames: list[Frame] = []
    for i, model in enumerate(models):
        try:
            frames.append(without_cell(_model(model, f"{name}, model {i + 1}" if i else name, name), cell))
        except InputError as error:
            frames.append(error)
    return frames


def _cell(line: str) -> np.ndarray | None:
    """Return the cell vectors (Å) of a CRYST1 record; None for a placeholder, as in files of NMR."""
    try:
        lengths_and_angles = [float(line[i : i + w]) for i, w in ((6, 9), (15, 9), (24, 9), (33, 7), (40, 7), (47, 7))]
    except ValueError:
        return None
    if not min(lengths_and_angles[:3]) > 1.001 or not all(20 < angle < 160 for angle in lengths_and_angles[3:]):
        return None
    return np.array(gemmi.UnitCell(*lengths_and_angles).orth.mat.tolist()).T  # NaN for angles that no cell has


def _model(records: list[Record], title: str, name: str) -> Structure:
    elements, positions, names = [], [], []
    seen: dict[tuple[str, str], str] = {}
    is_left_aligned = any(line[12:14] in ("N ", "C ", "O ", "H ") for _, line in records)
    for k, line in records:
        where = f"{name}, line {k}"
        atom, residue = line[12:16].strip(), f"{line[17:21].strip()}{line[22:27].strip()}"
        location = line[16:17].strip()
        key = (line[21:22] + residue, atom)
        if key in seen and seen[key] != location:
            raise InputError(
                f"{where}: one location of {residue}:{atom} was expected, received alternate locations "
                f"{seen[key] or 'blank'!r} and {location or 'blank'!r}. Keep one location of each atom (column 17)."
            )
        seen[key] = location
        elements.append(_element(line, where, is_left_aligned))
        positions.append(coordinates([line[c : c + 8].strip() for c in (30, 38, 46)], where))
        names.append(f"{residue}:{atom}")
    isotopes = np.array([one.isotope for one in elements])
    charges = [charge for _, line in records if (charge := _charge(line)) is not None]
    return Structure(
        title=title,
        atomic_numbers=np.array([one.number for one in elements]),
        positions=np.array(positions),
        atom_names=tuple(names),
        lines=tuple(k for k, _ in records),
        isotopes=isotopes if isotopes.any() else None,
        sum_of_formal_charges=sum(charges) if charges else None,
    )


def _charge(line: str) -> int | None:
    """Return the formal charge of columns 79-80, such as 2+; None for a blank or other content."""
    field = line[78:80].strip()
    if not re.fullmatch(_CHARGE, field):
        return None
    digits = field.strip("+-") or "1"
    return -int(digits) if "-" in field else int(digits)


def _element(line: str, where: str, is_left_aligned: bool) -> Element:
    """Read the element from columns 77-78 unless they hold something else; it must then fit the name of the atom.

    Old files have serial numbers or the name of a segment in columns 73-80.
    """
    field, charge = line[76:78], line[78:80].strip()
    symbol = field.strip()
    by_name = _element_of_name(line, is_left_aligned)
    is_serial = bool(re.fullmatch("[0-9]+[A-Za-z]?|[A-Za-z][0-9]", symbol))
    if not symbol or is_serial or (charge and not re.fullmatch(_CHARGE, charge)):
        return element(by_name, where)
    letters = line[12:16].strip().lstrip("0123456789").upper()
    known = symbol.capitalize() in ATOMIC_NUMBERS or symbol.upper() in "DT"
    fits = letters.startswith(symbol.upper()) or (
        known and element(symbol, where) in _HYDROGENS and letters[:1] in "HDT"
    )
    if not fits and (field[1:] in ("", " ") or (known and is_amino_acid(line[17:21].strip()))):
        return element(by_name, where)
    return element(symbol, where)


def _element_of_name(line: str, is_left_aligned: bool) -> str:
    """Return the element symbol that the name in columns 13-16 implies.

    Names of amino acids begin with one letter. In other residues, a symbol of two letters starts in column 13, where
    names of four characters start too.
    """
    residue, name = line[17:21].strip().upper(), line[12:16]
    letters = name.strip().lstrip("0123456789")
    if is_amino_acid(residue):
        return "Se" if residue in _SELENIUM_RESIDUES and letters.upper().startswith("SE") else letters[:1]
    aligned = name[:2].strip()
    starts_with_two = len(aligned) == 2 and aligned.isalpha() and aligned.capitalize() in ATOMIC_NUMBERS
    is_full = len(name.strip()) == 4 and aligned[:1].upper() in "HCNOSP"
    if starts_with_two and not is_full and (not is_left_aligned or residue.startswith(aligned.upper())):
        return aligned
    return letters[:1]
