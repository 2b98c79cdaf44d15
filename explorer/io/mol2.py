"""Reader of Tripos MOL2 files: atoms of every molecule; bonds and charges are perceived from the positions."""

import re

import numpy as np

from explorer.errors import InputError
from explorer.io.structure import Frame, Structure, coordinates, element


def parse_mol2(text: str, name: str) -> list[Frame]:
    """Read the atoms of every molecule.

    Bond types of MOL2 (`am`, `ar`) state neither orders nor formal charges, and partial charges are those of a method,
    so both are perceived as for an XYZ file.

    Args:
        text: Content of the file.
        name: Name of the file, for titles and error messages.
    """
    frames: list[Frame] = []
    atoms: list[tuple[int, list[str]]] = []
    heading: list[tuple[int, str]] = []  # lines below MOLECULE: the name, then the numbers of atoms and bonds
    section = ""
    for k, line in enumerate([*text.split("\n"), "@<TRIPOS>MOLECULE"], start=1):
        if line.startswith("@<TRIPOS>"):
            section = line[9:].strip().upper()
            if section == "MOLECULE":
                if atoms:
                    title = f"{name}, molecule {len(frames) + 1}" if frames else name
                    frames.append(_count_error(atoms, heading, name) or _frame(atoms, title, name))
                atoms, heading = [], []
        elif section == "MOLECULE":
            heading.append((k, line))
        elif section == "ATOM" and line.strip() and not line.startswith("#"):
            atoms.append((k, line.split()))
    return frames


def _count_error(atoms: list[tuple[int, list[str]]], heading: list[tuple[int, str]], name: str) -> InputError | None:
    """Return an error if the second line of the heading states another number of atoms."""
    k, line = heading[1] if len(heading) > 1 else (0, "")
    stated = line.split(maxsplit=1)[0] if line.strip() else ""
    if not stated.isdecimal() or int(stated) == len(atoms):
        return None
    return InputError(
        f"{name}, line {k}: {stated} atoms were expected, received {len(atoms)}. "
        "The file may be cut; complete it, or correct the number."
    )


def _frame(atoms: list[tuple[int, list[str]]], title: str, name: str) -> Frame:
    numbers, positions, names = [], [], []
    try:
        for k, fields in atoms:
            where = f"{name}, line {k}"
            if len(fields) < 6:
                raise InputError(
                    f"{where}: number, name, three coordinates and type of an atom were expected, received "
                    f"{' '.join(fields)[:60]!r}. Correct the line."
                )
            numbers.append(element(_symbol(fields[5]), where).number)
            positions.append(coordinates(fields[2:5], where))
            names.append(f"{fields[7]}:{fields[1]}" if len(fields) > 7 else fields[1])
    except InputError as error:
        return error
    return Structure(
        title=title,
        atomic_numbers=np.array(numbers),
        positions=np.array(positions),
        atom_names=tuple(names),
        lines=tuple(k for k, _ in atoms),
    )


def _symbol(atom_type: str) -> str:
    """Return the element of an atom type: C.3 of SYBYL, or ca of GAFF, which is in lower case and carbon."""
    symbol = re.split(r"[.\d]", atom_type)[0]
    return symbol if not symbol.islower() or symbol in ("cl", "br") else symbol[:1]
