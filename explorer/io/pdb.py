"""PDB files: the atoms of every model, with residue and atom names."""

import numpy as np
from ase.data import atomic_numbers as ATOMIC_NUMBERS

from explorer.errors import InputError
from explorer.io.structure import Structure, atomic_number, coordinates

# Residues whose atom names begin with a one-letter element, also where columns are shifted.
PEPTIDE_RESIDUES = {
    "ALA",
    "ARG",
    "ASN",
    "ASP",
    "ASH",
    "CYS",
    "CYX",
    "CYM",
    "GLN",
    "GLU",
    "GLH",
    "GLY",
    "HIS",
    "HID",
    "HIE",
    "HIP",
    "HSD",
    "HSE",
    "HSP",
    "ILE",
    "LEU",
    "LYS",
    "LYN",
    "MET",
    "PHE",
    "PRO",
    "SER",
    "THR",
    "TRP",
    "TYR",
    "VAL",
    "ACE",
    "NME",
    "NMA",
    "NHE",
    "NH2",
    "FOR",
}


def parse_pdb(text: str, name: str) -> list[Structure]:
    """The structure of each model; bonds are left to the distances, CONECT is not needed.

    Raises:
        InputError: with the line that could not be read, or for alternate locations.
    """
    models: list[list[tuple[int, str]]] = [[]]
    for k, line in enumerate(text.splitlines(), start=1):
        if line.startswith("MODEL") and models[-1]:
            models.append([])
        elif line.startswith(("ATOM  ", "HETATM")):
            models[-1].append((k, line))
    models = [model for model in models if model]
    return [_model(model, f"{name}, model {i + 1}" if i else name, name) for i, model in enumerate(models)]


def _model(records: list[tuple[int, str]], title: str, name: str) -> Structure:
    numbers, positions, names = [], [], []
    seen: dict[tuple[str, str], str] = {}
    for k, line in records:
        where = f"{name}, line {k}"
        atom, residue = line[12:16].strip(), f"{line[17:20].strip()}{line[22:27].strip()}"
        location = line[16:17].strip()
        key = (line[21:22] + residue, atom)
        if key in seen and seen[key] != location:
            raise InputError(
                f"{where}: {residue}:{atom} is there twice, as alternate locations {seen[key] or 'blank'!r} and "
                f"{location or 'blank'!r}. Keep one location of each atom (column 17)."
            )
        seen[key] = location
        numbers.append(_element(line, where))
        positions.append(coordinates([line[c : c + 8].strip() for c in (30, 38, 46)], where))
        names.append(f"{residue}:{atom}")
    return Structure(title, np.array(numbers), np.array(positions), tuple(names), tuple(k for k, _ in records))


def _element(line: str, where: str) -> int:
    """From columns 77-78; where these are empty from the atom name in columns 13-16."""
    symbol = line[76:78].strip()
    if symbol:
        return atomic_number(symbol, where)
    letters = line[12:16].strip().lstrip("0123456789")
    aligned = line[12:14].strip()
    peptide = line[17:20].strip().upper() in PEPTIDE_RESIDUES
    if not peptide and len(aligned) == 2 and aligned.isalpha() and aligned.capitalize() in ATOMIC_NUMBERS:
        return atomic_number(aligned, where)
    return atomic_number(letters[:1], where)
